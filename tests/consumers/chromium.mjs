// SPDX-License-Identifier: MIT
// Debian's chromium, driven by playwright-core.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { need } from './tools.mjs';

/** A browser with a home of its own; `close()` ends it and removes that. */
export async function openBrowser(args = []) {
	const executablePath = need('chromium');
	const home = fs.mkdtempSync(path.join(os.tmpdir(), 'socklint-browser-'));
	const browser = await chromium.launch({
		executablePath,
		args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-background-networking',
			'--disable-component-update', '--no-first-run', ...args],
		env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
	});

	return {
		browser,
		async close() {
			await browser.close();
			fs.rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
		},
	};
}
