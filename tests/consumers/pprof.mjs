// SPDX-License-Identifier: MIT
// profile.proto, as go tool pprof, pprof-format, Pyroscope, Parca and speedscope take it in.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { Label, Profile } from 'pprof-format';
import { need, run } from './tools.mjs';
import * as speedscopeApp from './speedscope.mjs';

const TYPES = [['sockets', 'count'], ['close_wait', 'count'], ['close_wait_dwell', 'nanoseconds']];
// What Pyroscope takes at most.
const MOST_SAMPLES = 16_000;
const MOST_BYTES = 4 << 20;
const LABELS = ['state', 'rule', 'port', 'local_port', 'kind', 'severity', 'program'];

/** What the text report counts: the numbers that a profile must add up to. */
function closeWait(truth) {
	const match = /\((\d+) in CLOSE_WAIT/.exec(truth.last);

	return match ? Number(match[1]) : 0;
}

function readProfile(bytes) {
	const plain = zlib.gunzipSync(bytes);
	const profile = Profile.decode(plain);
	const string = (i) => profile.stringTable.strings[Number(i)];

	return { profile, string, plain };
}

function edit(change) {
	return ({ bytes }) => {
		const { profile } = readProfile(bytes);

		change(profile);
		return zlib.gzipSync(profile.encode());
	};
}

const notGzip = ({ bytes }) => bytes.subarray(0, bytes.length / 2);

export const go = {
	judge({ file, truth }) {
		const home = fs.mkdtempSync(path.join(os.tmpdir(), 'socklint-pprof-'));
		const pprof = (...args) => {
			const done = run(need('go'), ['tool', 'pprof', ...args, file], {
				env: { ...process.env, HOME: home, PPROF_TMPDIR: home, GOFLAGS: '-mod=mod' },
			});

			assert.equal(done.status, 0, done.err);
			return done.out;
		};

		try {
			const raw = pprof('-raw');
			const types = /^Samples:\n(.*)$/m.exec(raw)[1].trim().split(/\s+/);
			const top = pprof('-top', '-sample_index=close_wait');

			assert.deepEqual(types.map((type) => type.replace('[dflt]', '')),
				TYPES.map(([type, unit]) => `${type}/${unit}`));
			assert(types[1].endsWith('[dflt]'), 'close_wait is not what is shown first');
			assert.equal(Number(/\d+(?= total)/.exec(top)?.[0] ?? 0), closeWait(truth), top);
			for (const { rule, function: fn } of truth.findings)
				if (rule === 'close-wait' && /^\w+$/.test(fn))
					assert(top.includes(fn), `${fn} is not in:\n${top}`);
		} finally {
			fs.rmSync(home, { recursive: true });
		}
	},
	spoilt: {
		'half a file': notGzip,
		'another number': edit((p) => { p.sample[0].value[1] = BigInt(p.sample[0].value[1]) + 1n; }),
		'an unknown location': edit((p) => { p.sample[0].locationId[0] = 99_999; }),
	},
};

/* ---- what the stores ask for ---- */

function assertIds(what, list) {
	list.forEach(({ id }, i) => assert.equal(Number(id), i + 1, `${what} ids run from 1 (Parca)`));
}

function assertSample({ locationId, value, label }, string) {
	assert(locationId.length > 0, 'a sample without a stack');
	assert.equal(value.length, TYPES.length);
	for (const { key, str, num } of label) {
		assert(LABELS.includes(string(key)), `label ${string(key)}: of high cardinality?`);
		assert.doesNotMatch(String(str ? string(str) : num), /\d+\.\d+\.\d+\.\d+/, 'an address');
	}
}

export const pprof_format = {
	judge({ bytes, truth }) {
		const { profile, string, plain } = readProfile(bytes);
		const type = (t) => [string(t.type), string(t.unit)];
		const functions = new Set(profile.function.map((f) => Number(f.id)));

		assert(plain.length <= MOST_BYTES && profile.sample.length <= MOST_SAMPLES);
		assert.equal(string(0), '');
		for (const s of profile.stringTable.strings)
			assert(s.isWellFormed?.() ?? true);
		assert.deepEqual(profile.sampleType.map(type), TYPES);
		assert(profile.periodType && string(profile.periodType.type), 'no period_type (Parca)');
		assert.equal(string(profile.defaultSampleType), 'close_wait');
		assertIds('location', profile.location);
		assertIds('function', profile.function);
		assertIds('mapping', profile.mapping);
		for (const { line } of profile.location)
			line.forEach((l) => assert(functions.has(Number(l.functionId))));
		profile.sample.forEach((sample) => assertSample(sample, string));
		assert.equal(profile.sample.reduce((n, s) => n + Number(s.value[1]), 0), closeWait(truth));
	},
	spoilt: {
		'half a file': notGzip,
		'ids with a gap': edit((p) => { p.function.at(-1).id = 4711; }),
		'no period': edit((p) => { p.periodType = undefined; }),
		'another number': edit((p) => { p.sample[0].value[1] = BigInt(p.sample[0].value[1]) + 1n; }),
		'a peer as a label': edit((p) => {
			const key = p.stringTable.dedup('peer');

			p.sample[0].label.push(Label.create({ key, str: key }));
		}),
	},
};

export const speedscope = {
	...speedscopeApp.lifetime,
	async judge({ bytes, truth }) {
		// It shows nothing where all that it would show first is 0.
		if (closeWait(truth))
			await speedscopeApp.assertShows('profile.pb.gz', bytes, truth, closeWait(truth));
	},
	spoilt: { 'half a file': notGzip },
};
