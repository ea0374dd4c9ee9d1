// SPDX-License-Identifier: MIT
// Markdown as GitHub reads it: what was found is there, and names stay names.
import assert from 'node:assert/strict';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm as gfmSyntax } from 'micromark-extension-gfm';

const JOB_SUMMARY_BYTES = 1024 * 1024;
const HTML = /^(<\/?(details|summary|sub|b|code|pre)>|<br ?\/?>|<details open>|\s)+$/;

function read(markdown) {
	return fromMarkdown(markdown, { extensions: [gfmSyntax()], mdastExtensions: [gfmFromMarkdown()] });
}

function* walk(node) {
	yield node;
	for (const child of node.children ?? [])
		yield* walk(child);
}

function assertHtml(value) {
	// A block of HTML goes on to the next empty line: tags and text in it are to be ours as well.
	for (const tag of value.match(/<[^>]*>?/g) ?? [])
		assert.match(tag, HTML, `raw HTML: ${value.slice(0, 100)}`);
}

function assertNode(node) {
	if (node.type === 'html')
		assertHtml(node.value);
	if (node.type === 'link')
		assert.match(node.url, /^(https:\/\/|#)/, `a link to ${node.url}`);
	assert(!['image', 'imageReference', 'linkReference', 'footnoteReference'].includes(node.type),
		`${node.type}: nobody wrote one`);
	if (node.type === 'table')
		for (const row of node.children)
			assert.equal(row.children.length, node.children[0].children.length, 'a torn table');
}

function textOf(tree) {
	return [...walk(tree)].map((node) => node.value ?? '').join(' ').replace(/\s+/g, ' ');
}

export const gfm = {
	judge({ text, bytes, truth }) {
		const tree = read(text);
		const plain = textOf(tree);

		assert(bytes.length < JOB_SUMMARY_BYTES);
		for (const node of walk(tree))
			assertNode(node);
		for (const f of truth.findings) {
			assert(plain.includes(f.rule), `${f.rule} is not there`);
			assert(plain.includes(String(f.count)));
			if (/^\w+$/.test(f.function))
				assert(plain.includes(f.function), `${f.function} is not there`);
		}
	},
	spoilt: {
		'a script': ({ text }) => `${text}\n\n<script>alert(1)</script>\n`,
		'a link to a script': ({ text }) => `${text}\n\n[a](javascript:alert(1))\n`,
		'an image': ({ text }) => `${text}\n\n![a](https://example.org/a.png)\n`,
		'a rule less': ({ text, truth }) => text.replaceAll(truth.findings[0].rule, ''),
		'a torn table': ({ text }) => `${text}\n\n| a | b |\n|---|---|\n| 1 |\n`,
	},
};
