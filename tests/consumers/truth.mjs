// SPDX-License-Identifier: MIT
// What the text report says, by its documented shape: every other format is held against it.
const HEADLINE = /^(error|warning|note): ([a-z-]+)(?: \(([a-z-]+)\))?: (\d+) ([a-z]+?)s? ([a-z]+) in (.*) \((.*)\)$/;
const LAST = /^socklint: (.*)$/;
const LISTED = /^ +(\d+) {2}(.*): ([^:]+)$/;

function place(where) {
	const match = /^(.*):(\d+)$/.exec(where);

	return match ? { file: match[1], line: Number(match[2]) } : { file: null, line: null };
}

function finding(match) {
	const [, severity, rule, kind, count, noun, verb, fn, where] = match;

	return {
		severity, rule, kind: kind ?? null, count: Number(count), noun, verb, function: fn, where,
		...place(where), lines: [],
	};
}

/** The text report, for terminals, has a "?" for each byte that others drop or show as U+FFFD. */
export function plain(name) {
	return name.replace(/[?\ufffd]/g, '');
}

export function readText(text) {
	const truth = { findings: [], open: [], blind: 0, last: null };
	let listing = false;

	for (const line of text.split('\n')) {
		const head = HEADLINE.exec(line);

		if (head)
			truth.findings.push(finding(head));
		if (line && !line.startsWith(' '))
			listing = line.startsWith('still open');
		const listed = listing && LISTED.exec(line);
		if (listed)
			truth.open.push({ count: Number(listed[1]), place: listed[2], reason: listed[3] });
		if (line.startsWith('blind: '))
			truth.blind++;
		truth.last = LAST.exec(line)?.[1] ?? truth.last;
		if (!head && truth.findings.length && line.startsWith('  '))
			truth.findings.at(-1).lines.push(line.trim());
	}
	return truth;
}
