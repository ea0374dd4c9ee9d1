// SPDX-License-Identifier: MIT
// Where things are, how a command is run, and how a test says what it lacks.
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const BUILD = process.env.SOCKLINT_BUILD;
export const WORK = path.join(BUILD, 'consumers');
export const SOURCE = path.resolve(
	path.dirname(fs.realpathSync(fileURLToPath(import.meta.url))), '../..');
export const SOCKLINT = path.join(BUILD, 'bin/socklint');
export const HERE = path.join(SOURCE, 'tests/consumers');
const SKIPPED = 77;

const required = createRequire(path.join(WORK, 'package.json'));

/** The directory of an npm package. */
export function packageDirectory(name) {
	return path.join(WORK, 'node_modules', name);
}

export function packageFile(name) {
	return required.resolve(name);
}

export class Skip extends Error {}

/** Where a command is, or null. Debian has daemons in /usr/sbin, which is not in every PATH. */
export function which(command) {
	const dirs = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'];

	return dirs.map((dir) => path.join(dir, command)).find((file) => {
		try {
			fs.accessSync(file, fs.constants.X_OK);
			return fs.statSync(file).isFile();
		} catch {
			return false;
		}
	}) ?? null;
}

export function need(command) {
	const file = which(command);

	if (!file)
		throw new Skip(`there is no ${command}`);
	return file;
}

/** Runs a command to its end: its status, and what it said. */
export function run(command, args, options = {}) {
	const done = spawnSync(command, args, {
		encoding: 'utf8', timeout: 120_000, maxBuffer: 1 << 28, ...options,
	});

	if (done.error)
		throw done.error;
	return { status: done.status, signal: done.signal, out: done.stdout, err: done.stderr };
}

/** Starts a command whose output is collected; `said(pattern)` waits for it, `ended` for the end. */
export function start(command, args, options = {}) {
	const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
	const started = { child, output: '' };
	let wake = () => {};

	for (const stream of [child.stdout, child.stderr])
		stream?.setEncoding('utf8').on('data', (text) => {
			started.output += text;
			wake();
		});
	started.ended = new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (status, signal) => {
			started.over = true;
			wake();
			resolve({ status, signal });
		});
	});
	started.said = async (pattern, seconds = 30) => {
		const until = Date.now() + seconds * 1000;

		for (;;) {
			const match = pattern.exec(started.output);

			if (match)
				return match;
			if (started.over || Date.now() > until)
				throw new Error(`${command} never said ${pattern}:\n${started.output}`);
			await new Promise((resolve) => {
				const timer = setTimeout(resolve, 100);

				wake = () => (clearTimeout(timer), resolve());
			});
		}
	};
	return started;
}

export function sleep(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The whole of a test: its status is 77 if it lacks something, and 1 if it throws. */
export async function main(test) {
	try {
		await test();
	} catch (error) {
		if (!(error instanceof Skip)) {
			console.error(error.stack ?? String(error));
			process.exit(1);
		}
		console.log(`skipped: ${error.message}`);
		process.exit(SKIPPED);
	}
	process.exit(0);
}
