// SPDX-License-Identifier: MIT
// What the page says is what the text report says, wherever it is opened, with script and without.
import assert from 'node:assert/strict';
import { plain } from '../consumers/truth.mjs';
import { lifetime, looksFor, withPage } from './page.mjs';

const LOOKS = [{}, { script: false }, { dark: true, width: 390 }, { from: 'jenkins' }];

/** All text of the body, folded or not, as one line; nothing of scripts and styles. */
function readAll() {
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const parts = [];

	while (walker.nextNode())
		if (!walker.currentNode.parentElement.closest('script, style, template'))
			parts.push(walker.currentNode.data);
	return parts.join(' ').replace(/\s+/g, ' ');
}

/** "a b" and "a  b" are the same to a reader, and so are spaces around tags. */
function squeezed(text) {
	return plain(text.replace(/\s+/g, '').replace(/(?<=\d),(?=\d{3})/g, ''));
}

function assertSays(text, what) {
	assert(text.includes(squeezed(what)), `it does not say: ${what.slice(0, 300)}`);
}

function assertFindings(text, truth) {
	for (const f of truth.findings) {
		assertSays(text, f.rule);
		assertSays(text, f.function);
		assertSays(text, f.where);
		assertSays(text, `${f.count} ${f.noun}`);
	}
	for (const { place, count } of truth.open) {
		assertSays(text, place.replace(/ \(.*/, ''));
		assertSays(text, String(count));
	}
}

/** A finding's evidence, advice, stacks and processes. */
function assertDetails(text, json) {
	for (const finding of json.findings) {
		assertSays(text, finding.advice);
		for (const stack of finding.stacks)
			for (const frame of stack.frames.filter((f) => !f.runtime))
				assertSays(text, frame.function);
	}
	for (const process of json.processes)
		assertSays(text, String(process.pid));
	if (json.processes.length === 1)
		assertSays(text, json.processes[0].command_line.slice(0, 200));
}

async function headings(page) {
	return page.locator('h1, h2, h3, h4').allInnerTexts();
}

export const content = {
	...lifetime,
	async judge({ name, file, truth, read }) {
		const json = JSON.parse(read('json'));

		for (const look of looksFor(name, LOOKS))
			await withPage(file, look, async (page) => {
				const text = squeezed(await page.evaluate(readAll));

				assertFindings(text, truth);
				assertDetails(text, json);
				if (json.verdict.leaked)
					assert.match((await headings(page)).join('\n') + await page.locator('body')
						.innerText(), new RegExp(`\\b${json.verdict.leaked} sockets? leaked`));
				assert.match(await page.title(), /socklint/i);
			});
	},
	spoilt: {
		'a finding less': ({ text, truth }) =>
			text.replaceAll(truth.findings[0].function, 'somebody'),
		'a picture from elsewhere': ({ text }) =>
			text.replace('</body>', '<img src="https://example.org/a.png" alt=""></body>'),
		'a word on the console': ({ text }) => text.replace(/<meta http-equiv[^>]*>/i, '')
			.replace('</body>', '<script>console.log(1)</script></body>'),
	},
};
