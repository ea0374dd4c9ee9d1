// SPDX-License-Identifier: MIT
// A picture of the head of a page and its first finding: picture PAGE PNG
import { main } from '../consumers/tools.mjs';
import { lifetime, withPage } from './page.mjs';

const [file, to] = process.argv.slice(2);

await main(async () => {
	await lifetime.begin();
	await withPage(file, { width: 1100 }, async (page) => {
		// Paths and hosts of whoever made the picture are of no interest.
		await page.evaluate(() => document.querySelectorAll('.facts, .tools')
			.forEach((element) => element.remove()));
		const advice = await page.locator('.finding .advice').first().boundingBox();

		await page.screenshot({
			path: to, fullPage: true,
			clip: { x: 0, y: 0, width: 1100, height: Math.ceil(advice.y + advice.height + 16) },
		});
	});
	await lifetime.end();
});
