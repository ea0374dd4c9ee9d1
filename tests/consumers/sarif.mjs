// SPDX-License-Identifier: MIT
// SARIF, as GitHub's code scanning takes it in.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import zlib from 'node:zlib';
import path from 'node:path';
import addFormats from 'ajv-formats';
import Ajv2020 from 'ajv/dist/2020.js';
import { WORK, packageDirectory, run } from './tools.mjs';

const PACKAGE = packageDirectory('@microsoft/sarif-multitool-linux');

function edit(change) {
	return ({ text }) => {
		const sarif = JSON.parse(text);

		change(sarif.runs[0], sarif);
		return JSON.stringify(sarif);
	};
}

const withoutPlace = edit((r) => { delete r.results[0].locations; });

/**
 * The one message of all rules that is let through. SARIF2005 asks for driver.informationUri, which
 * the standard leaves to the tool (3.19.17, "MAY"): where information about this version of it can be
 * found. socklint has no address on the web, and any other would not be true. The rule's other
 * messages (a name too long, no version) count, and so do all other rules.
 */
function isAllowed({ ruleId, message }) {
	return ruleId === 'SARIF2005' && message.id === 'Warning_ProvideToolnformationUri';
}

export const multitool = {
	judgeAll(reports) {
		const to = path.join(WORK, `multitool-${process.pid}.sarif`);
		const done = run(path.join(PACKAGE, 'Sarif.Multitool'),
			['validate', ...reports.map(({ file }) => file), '--rule-kind', 'Sarif;Ghas', '--level', 'Error;Warning',
				'--output', to, '--log', 'ForceOverwrite'],
			{ env: { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1' } });

		assert.equal(done.status, 0, done.out + done.err);
		// Its exit status is 0 whatever it found.
		const { runs } = JSON.parse(fs.readFileSync(to, 'utf8').replace(/^\ufeff/, ''));
		fs.rmSync(to);
		for (const { results = [], invocations = [] } of runs) {
			assert.deepEqual(results.filter((r) => !isAllowed(r)), [], done.out);
			for (const { toolExecutionNotifications: notes = [] } of invocations)
				assert.deepEqual(notes.filter((note) => note.level === 'error'), []);
		}
		assert.match(done.out, new RegExp(`Done. ${reports.length} files scanned`));
	},
	spoilt: {
		'a result without a place': withoutPlace,
		'another warning of the rule that is let through': [edit((r) => {
			r.tool.driver.name = 'a socklint of four words';
		}), /SARIF2005: .*'a socklint of four words'/],
		'a warning of another rule': [edit((r, sarif) => { delete sarif.$schema; }),
			/warning SARIF2008: /],
	},
};

let valid;

export const schema = {
	begin() {
		const ajv = new Ajv2020({ strict: false, allErrors: true });

		addFormats(ajv);
		valid = ajv.compile(JSON.parse(
			fs.readFileSync(path.join(PACKAGE, 'sarif-2.1.0.json'), 'utf8')));
	},
	judge({ text }) {
		assert(valid(JSON.parse(text)), JSON.stringify(valid.errors, null, 1));
	},
	spoilt: {
		'an unknown key': edit((r) => { r.unheardOf = 1; }),
		'a line that is 0': edit((r) => {
			r.results[0].locations[0].physicalLocation.region.startLine = 0;
		}),
	},
};

/* ---- what GitHub's documentation asks for beyond the schema ---- */

function assertRule(rule) {
	for (const key of ['shortDescription', 'fullDescription', 'help'])
		assert(rule[key]?.text, `rule ${rule.id} has no ${key}`);
}

function assertPlace({ physicalLocation: { artifactLocation, region } }) {
	const { uri } = artifactLocation;

	assert.match(uri, /^(?![a-z][a-z0-9+.-]*:)(?!\/)(?!.*(^|\/)\.\.(\/|$))[!-~]+$/i,
		`${uri} is not relative to the repository`);
	assert.doesNotThrow(() => decodeURIComponent(uri));
	assert(region.startLine >= 1 && region.endLine >= region.startLine);
}

function assertFlow({ threadFlows }) {
	const steps = threadFlows.flatMap((flow) => flow.locations);

	assert(steps.length > 0);
	for (const { location } of steps) {
		assert(location.message.text);
		assertPlace(location);
	}
}

function assertResult(result, rules) {
	assert(result.message.text);
	assert.equal(rules[result.ruleIndex].id, result.ruleId);
	assert(['error', 'warning', 'note'].includes(result.level));
	assert(Number.isInteger(result.occurrenceCount) && result.occurrenceCount >= 1);
	assertPlace(result.locations[0]);
	assert.equal(result.partialFingerprints.primaryLocationLineHash, undefined);
	assert(result.partialFingerprints['socklintStack/v1']);
	(result.codeFlows ?? []).forEach(assertFlow);
}

function place({ file, line }) {
	return `${file}:${line}`;
}

/** Each finding is a result with the same severity and number, or it is counted as left out. */
function assertSame(results, truth, leftOut) {
	const left = [...truth.findings];

	for (const { ruleId, level, occurrenceCount, locations } of results) {
		const { artifactLocation, region } = locations[0].physicalLocation;
		const at = `${path.posix.basename(decodeURIComponent(artifactLocation.uri))}:${region.startLine}`;
		const same = (f) => f.rule === ruleId && f.severity === level && f.count === occurrenceCount;
		const exact = left.findIndex((f) => same(f) && place(f) === at);
		const i = exact >= 0 ? exact : left.findIndex(same);

		assert(i >= 0, `no such finding: ${ruleId} x ${occurrenceCount} at ${at}`);
		left.splice(i, 1);
	}
	assert.equal(left.length > 0, leftOut > 0, `${left.length} left out, ${leftOut} say so`);
}

export const upload = {
	judge({ bytes, truth }) {
		const { version, runs } = JSON.parse(bytes);
		const { results, tool, invocations = [] } = runs[0];
		const notes = invocations.flatMap((i) => i.toolExecutionNotifications ?? []);

		assert.equal(version, '2.1.0');
		assert.equal(runs.length, 1);
		assert(results.length <= 25_000);
		assert(zlib.gzipSync(bytes).length <= 10_000_000);
		tool.driver.rules.forEach(assertRule);
		results.forEach((result) => assertResult(result, tool.driver.rules));
		assertSame(results, truth, notes.length);
	},
	spoilt: {
		'a result without a place': withoutPlace,
		'an absolute path': edit((r) => {
			r.results[0].locations[0].physicalLocation.artifactLocation.uri = '/etc/passwd';
		}),
		'a path out of the repository': edit((r) => {
			r.results[0].locations[0].physicalLocation.artifactLocation.uri = 'a/../../b.c';
		}),
		'a finding that is not there': edit((r) => { r.results.pop(); }),
		'another number': edit((r) => { r.results[0].occurrenceCount++; }),
		'a rule without help': edit((r) => { delete r.tool.driver.rules[0].help; }),
	},
};
