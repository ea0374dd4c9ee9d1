// SPDX-License-Identifier: MIT
// Folded stacks: "outer;inner NUMBER", as flame graph tools read them.
import assert from 'node:assert/strict';
import * as speedscopeApp from './speedscope.mjs';

function assertLine(line) {
	const match = /^(\S.*) ([1-9]\d*)$/.exec(line);

	assert(match, `not "STACK NUMBER": ${line.slice(0, 100)}`);
	assert(match[1].split(';').every(Boolean), `an empty frame: ${line.slice(0, 100)}`);
}

export const speedscope = {
	...speedscopeApp.lifetime,
	async judge({ text, bytes, truth }) {
		text.split('\n').filter(Boolean).forEach(assertLine);
		if (text.trim())
			await speedscopeApp.assertShows('stacks.folded.txt', bytes, truth);
	},
	spoilt: {
		'a line without a number': ({ text }) => text.replace(/ \d+$/m, ''),
		'an empty frame': ({ text }) => text.replace(';', ';;'),
		'a function less': ({ text, truth }) => text.replaceAll(truth.findings[0].function, 'f'),
	},
};
