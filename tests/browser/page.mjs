// SPDX-License-Identifier: MIT
// A page as somebody has it before him: where from, how wide, light or dark, with script or not.
import assert from 'node:assert/strict';
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser } from '../consumers/chromium.mjs';
import { SOURCE } from '../consumers/tools.mjs';

// What is sent along by what stands between: Jenkins, with each file of an artefact, and one who allows
// no script.
const POLICIES = {
	jenkins: "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self'",
	scriptless: "script-src 'none'",
};
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

let chromium;
let server;
let served; // the directory
let policy;

function answer(request, response) {
	const file = path.join(served, path.basename(decodeURIComponent(request.url)));

	if (!fs.existsSync(file)) {
		// Where the page does not forbid it, the browser asks for the site's icon.
		response.writeHead(request.url === '/favicon.ico' ? 204 : 404).end();
		return;
	}
	response.writeHead(200, {
		'Content-Security-Policy': policy,
		'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
	});
	fs.createReadStream(file).pipe(response);
}

export const lifetime = {
	async begin() {
		chromium = await openBrowser();
	},
	async end() {
		await chromium?.close();
		server?.closeAllConnections?.();
		server?.close();
	},
};

async function addressOf(file, from) {
	if (from === 'file')
		return pathToFileURL(file).href;
	if (!server) {
		server = http.createServer(answer);
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	}
	served = path.dirname(file);
	policy = POLICIES[from];
	return `http://127.0.0.1:${server.address().port}/${encodeURIComponent(path.basename(file))}`;
}

/** Everything that a page should not do. */
function watch(page, address) {
	const seen = [];
	const own = new URL('.', address).href;

	page.on('console', (message) => seen.push(`console: ${message.text()}`));
	page.on('pageerror', (error) => seen.push(`error: ${error.message}`));
	page.on('dialog', (dialog) => (seen.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
	page.on('request', (request) => {
		if (!request.url().startsWith(own) || request.method() !== 'GET')
			seen.push(`request: ${request.url()}`);
	});
	page.on('popup', (popup) => seen.push(`window: ${popup.url()}`));
	return seen;
}

/**
 * Opens the file, hands the page to `use`, and holds the page to be silent: no request but for
 * the files beside it, no word on the console. `look` has width, dark, script and from ('file',
 * or a policy, where the browser itself says what it blocked).
 */
export async function withPage(file, look, use) {
	const { width = 1280, dark = false, script = true, from = 'file', fragment = '' } = look;
	const context = await chromium.browser.newContext({
		viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light',
		javaScriptEnabled: script, reducedMotion: 'reduce',
	});

	try {
		const page = await context.newPage();
		const address = await addressOf(file, from);
		const seen = watch(page, address);

		page.setDefaultTimeout(10_000);
		await page.goto(address + fragment);
		await use(page);
		assert.deepEqual(from !== 'file' ? seen.filter((what) => !blocked(what)) : seen, []);
	} catch (error) {
		error.message = `${describe(look)}: ${error.message}`;
		throw error;
	} finally {
		await context.close();
	}
}

function blocked(what) {
	return what.startsWith('console: ') && /Content Security Policy|sandboxed/.test(what);
}

/** All looks for the reports that differ most, the first for those that are like them. */
export function looksFor(name, looks) {
	const alike = fs.existsSync(path.join(SOURCE, 'examples', `${name}.c`)) && name !== 'leak_on_error';

	return alike ? looks.slice(0, 1) : looks;
}

/** The page with more style: its policy, which would not have it, is taken away. */
export function styled(text, css) {
	return text.replace(/<meta http-equiv[^>]*>/i, '').replace(/<style[^>]*>/, `$&${css}`);
}

export function describe({ width = 1280, dark = false, script = true, from = 'file' }) {
	return `${width}-${dark ? 'dark' : 'light'}${script ? '' : '-noscript'}`
		+ `${from === 'file' ? '' : `-${from}`}`;
}
