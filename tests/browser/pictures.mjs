// SPDX-License-Identifier: MIT
// How it looks: pictures are kept in the build directory, and what can be measured is: nothing sticks
// out, labels lie over no other label, what is to be hit is large enough.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { WORK } from '../consumers/tools.mjs';
import { describe, lifetime, looksFor, styled, withPage } from './page.mjs';

const LOOKS = [{}, { dark: true }, { width: 390 }, { width: 390, dark: true },
	{ script: false }, { from: 'jenkins' }];
const PICTURES = path.join(WORK, 'pictures');
const LONGEST = 6000;
// WCAG 2.2, 2.5.8.
const LEAST_TARGET = 24;

/** All of it as the reader may unfold it; returns what is wrong. */
function measure(leastTarget) {
	const wrong = [];
	const root = document.documentElement;
	const name = (e) => `${e.localName}${e.id ? `#${e.id}` : ''} "${e.textContent.trim().slice(0, 40)}"`;
	const visible = (box) => box.width > 0 && box.height > 0;

	if (root.scrollWidth > root.clientWidth) {
		wrong.push(`the page is ${root.scrollWidth} wide, the window ${root.clientWidth}`);
		for (const e of document.querySelectorAll('main *'))
			if (e.getBoundingClientRect().right > root.clientWidth + 1 && wrong.length < 8
				&& !e.closest('svg'))
				wrong.push(`  ${name(e)} ends at ${e.getBoundingClientRect().right}`);
	}
	for (const e of document.querySelectorAll('summary, button, input, select')) {
		const box = e.getBoundingClientRect();

		if (visible(box) && (box.height < leastTarget || box.width < leastTarget))
			wrong.push(`${name(e)} is ${box.width} x ${box.height}`);
	}
	return wrong;
}

/** Labels in pictures: none over another, none cut off. */
function measureDrawings() {
	const wrong = [];
	const over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
		&& Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;

	for (const svg of document.querySelectorAll('svg')) {
		const frame = svg.getBoundingClientRect();
		const labels = [...svg.querySelectorAll('text')].map((e) => ({
			text: e.textContent.trim(), box: e.getBoundingClientRect(),
		})).filter(({ text, box }) => text && box.width > 0);
		const title = svg.getAttribute('aria-labelledby') || svg.getAttribute('aria-label')
			|| svg.querySelector('title')?.textContent;

		if (frame.width === 0)
			continue;
		if (svg.getAttribute('aria-hidden') !== 'true' && svg.childElementCount < 2)
			wrong.push(`an empty picture: ${title}`);
		labels.forEach(({ text, box }, i) => {
			if (box.left < frame.left - 1 || box.right > frame.right + 1
				|| box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
				wrong.push(`"${text.slice(0, 60)}" is cut off in ${title?.slice(0, 60)}`);
			for (const other of labels.slice(i + 1))
				if (over(box, other.box))
					wrong.push(`"${text.slice(0, 60)}" over "${other.text.slice(0, 60)}" in ${title?.slice(0, 60)}`);
		});
	}
	return wrong.slice(0, 20);
}

/** The first metres of it. */
async function keep(page, file) {
	const { width, height } = await page.evaluate(() => ({
		width: document.documentElement.clientWidth, height: document.documentElement.scrollHeight,
	}));

	await page.screenshot({
		path: file, fullPage: true, timeout: 60_000,
		clip: { x: 0, y: 0, width, height: Math.min(height, LONGEST) },
	});
}

async function wrongWith(page, look) {
	// Where no style is allowed, the browser's own decides about widths and targets.
	const layout = look.from === 'jenkins' ? [] : await page.evaluate(measure, LEAST_TARGET);

	return [...layout, ...await page.evaluate(measureDrawings)];
}

export const pictures = {
	...lifetime,
	async judge({ name, file }) {
		const to = path.join(PICTURES, name in pictures.spoilt ? 'spoilt' : name);
		const wrong = {};

		fs.mkdirSync(to, { recursive: true });
		for (const look of looksFor(name, LOOKS))
			await withPage(file, look, async (page) => {
				await keep(page, path.join(to, `${describe(look)}.png`));
				wrong[describe(look)] = await wrongWith(page, look);
				await page.evaluate(() => document.querySelectorAll('details')
					.forEach((details) => { details.open = true; }));
				wrong[`${describe(look)}, unfolded`] = await wrongWith(page, look);
			});
		for (const look in wrong)
			if (!wrong[look].length)
				delete wrong[look];
		assert.deepEqual(wrong, {});
	},
	spoilt: {
		'a line that sticks out': [({ text }) => styled(text.replace('</main>',
			`<p class="wide">${'wide_'.repeat(60)}</p></main>`),
		'.wide{white-space:pre;overflow-wrap:normal}'), /the page is \d+ wide/],
		'a small button': [({ text }) =>
			styled(text.replace('</main>', '<button class="tiny">.</button></main>'),
				'button.tiny{height:12px;width:12px;padding:0;min-height:0}'), /is 12 x 12/],
		'one label over another': [({ text }) => text.replace('</svg>',
			'<text x="100" y="30">one label</text><text x="102" y="31">another</text></svg>'),
		/"one label" over "another"/],
	},
};
