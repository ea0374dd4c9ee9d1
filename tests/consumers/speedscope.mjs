// SPDX-License-Identifier: MIT
// speedscope, the real application in a real browser: a profile is given to it as users do.
import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser } from './chromium.mjs';
import { packageDirectory } from './tools.mjs';

const APPLICATION = path.join(packageDirectory('speedscope'), 'dist/release/index.html');
let chromium;

export const lifetime = {
	async begin() {
		chromium = await openBrowser(['--use-gl=angle', '--use-angle=swiftshader',
			'--enable-unsafe-swiftshader']);
	},
	async end() {
		await chromium?.close();
	},
};

/**
 * Loads the file and looks whether the functions of the findings are in the sandwich view, and
 * whether the whole is what it should be, if that is given.
 */
export async function assertShows(name, bytes, truth, total) {
	const page = await chromium.browser.newPage({ viewport: { width: 1280, height: 4000 } });
	const complaints = [];

	page.on('dialog', (dialog) => (complaints.push(dialog.message()), dialog.dismiss()));
	page.on('pageerror', (error) => complaints.push(error.message));
	try {
		await page.goto(`${pathToFileURL(APPLICATION)}#view=sandwich`);
		await page.setInputFiles('input[type=file]',
			{ name, mimeType: 'application/octet-stream', buffer: bytes });
		await page.getByText(/^\d[^(]*\(\d+%\)$/).first().waitFor({ timeout: 15_000 })
			.catch(() => complaints.push('it shows nothing'));
		assert.deepEqual(complaints, []);
		const shown = await page.locator('body').innerText();
		for (const { rule, function: fn } of truth.findings)
			if (rule === 'close-wait' && /^\w+$/.test(fn))
				assert(shown.includes(fn), `${fn} is not in:\n${shown}`);
		if (total)
			assert(shown.includes(`${total} (100%)`), `not ${total} in all:\n${shown}`);
	} finally {
		await page.close();
	}
}
