// SPDX-License-Identifier: MIT
// Our own JSON: against its schema, and against the text report.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import addFormats from 'ajv-formats';
import Ajv2020 from 'ajv/dist/2020.js';
import { SOURCE, Skip } from './tools.mjs';
import { plain } from './truth.mjs';

const SCHEMA = path.join(SOURCE, 'report/report.schema.json');

function edit(change) {
	return ({ text }) => {
		const json = JSON.parse(text);

		change(json);
		return JSON.stringify(json);
	};
}

let valid;

export const schema = {
	begin() {
		if (!fs.existsSync(SCHEMA))
			throw new Skip('there is no schema');
		const ajv = new Ajv2020({ allErrors: true });

		addFormats(ajv);
		valid = ajv.compile(JSON.parse(fs.readFileSync(SCHEMA, 'utf8')));
	},
	judge({ text }) {
		assert(valid(JSON.parse(text)), JSON.stringify(valid.errors, null, 1));
	},
	spoilt: {
		'an unknown key': edit((json) => { json.findings[0].unheardOf = 1; }),
		'a count that is a string': edit((json) => { json.findings[0].count = '3'; }),
		'a finding without a rule': edit((json) => { delete json.findings[0].rule; }),
		'another version': edit((json) => { json.version = 99; }),
	},
};

export const text = {
	judge({ text: json, truth }) {
		const { verdict, findings } = JSON.parse(json);

		assert.deepEqual(findings.map((f) => ({
			severity: f.severity, rule: f.rule, kind: f.subkind ?? null, count: f.count,
			noun: f.counted, verb: f.verb, function: plain(f.function), where: plain(f.where),
		})), truth.findings.map(({ file, line, lines, ...f }) => ({
			...f, function: plain(f.function), where: plain(f.where),
		})));
		const errors = findings.filter((f) => f.severity === 'error');
		assert.equal(verdict.leaked, errors.reduce((n, f) => n + f.count, 0));
		assert.equal(verdict.places, errors.length);
		assert.equal(verdict.still_open, truth.open.reduce((n, o) => n + o.count, 0));
	},
	spoilt: {
		'another count': edit((json) => { json.findings[0].count++; }),
		'a finding less': edit((json) => { json.findings.pop(); }),
		'another place': edit((json) => { json.findings[0].where = 'else.c:1'; }),
	},
};
