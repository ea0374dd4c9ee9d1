// SPDX-License-Identifier: MIT
// One row: judge FORMAT CONSUMER
//
// FORMAT.mjs exports the consumer: `judge(report)` throws if the consumer refuses what the command
// wrote, or understands something else than the text report says; `judgeAll` takes all at once. `spoilt` breaks a good report
// in ways that the consumer must refuse: a judge that lets one pass is no judge. Where several checks
// stand one behind the other, an entry is [way, what the right one says].
import fs from 'node:fs';
import path from 'node:path';
import { Skip, WORK, main } from './tools.mjs';
import { readText } from './truth.mjs';

const [format, consumer] = process.argv.slice(2);
const reports = path.join(WORK, 'reports');

function reportIn(name) {
	const dir = path.join(reports, name);
	const file = path.join(dir, `report.${format}`);

	return {
		name, file, directory: dir,
		read: (of) => fs.readFileSync(path.join(dir, `report.${of}`), 'utf8'),
		get bytes() { return fs.readFileSync(file); },
		get text() { return fs.readFileSync(file, 'utf8'); },
		get truth() { return readText(this.read('text')); },
	};
}

/** The same report with other contents. */
function changed(report, name, contents) {
	const file = path.join(WORK, 'spoilt', `${consumer}-${process.pid}`, path.basename(report.file));

	if (Buffer.from(contents).equals(report.bytes))
		throw new Error(`"${name}" changes nothing`);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	fs.writeFileSync(file, contents);
	return {
		...report, name, file, bytes: Buffer.from(contents), text: contents.toString(),
		truth: report.truth,
	};
}

async function mustRefuse(row, report, because) {
	let refused = null;

	try {
		await (row.judgeAll ? row.judgeAll([report]) : row.judge(report));
	} catch (error) {
		refused = error;
	} finally {
		fs.rmSync(path.dirname(report.file), { recursive: true });
	}
	if (!refused)
		throw new Error(`no judge: passes "${report.name}"`);
	if (!because.test(refused.message))
		throw new Error(`"${report.name}" is refused by another check: ${refused.message}`);
	console.log(`  refuses ${report.name}: ${String(refused.message).split('\n')[0].slice(0, 120)}`);
}

/** All that is wrong is said, not the first thing alone. */
async function judgeEach(row, list) {
	let wrong = 0;

	for (const report of list)
		try {
			await row.judge(report);
		} catch (error) {
			if (error instanceof Skip)
				throw error;
			console.error(`${report.file}\n${error.stack}`);
			wrong++;
		}
	if (wrong)
		throw new Error(`${wrong} of ${list.length} reports are wrong`);
}

await main(async () => {
	const there = fs.readdirSync(reports).filter((name) =>
		fs.existsSync(path.join(reports, name, `report.${format}`))).map(reportIn);

	if (!there.length)
		throw new Error(`the command does not write ${format}`);
	const row = (await import(path.join(WORK, 'consumers', `${format}.mjs`)))[consumer];
	await row.begin?.();
	try {
		await row.judgeAll?.(there);
		await judgeEach(row, row.judge ? there : []);
		console.log(`${there.length} reports are as they should be`);
		const many = reportIn('many');
		for (const [name, way] of Object.entries(row.spoilt)) {
			const [spoil, because] = Array.isArray(way) ? way : [way, /(?:)/];

			await mustRefuse(row, changed(many, name, await spoil(many)), because);
		}
	} finally {
		await row.end?.();
	}
});
