// SPDX-License-Identifier: MIT
// Names are text: whatever a function, a file or a program is called, nothing of it becomes markup.
import assert from 'node:assert/strict';
import path from 'node:path';
import { WORK } from '../consumers/tools.mjs';
import { plain } from '../consumers/truth.mjs';
import { lifetime, looksFor, withPage } from './page.mjs';

const LOOKS = [{}, { script: false }, { from: 'jenkins' }, { width: 390 }];

/** What the DOM has that only a name could have brought. */
function intruders() {
	const found = [];

	for (const element of document.querySelectorAll('*')) {
		for (const { name, value } of element.attributes)
			if (name.startsWith('on') || /^\s*(javascript|data|https?):/i.test(value)
				&& !name.startsWith('xmlns'))
				found.push(`${element.localName} ${name}=${value.slice(0, 80)}`);
		if (element.matches('img, iframe, object, embed, base, form[action], link[href^=http], font'))
			found.push(element.outerHTML.slice(0, 100));
	}
	return found;
}

/* Nothing that reorders or hides the text around it. */
const TREACHEROUS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

async function scripts(page) {
	return page.locator('script').evaluateAll((all) => all.map((script) => script.text.length));
}

export const hostile = {
	...lifetime,
	async judge({ name, file, text, truth, read }) {
		let ours;

		await withPage(path.join(WORK, 'reports/correct/report.html'), {},
			async (page) => { ours = await scripts(page); });
		assert.doesNotMatch(text, TREACHEROUS);
		for (const look of looksFor(name, LOOKS))
			await withPage(file, look, async (page) => {
				const shown = await page.locator('body').evaluate((body) => body.textContent);

				assert.deepEqual(await page.evaluate(intruders), []);
				assert.equal((await scripts(page)).length, ours.length, 'a script that is not ours');
				for (const { function: fn } of truth.findings)
					assert(plain(shown).includes(plain(fn).slice(0, 60)), `it does not show ${fn.slice(0, 60)}`);
				for (const { pid } of JSON.parse(read('json')).processes)
					assert(shown.includes(String(pid)));
			});
	},
	spoilt: {
		'a script': ({ text }) => text.replace('</body>', '<script>alert(1)</script></body>'),
		'a handler': ({ text }) => text.replace('<main', '<main onclick="alert(1)"'),
		'a picture': ({ text }) => text.replace('</body>', '<img src=x alt=""></body>'),
		'a link to a script': ({ text }) => text.replace('</main>', '<a href="javascript:f()">a</a></main>'),
		'text that runs backwards': ({ text }) => text.replace('</main>', '\u202eabc</main>'),
	},
};
