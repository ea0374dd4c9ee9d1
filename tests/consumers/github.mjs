// SPDX-License-Identifier: MIT
// GitHub's workflow commands, as the runner takes them out of a log.
import assert from 'node:assert/strict';

const KINDS = ['error', 'warning', 'notice'];
const PER_STEP = 10;

/** Of the runner's two syntaxes only this one may be there. */
function readCommand(line) {
	const match = /^::([A-Za-z-]+)(?: ([^:]*))?::(.*)$/.exec(line.trim());

	if (!match)
		return null;
	const plain = (s) => s.replace(/%0D/g, '\r').replace(/%0A/g, '\n').replace(/%25/g, '%');
	const value = (s) => plain(s.replace(/%3A/g, ':').replace(/%2C/g, ','));

	return {
		kind: match[1], message: plain(match[3]),
		...Object.fromEntries((match[2] ?? '').split(',').filter(Boolean).map((pair) => {
			const at = pair.indexOf('=');

			assert(at > 0, `not KEY=VALUE: ${pair}`);
			return [pair.slice(0, at), value(pair.slice(at + 1))];
		})),
	};
}

function assertCommand({ kind, message, ...properties }) {
	assert(KINDS.includes(kind), `a command that nobody meant: ${kind}`);
	assert(message);
	for (const key of Object.keys(properties))
		assert(['file', 'line', 'endLine', 'title'].includes(key), `unknown property ${key}`);
	if (properties.file)
		assert.doesNotMatch(properties.file, /^(\/|\.\/)/);
	if (properties.line)
		assert.match(properties.line, /^[1-9]\d*$/);
}

export const commands = {
	judge({ text, truth }) {
		const all = text.split(/\r\n|\n|\r/).map(readCommand).filter(Boolean);

		assert.doesNotMatch(text, /##\[/);
		all.forEach(assertCommand);
		for (const [i, severity] of ['error', 'warning', 'note'].entries()) {
			const said = all.filter((c) => c.kind === KINDS[i]);
			const found = truth.findings.filter((f) => f.severity === severity);

			assert(said.length <= PER_STEP, 'GitHub shows ten of a kind in a step');
			for (const f of found.slice(0, PER_STEP - 1))
				assert(said.some((c) => `${c.title} ${c.message}`.includes(f.rule)
					&& `${c.title} ${c.message}`.includes(String(f.count))),
				`no command for ${f.rule} ${f.where}`);
		}
	},
	spoilt: {
		'a finding less': ({ text }) => text.replace(/^::error[^\n]*\n/m, ''),
		'a command of somebody else': ({ text }) => `${text}\n::set-output name=a::b\n`,
		'an absolute path': ({ text }) => text.replace(/file=/, 'file=/'),
		'the old syntax': ({ text }) => `${text}\n##[error]oh\n`,
	},
};
