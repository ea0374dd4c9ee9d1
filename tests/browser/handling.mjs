// SPDX-License-Identifier: MIT
// What can be done with the page: filter, sort, unfold, follow a link to a finding, copy; all by the
// keyboard alone.
import assert from 'node:assert/strict';
import { lifetime, styled, withPage } from './page.mjs';

const FINDINGS = 'article.finding';

async function visibleFindings(page) {
	return page.locator(`${FINDINGS}:visible`).count();
}

/** Typing a name leaves the findings that have it, and clearing brings all back. */
async function filters(page, truth) {
	const all = await visibleFindings(page);
	const name = truth.findings.at(-1).file;
	const box = page.getByRole('searchbox');

	assert.equal(all, truth.findings.length);
	await box.fill(name);
	const left = await visibleFindings(page);
	const others = truth.findings.some((f) => f.file !== name);
	assert(left >= 1 && left < all + !others, `${left} of ${all} left for ${name}`);
	for (const text of await page.locator(`${FINDINGS}:visible`).allTextContents())
		assert(text.includes(name));
	await box.fill('nothing has this in it');
	assert.equal(await visibleFindings(page), 0);
	await page.getByRole('button', { name: 'Clear' }).click();
	assert.equal(await visibleFindings(page), all);
}

async function choosesRule(page, truth) {
	const rule = 'close-wait';
	const wanted = truth.findings.filter((f) => f.rule === rule).length;

	await page.getByRole('combobox', { name: /^Rule/ }).selectOption(rule);
	assert.equal(await visibleFindings(page), wanted);
	await page.getByRole('combobox', { name: /^Rule/ }).selectOption('');
	assert.equal(await visibleFindings(page), truth.findings.length);
}

/** A column's head sorts, and again the other way round. */
async function sorts(page) {
	const table = page.locator('#sockets-table');
	const button = table.getByRole('button', { name: 'fd', exact: true });
	const column = async () => (await table.locator('tbody tr > :first-child').allInnerTexts())
		.map(Number).filter((n) => !Number.isNaN(n));
	const before = await column();

	await button.click();
	const first = await column();
	await button.click();
	const second = await column();
	assert.deepEqual([...first].sort((a, b) => a - b), [...before].sort((a, b) => a - b));
	assert.notDeepEqual(first, second);
	assert.deepEqual([first, second].map((c) => c[0] <= c.at(-1)).sort(), [false, true]);
	for (const c of [first, second])
		assert.deepEqual(c, [...c].sort((a, b) => (c[0] <= c.at(-1) ? a - b : b - a)));
	await assert.doesNotReject(table.locator('th[aria-sort]').first().waitFor());
}

/** Each finding has a link to itself that stays good, also when it is opened with it. */
async function links(page) {
	const finding = page.locator(FINDINGS).last();
	const id = await finding.getAttribute('id');

	assert.equal(await finding.locator(`a[href="#${id}"]`).count(), 1);
	return id;
}

async function comesTo(page, id) {
	const box = await page.locator(`[id="${id}"]`).boundingBox();

	assert(box.y > -5 && box.y < 400, `the finding is at ${box.y}`);
}

async function copies(page) {
	const button = page.getByRole('button', { name: /copy stack/i }).first();

	await button.click();
	await page.getByText(/^(Copied|Copying is not allowed here)$/).first().waitFor();
}

/** All that can be reached, in order, by Tab; what is focused must be seen. */
async function keyboard(page) {
	const seen = [];

	for (let i = 0; i < 40; i++) {
		await page.keyboard.press('Tab');
		const at = await page.evaluate(() => {
			const e = document.activeElement;
			const box = e.getBoundingClientRect();
			const style = getComputedStyle(e);

			return {
				what: `${e.localName} ${e.textContent.trim().slice(0, 30)}`, tag: e.localName,
				inside: box.bottom > 0 && box.top < innerHeight && box.width > 0,
				ring: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
			};
		});

		if (at.tag === 'body')
			break;
		assert(at.inside && at.ring, `${at.what}: in focus and not to be seen`);
		seen.push(at.tag);
	}
	for (const tag of ['a', 'input', 'summary'])
		assert(seen.includes(tag), `no ${tag} is reached by Tab`);
}

async function unfolds(page) {
	const summary = page.locator('details.stack:not([open]) > summary').first();

	await summary.focus();
	const before = await page.locator('details[open]').count();
	await page.keyboard.press('Enter');
	assert.equal(await page.locator('details[open]').count(), before + 1);
}

export const handling = {
	...lifetime,
	async judge({ name, file, truth }) {
		let id;

		if (truth.findings.length < 2)
			return;
		await withPage(file, {}, async (page) => {
			await keyboard(page);
			await filters(page, truth);
			await unfolds(page);
			await copies(page);
			if (name === 'many' || name in handling.spoilt) {
				await choosesRule(page, truth);
				await sorts(page);
			}
			id = await links(page);
		});
		await withPage(file, { fragment: `#${id}` }, (page) => comesTo(page, id));
		await withPage(file, { fragment: `#${id}`, script: false, width: 390 },
			(page) => comesTo(page, id));
	},
	spoilt: {
		'no script': ({ text }) => text.replace(/<script>[^]*<\/script>/, ''),
		'no ring around what is in focus': ({ text }) =>
			styled(text, ':focus-visible{outline:none!important}'),
		'a link that leads nowhere': ({ text }) => text.replace(/href="?#finding-/g, 'href="#other-'),
	},
};
