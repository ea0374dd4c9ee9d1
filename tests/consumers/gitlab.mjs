// SPDX-License-Identifier: MIT
// GitLab's Code Quality report, by its documented shape.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import { SOURCE } from './tools.mjs';

const line = { type: 'integer', minimum: 1 };
const documented = {
	type: 'array',
	items: {
		type: 'object',
		required: ['description', 'check_name', 'fingerprint', 'severity', 'location'],
		properties: {
			description: { type: 'string', minLength: 1 },
			check_name: { type: 'string', pattern: '^[a-z][a-z/-]+$' },
			fingerprint: { type: 'string', pattern: '^[0-9a-f]{32,}$' },
			severity: { enum: ['info', 'minor', 'major', 'critical', 'blocker'] },
			location: {
				type: 'object',
				required: ['path', 'lines'],
				properties: {
					// Relative to the repository, and without "./".
					path: { type: 'string', pattern: '^(?!\\./)(?!/)(?!.*(^|/)\\.\\.(/|$)).' },
					lines: {
						type: 'object', required: ['begin'], properties: { begin: line, end: line },
					},
				},
			},
		},
	},
};

function edit(change) {
	return ({ text }) => {
		const issues = JSON.parse(text);

		change(issues);
		return JSON.stringify(issues);
	};
}

const valid = new Ajv2020({ allErrors: true }).compile(documented);

function inRepository({ file }) {
	return file && fs.existsSync(path.join(SOURCE, 'examples', path.basename(file)));
}

export const schema = {
	judge({ text, truth }) {
		const issues = JSON.parse(text);
		const prints = issues.map((issue) => issue.fingerprint);

		assert(valid(issues), JSON.stringify(valid.errors, null, 1));
		assert.equal(new Set(prints).size, prints.length, 'GitLab drops all but one of a fingerprint');
		assert(issues.length <= truth.findings.length);
		for (const f of truth.findings.filter(inRepository))
			assert(issues.some((issue) => issue.check_name.endsWith(f.rule)
				&& issue.location.path.endsWith(`/${f.file}`)
				&& issue.location.lines.begin === f.line
				&& issue.description.includes(String(f.count))), `no issue for ${f.rule} ${f.where}`);
	},
	spoilt: {
		'no fingerprint': edit((issues) => { delete issues[0].fingerprint; }),
		'the same fingerprint': edit((issues) => { issues[0].fingerprint = issues[1].fingerprint; }),
		'an absolute path': edit((issues) => { issues[0].location.path = '/a.c'; }),
		'a severity of its own': edit((issues) => { issues[0].severity = 'error'; }),
		'a finding less': edit((issues) => { issues.pop(); }),
	},
};
