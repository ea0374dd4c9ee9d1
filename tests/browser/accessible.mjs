// SPDX-License-Identifier: MIT
// For everybody: axe finds nothing, in light, in dark, and without script; and vnu, no mistake.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { need, packageDirectory, packageFile, run } from '../consumers/tools.mjs';
import { lifetime, looksFor, withPage } from './page.mjs';

// Where script is off altogether axe could not run either: here the page's own is forbidden.
const LOOKS = [{}, { dark: true }, { from: 'scriptless' }, { from: 'scriptless', dark: true, width: 390 },
	{ width: 390 }];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SOURCE = fs.readFileSync(packageFile('axe-core'), 'utf8');

/** With all that can be unfolded unfolded: what is hidden is not looked at. */
function unfold() {
	for (const details of document.querySelectorAll('details'))
		details.open = true;
}

async function complaintsOf(page) {
	await page.evaluate(unfold);
	await page.evaluate(SOURCE);
	const { violations } = await page.evaluate((tags) =>
		window.axe.run(document, { runOnly: { type: 'tag', values: tags } }), RULES);

	return violations.map(({ id, help, nodes }) =>
		`${id}: ${help}: ${nodes.slice(0, 4).map((n) => `${n.html.slice(0, 200)} ${n.any[0]?.message ?? ''}`).join('\n\t')}`);
}

export const axe = {
	...lifetime,
	async judge({ name, file }) {
		for (const look of looksFor(name, LOOKS))
			await withPage(file, look, async (page) => {
				const complaints = await complaintsOf(page);

				assert.equal(complaints.length, 0, complaints.join('\n'));
			});
	},
	spoilt: {
		'no language': ({ text }) => text.replace(/ lang="?[a-z]+"?/, ''),
		'grey on grey': ({ text }) => text.replace('</main>',
			'<p><font color="#999999">hardly to be seen</font></p></main>'),
		'a picture without a name': ({ text }) => text.replace('</main>', '<img src="data:,"></main>'),
	},
};

export const vnu = {
	judgeAll(reports) {
		const jar = path.join(packageDirectory('vnu-jar'), 'build/dist/vnu.jar');
		const done = run(need('java'), ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-Xss8m', '-jar', jar,
			'--Werror', '--html', ...reports.map(({ file }) => file)]);

		assert.equal(done.err, '');
		assert.equal(done.status, 0);
	},
	spoilt: {
		'a tag that is not closed': ({ text }) => text.replace('</body>', '<div></body>'),
		'an attribute of its own': ({ text }) => text.replace('<main', '<main unheard="of"'),
	},
};
