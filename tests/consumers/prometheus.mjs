// SPDX-License-Identifier: MIT
// Prometheus' text format: promtool, and the way from a file of node_exporter's to a query.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { need, run, sleep, start } from './tools.mjs';

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;

function readSamples(text) {
	return text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
		const match = SAMPLE.exec(line);

		assert(match, `not a sample: ${line.slice(0, 200)}`);
		return { series: `${match[1]}${match[2] ? `{${match[2]}}` : ''}`, value: Number(match[3]) };
	});
}

export const promtool = {
	judge({ text, truth }) {
		const done = run(need('promtool'), ['check', 'metrics'], { input: text });

		assert.equal(done.status, 0, `status ${done.status}: ${done.err}`);
		const all = readSamples(text).map(({ series }) => series);
		assert(all.length > 0);
		assert.equal(new Set(all).size, all.length, 'a series twice');
		for (const { rule, count } of truth.findings)
			assert(readSamples(text).some(({ series, value }) =>
				series.includes(`"${rule}"`) && value >= count), `${rule} is not counted`);
	},
	spoilt: {
		'no help': ({ text }) => text.replace(/^# HELP .*\n/m, ''),
		'a torn label': ({ text }) => text.replace('"', ''),
		'a rule less': ({ text, truth }) => text.replaceAll(`"${truth.findings[0].rule}"`, '"other"'),
		'a sample twice': ({ text }) => text.replace(/^(socklint_.*)$/m, '$1\n$1'),
	},
};

/* ---- node_exporter -> prometheus -> promtool ---- */

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'socklint-prometheus-'));
const metrics = path.join(home, 'metrics');
const daemons = [];
let server;

async function freePort() {
	const probe = net.createServer();
	await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
	const { port } = probe.address();

	await new Promise((resolve) => probe.close(resolve));
	return port;
}

/** Another program may have taken the port meanwhile: then there is another. */
async function daemon(command, args, ready) {
	for (let tries = 0; ; tries++) {
		const port = await freePort();
		const started = start(command, args(port), { stdio: ['ignore', 'pipe', 'pipe'] });

		try {
			await started.said(ready);
			daemons.push(started);
			return port;
		} catch (error) {
			started.child.kill('SIGKILL');
			if (tries >= 3)
				throw error;
		}
	}
}

async function startChain() {
	const [exporter, prometheus] = [need('prometheus-node-exporter'), need('prometheus')];
	need('promtool');
	fs.mkdirSync(metrics);
	const source = await daemon(exporter, (port) => ['--collector.disable-defaults',
		'--collector.textfile', `--collector.textfile.directory=${metrics}`,
		`--web.listen-address=127.0.0.1:${port}`], /TLS is disabled|Listening on/);
	const config = path.join(home, 'prometheus.yml');

	fs.writeFileSync(config, JSON.stringify({
		global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
		scrape_configs: [{
			job_name: 'node', static_configs: [{ targets: [`127.0.0.1:${source}`] }],
		}],
	}));
	const port = await daemon(prometheus, (p) => [`--config.file=${config}`,
		`--storage.tsdb.path=${home}/data`, `--web.listen-address=127.0.0.1:${p}`],
	/Server is ready to receive web requests/);
	server = `http://127.0.0.1:${port}`;
}

function query(expression) {
	const done = run('promtool', ['query', 'instant', '-o', 'json', server, expression]);

	assert.equal(done.status, 0, done.err);
	return JSON.parse(done.out);
}

/** Waits until prometheus has what node_exporter makes of the file. */
async function taken(file) {
	for (let tries = 0; tries < 150; tries++) {
		const [error] = query('node_textfile_scrape_error');
		const [seen] = query(`node_textfile_mtime_seconds{file="${file}"}`);

		assert.notEqual(error?.value[1], '1', 'node_exporter refuses the file');
		if (seen)
			return;
		await sleep(100);
	}
	throw new Error('the file never arrived');
}

export const scrape = {
	begin: startChain,
	async end() {
		for (const { child, ended } of daemons) {
			child.kill('SIGKILL');
			await ended;
		}
		fs.rmSync(home, { recursive: true, maxRetries: 5, retryDelay: 100 });
	},
	async judge({ name, text }) {
		const file = path.join(metrics, `${encodeURIComponent(name)}.prom`);

		// One report with much in it, and what is broken: each has to wait for a scrape.
		if (!['many', 'hostile', 'silent'].includes(name) && !(name in scrape.spoilt))
			return;
		fs.readdirSync(metrics).forEach((old) => fs.rmSync(path.join(metrics, old)));
		fs.writeFileSync(`${file}.new`, text);
		fs.renameSync(`${file}.new`, file);
		await taken(file);
		for (const { series, value } of readSamples(text).filter((s) => s.value > 0).slice(0, 12)) {
			const [found] = query(series);

			assert(found, `${series} is not to be found`);
			assert.equal(Number(found.value[1]), value, series);
		}
	},
	spoilt: { 'a torn label': ({ text }) => text.replace('"', '') },
};
