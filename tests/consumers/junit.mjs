// SPDX-License-Identifier: MIT
// JUnit's XML, as Jenkins, GitLab and two libraries read it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { parse } from 'junit2json';
import parseXunit from 'xunit-viewer/src/cli/parse.js';
import { HERE, need, run } from './tools.mjs';

const replaced = (from, to) => ({ text }) => text.replace(from, to);
const lessOne = replaced(/<testcase(?:(?!<\/testcase>)[^])*?<failure[^]*?<\/testcase>/, '');

export const xsd = {
	judge({ file }) {
		const done = run(need('xmllint'),
			['--noout', '--nonet', '--schema', path.join(HERE, 'junit.xsd'), file]);

		assert.equal(done.status, 0, done.err);
	},
	spoilt: {
		'a file on a testcase': replaced('<testcase ', '<testcase file="a.c" '),
		'an unescaped character': replaced('</failure>', '<script></failure>'),
		'a suite without a name': replaced(/<testsuite ([^>]*?) ?name="[^"]*"/, '<testsuite $1'),
	},
};

/** One failed case for each finding, told apart by class and name, each with a reason in it. */
function assertCases(cases, truth) {
	const failed = cases.filter((c) => c.failed);
	const names = cases.map((c) => `${c.classname}\0${c.name}`);

	assert.equal(new Set(names).size, names.length, 'two cases of one name: GitLab drops one');
	assert(cases.length > 0, 'an empty suite looks like a failure');
	assert.equal(failed.length, truth.findings.length);
	for (const { rule, count } of truth.findings)
		assert(failed.some((c) => `${c.classname} ${c.name}`.includes(rule)
			&& new RegExp(`\\b${count}\\b`).test(c.body)), `no case for ${rule} (${count})`);
	for (const { message, body } of failed)
		assert(body.includes(message.trim()), `GitLab shows the body alone, without: ${message}`);
}

export const junit2json = {
	async judge({ text, truth }) {
		const { testsuite } = await parse(text);
		const all = testsuite.flatMap((suite) => suite.testcase ?? []);
		const sum = (key) => testsuite.reduce((n, suite) => n + (suite[key] ?? 0), 0);

		assert.equal(sum('tests'), all.length);
		assert.equal(sum('failures'), all.filter((c) => c.failure).length);
		assert.equal(sum('skipped'), all.filter((c) => c.skipped).length);
		assertCases(all.map((c) => ({
			classname: c.classname, name: c.name, failed: Boolean(c.failure),
			message: c.failure?.[0].message, body: c.failure?.[0].inner,
		})), truth);
	},
	spoilt: {
		'a finding that is not there': lessOne,
		'an empty reason': replaced(/(<failure[^>]*>)[^<]+/, '$1nothing'),
		'two cases of one name': ({ text }) => {
			const [name] = /<testcase [^>]*>/.exec(text);

			return text.replace(/<testcase [^>]*>/g, (tag) => tag.replace(/ name="[^"]*"/,
				/ name="[^"]*"/.exec(name)[0]).replace(/ classname="[^"]*"/,
				/ classname="[^"]*"/.exec(name)[0]));
		},
	},
};

export const xunit_viewer = {
	async judge({ text, truth }) {
		const { suites } = await parseXunit(text);
		const tests = Object.values(suites).flatMap((suite) => Object.values(suite.tests));
		const count = (status) => tests.filter((test) => test.status === status).length;

		assert.equal(count('failure'), truth.findings.length);
		assert.equal(count('error') + count('unknown'), 0);
		assert(tests.length >= truth.findings.length && tests.length > 0);
	},
	spoilt: {
		'a finding that is not there': lessOne,
		'a tag that is not closed': replaced('</testsuite>', ''),
	},
};
