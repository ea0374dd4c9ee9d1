// SPDX-License-Identifier: MIT
// Makes the recordings, and of each the report in every format that there is:
//
//	WORK/reports/NAME/recording	WORK/reports/NAME/report.FORMAT
//
// Once for each build: what is there already, of the same programs, is left as it is.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { BUILD, HERE, SOCKLINT, SOURCE, Skip, WORK, main, run } from './tools.mjs';
import { recordings } from './recordings.mjs';

const AT_ONCE = 4;
const reports = path.join(WORK, 'reports');
const stamp = path.join(reports, 'stamp');

export function formats() {
	const rows = fs.readFileSync(path.join(SOURCE, 'report/formats.def'), 'utf8');

	return [...rows.matchAll(/^FORMAT\(([a-z]+)/gm)].map(([, name]) => name);
}

function ingredients() {
	const below = (dir) => fs.readdirSync(dir, { withFileTypes: true })
		.filter((entry) => entry.isFile()).map((entry) => path.join(dir, entry.name)).sort();

	return [SOCKLINT, ...below(path.join(BUILD, 'lib')), ...below(path.join(BUILD, 'examples')),
		path.join(BUILD, 'tests/hostile'), path.join(HERE, 'record.mjs'),
		path.join(HERE, 'recordings.mjs')];
}

function fingerprint() {
	const hash = crypto.createHash('sha256');

	for (const file of ingredients())
		hash.update(file).update(fs.readFileSync(file));
	return hash.digest('hex');
}

function write(name, sources) {
	const dir = path.join(reports, name);
	const help = run(SOCKLINT, ['report', '--help']).out;
	const root = help.includes('--source-root') ? [`--source-root=${SOURCE}`] : [];
	const outputs = formats().map((format) => `--format=${format}:${dir}/report.${format}`);
	const done = run(SOCKLINT, ['report', '--fail-on=note', '--error-exitcode=0', ...root, ...outputs, ...sources]);

	if (done.status !== 0)
		throw new Error(`socklint report of ${name}: status ${done.status}\n${done.err}`);
}

function recordingOf(name) {
	return path.join(reports, name, 'recording');
}

async function make({ name, record, of }) {
	fs.mkdirSync(path.join(reports, name), { recursive: true });
	if (record)
		await record(recordingOf(name));
	write(name, (of ?? [name]).map(recordingOf));
}

async function makeAll(rows) {
	const queue = [...rows];
	const worker = async () => {
		for (let row = queue.shift(); row; row = queue.shift())
			try {
				await make(row);
			} catch (error) {
				if (!(error instanceof Skip))
					throw error;
				console.log(`${row.name}: skipped: ${error.message}`);
				fs.rmSync(path.join(reports, row.name), { recursive: true, force: true });
			}
	};

	await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

await main(async () => {
	const now = fingerprint();

	if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === now)
		return;
	fs.rmSync(reports, { recursive: true, force: true });
	await makeAll(recordings.filter((row) => !row.of));
	await makeAll(recordings.filter((row) => row.of));
	fs.writeFileSync(stamp, now);
});
