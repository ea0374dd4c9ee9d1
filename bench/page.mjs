// SPDX-License-Identifier: MIT
// How long Chromium takes with a page: page.mjs PAGE ROUNDS. Prints a JSON array of rounds: ms until
// it can be used (DOM and script are there), until it is loaded, and from typing into the filter to
// the next frame. Is to be called where playwright-core is found.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { chromium } = createRequire(`${process.cwd()}/`)('playwright-core');
const [page, rounds] = process.argv.slice(2);
const executablePath = '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const results = [];

for (let i = 0; i < Number(rounds); i++) {
	const tab = await browser.newPage();

	await tab.goto(pathToFileURL(page).href, { waitUntil: 'load' });
	const [interactive, loaded] = await tab.evaluate(() => {
		const entry = performance.getEntriesByType('navigation')[0];

		return [entry.domInteractive, entry.loadEventEnd];
	});
	const began = performance.now();

	await tab.locator('input').first().fill('no such text', { timeout: 5000 });
	await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
	results.push({ interactive, loaded, filtered: performance.now() - began });
	await tab.close();
}
await browser.close();
console.log(JSON.stringify(results));
