/* SPDX-License-Identifier: MIT */
#include "forge_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "format.h"
#include "text.h"

#define SECOND UINT64_C(1000000000)
#define NOW    (1795000000 * SECOND)

const char forged_hostile[] =
	"</script>\"'><b onx='`|]]>&amp;%0A::error::\\x$(id){{7*7}}-->\n\r\t\033[2J\xff\xc0\x80"
	"\xe2\x80\xae\xe2\x81\xa6 gnp.\xe2\x80\xa9,;: 100% # *a* _b_ [c](d) <!-- \xef\xbf\xbe";

/* ---- places ------------------------------------------------------------------------------ */

static struct report_frame frame(const char *name, const char *dir, int line)
{
	return (struct report_frame){
		.function = xstrdup(name),
		.where = line ? xstrfmt("%s.c:%d", name, line) : xstrdup("server+0x12"),
		.file = line ? xstrfmt("%s/%s.c", dir, name) : NULL,
		.line = line,
		.module = xstrdup("server"),
		.build_id = xstrdup("00112233445566778899aabbccddeeff00112233"),
		.offset = 0x1000u + (uint64_t)line * 16,
	};
}

static struct report_stack stack(enum report_stack_kind kind, const char *label, const char *name,
				 int line)
{
	struct report_stack st = {.kind = kind, .label = xstrdup(label), .own = 1};

	st.alloc = st.nr = 4;
	st.frames = xcalloc(st.nr, sizeof(*st.frames));
	st.frames[0] = frame("accept", "", 0);
	st.frames[0].runtime = true;
	free(st.frames[0].module);
	st.frames[0].module = xstrdup("libc.so.6");
	st.frames[1] = frame(name, "net", line);
	st.frames[1].inlined = true;
	st.frames[2] = frame("main", "net", line + 40);
	st.frames[3] = frame("script", "js", 7);
	st.frames[3].jit = true;
	free(st.frames[3].module);
	free(st.frames[3].build_id);
	st.frames[3].module = st.frames[3].build_id = NULL;
	st.note = xstrdup("deeper frames were not kept");
	st.thread = kind == STACK_EOF ? 8 : 7;
	return st;
}

static void add_stacks(struct report_finding *f, const char *name, size_t nr, ...)
{
	va_list ap;
	size_t i;

	f->stacks = xcalloc(nr, sizeof(*f->stacks));
	f->nr_stacks = f->alloc_stacks = nr;
	va_start(ap, nr);
	for (i = 0; i < nr; i++) {
		enum report_stack_kind kind = (enum report_stack_kind)va_arg(ap, int);

		f->stacks[i] = stack(kind, "at a place", name, 41 + (int)kind);
	}
	va_end(ap);
}

static struct report_times times(void)
{
	struct report_times t = {.nr = 17, .p50_ns = 65536, .p99_ns = 131072, .max_ns = 120000};

	t.buckets[0] = 16;
	t.buckets[1] = 1;
	return t;
}

/* ---- findings ---------------------------------------------------------------------------- */

static void add_evidence(struct report_finding *f, const char *name)
{
	f->lines = xcalloc(2, sizeof(*f->lines));
	f->nr_lines = f->alloc_lines = 2;
	f->lines[0] = (struct report_line){xstrdup("sockets"), xstrfmt("fd 4 of %s[7]", name)};
	f->lines[1] = (struct report_line){xstrdup(""), xstrdup("and 2 more")};
}

static void add_ids(struct report_finding *f, char digit)
{
	f->ids = xcalloc(1, sizeof(*f->ids));
	f->nr_ids = f->alloc_ids = 1;
	f->ids[0].nr = f->nr;
	memset(f->ids[0].id, digit, FINGERPRINT_HEX - 1);
}

struct report_finding forged_plain(void)
{
	return (struct report_finding){.rule = "close-wait",
				       .title = "A title",
				       .help = "Some help.\n",
				       .severity = "error",
				       .subkind = "eof-ignored",
				       .nr = 1,
				       .noun = "socket",
				       .verb = "opened",
				       .function = (char *)"take",
				       .where = (char *)"s.c:10",
				       .meaning = "It means this.",
				       .advice = (char *)"do that"};
}

static struct report_finding leak(const char *name)
{
	struct report_finding f = forged_plain();

	f.title = "The peer closed the connection, the program never did";
	f.help = "First line.\n\nTo mend it: close.";
	f.nr = f.nr_sockets = 3;
	f.function = xstrdup(name);
	f.where = xstrfmt("%s.c:41", name);
	f.advice = xstrfmt("close() it in %s", name);
	f.proof = "thread-moved-on";
	f.since_at = NOW - 90 * SECOND;
	f.since_ns = 90 * SECOND;
	f.suppression = xstrdup("{\n   x\n}\n");
	f.standing = STANDING_GROWN;
	f.nr_before = 2;
	f.fails = true;
	add_evidence(&f, name);
	add_ids(&f, 'a');
	add_stacks(&f, name, 7, STACK_OPENED, STACK_ALSO_OPENED, STACK_RECEIVED, STACK_EOF,
		   STACK_LAST_USE, STACK_SHUTDOWN, STACK_SIBLINGS_CLOSED);
	return f;
}

static struct report_finding calls(const char *name)
{
	struct report_finding f = {
		.rule = "double-close",
		.title = "A descriptor was closed twice",
		.help = "Help.",
		.severity = "warning",
		.nr = 1,
		.noun = "call",
		.verb = "made",
		.function = xstrdup(name),
		.where = xstrfmt("%s.c:45", name),
		.meaning = "It means that.",
		.advice = xstrdup("do that"),
		.first_at = NOW - 60 * SECOND,
		.last_at = NOW - 50 * SECOND,
		.dwells = times(),
		.site = REPORT_NONE,
	};

	add_ids(&f, 'b');
	add_stacks(&f, name, 2, STACK_CALLED, STACK_OTHER);
	return f;
}

static struct report_finding no_stack(void)
{
	struct report_finding f = {
		.rule = "abandoned",
		.title = "The connection is alive, and nobody waits on it any more",
		.help = "Help.",
		.severity = "note",
		.nr = 1,
		.noun = "socket",
		.verb = "opened",
		.function = xstrdup("???"),
		.where = xstrdup("no stack"),
		.meaning = "It means nothing.",
		.advice = xstrdup("do nothing"),
		.site = REPORT_NONE,
		.standing = STANDING_KNOWN,
		.nr_before = 1,
	};

	add_ids(&f, 'c');
	return f;
}

static void add_rules(struct report *r)
{
	static const struct report_rule rules[] = {
		{"close-wait", "The peer closed", "First line.\n\nTo mend it: close.", "error"},
		{"double-close", "A descriptor was closed twice", "Help.", "warning"},
		{"abandoned", "Nobody waits", "Help.", "note"},
		{"slow-close", "Late", "Help.", "warning"}};

	r->rules = xcalloc(4, sizeof(*rules));
	r->nr_rules = 4;
	memcpy(r->rules, rules, sizeof(rules));
}

static void add_findings(struct report *r, const char *name)
{
	add_rules(r);
	r->findings = xcalloc(FORGED_FINDINGS, sizeof(*r->findings));
	r->nr_findings = r->alloc_findings = FORGED_FINDINGS;
	r->findings[FORGED_LEAK] = leak(name);
	r->findings[FORGED_CALLS] = calls(name);
	r->findings[FORGED_NO_STACK] = no_stack();
	r->nr_leaked = r->nr_close_wait = 3;
	r->nr_leak_places = 1;
	r->nr_warnings_given = 2;
	r->nr_known = 1;
	r->fails = true;
}

/* ---- details ----------------------------------------------------------------------------- */

static struct report_sample *two_samples(void)
{
	struct report_sample *s = xcalloc(2, sizeof(*s));

	s[0] = (struct report_sample){NOW - 90 * SECOND, 10, 8, 2, 1, false};
	s[1] = (struct report_sample){NOW - 10 * SECOND, 29, 24, 5, 3, true};
	return s;
}

static struct report_process process(uint32_t pid, const char *name)
{
	return (struct report_process){
		.pid = pid,
		.parent_pid = 1,
		.parent = REPORT_NONE,
		.name = xstrdup(name),
		.exe = xstrfmt("/bin/%s", name),
		.cmdline = xstrfmt("'%s' --port 8080", name),
		.host = xstrdup("here"),
		.end = "signalled",
		.signal = 15,
		.start_at = NOW - 100 * SECOND,
		.now_at = NOW,
		.births = 30,
		.deaths = 25,
		.fd_limit = 1024,
		.nr_open = 5,
		.nr_inherited = 1,
		.samples = two_samples(),
		.nr_samples = 2,
	};
}

static struct report_socket open_socket(int fd, size_t finding)
{
	return (struct report_socket){
		.finding = finding,
		.reason = finding == REPORT_NONE ? "listening" : NULL,
		.fd = fd,
		.nr_holders = 1,
		.state = finding == REPORT_NONE ? "LISTEN" : "CLOSE_WAIT",
		.opened_by = finding == REPORT_NONE ? "socket" : "accept4",
		.touched_by = "read",
		.peer = finding == REPORT_NONE ? NULL : xstrfmt("10.1.2.3:%d", 40000 + fd),
		.local = xstrdup("[::1]:8080"),
		.thread = 7,
		.unread = 2,
		.asked = true,
		.eof_unread = finding != REPORT_NONE,
		.connect_failed = finding != REPORT_NONE,
		.born_at = NOW - 95 * SECOND,
		.fin_at = finding == REPORT_NONE ? 0 : NOW - 90 * SECOND,
		.eof_at = NOW - 90 * SECOND,
		.told_at = NOW - 90 * SECOND,
		.reset_at = NOW - 80 * SECOND,
		.shut_at = NOW - 80 * SECOND,
		.touched_at = NOW - 70 * SECOND,
		.now_at = NOW,
	};
}

static void add_sites(struct report *r, const char *name)
{
	struct report_site *s = xcalloc(1, sizeof(*s));

	s->stack = stack(STACK_OPENED, "opened at", name, 41);
	s->nr_open = 4;
	s->nr_faults = s->nr_close_wait = 3;
	s->nr_closed = 17;
	s->nr_at_end = 1;
	s->nr_active = 2;
	s->nr_passive = 15;
	s->dwells = s->lives = times();
	s->closers = xcalloc(1, sizeof(*s->closers));
	s->nr_closers = s->alloc_closers = 1;
	s->closers[0].nr = 17;
	s->closers[0].stack = stack(STACK_OTHER, "closed at", name, 60);
	r->sites = s;
	r->nr_sites = 1;
}

static void add_details(struct report *r, const char *name)
{
	size_t i;

	r->has_details = true;
	r->nr_processes = r->nr_processes_told = 2;
	r->processes = xcalloc(2, sizeof(*r->processes));
	r->processes[0] = process(7, name);
	r->processes[1] = process(8, "child");
	r->processes[1].parent = 0;
	add_sites(r, name);
	r->nr_sockets = 4;
	r->sockets = xcalloc(r->nr_sockets, sizeof(*r->sockets));
	for (i = 0; i < r->nr_sockets; i++)
		r->sockets[i] = open_socket((int)i + 4, i < 3 ? FORGED_LEAK : REPORT_NONE);
	r->start_at = NOW - 100 * SECOND;
	r->now_at = NOW;
}

static void add_open(struct report *r, const char *name)
{
	r->open = xcalloc(1, sizeof(*r->open));
	r->nr_open = r->nr_still_open = 1;
	r->open[0] = (struct report_open){.function = xstrdup(name),
					  .where = xstrdup("bind.c:9"),
					  .reason = "meant to stay open",
					  .remark = xstrdup(name),
					  .nr_sockets = 1};
}

static void add_suppressions(struct report *r, const char *name)
{
	r->suppressions = xcalloc(2, sizeof(*r->suppressions));
	r->nr_suppressions = 2;
	r->suppressions[0] = (struct report_suppression){.name = xstrdup(name),
							 .where = xstrfmt("%s.supp:3", name),
							 .reason = xstrdup(name),
							 .expires = xstrdup("2099-01-31"),
							 .state = SUPPRESSION_USED,
							 .nr_findings = 1,
							 .nr_suppressed = 2};
	r->suppressions[1] = (struct report_suppression){.name = xstrdup("unused"),
							 .where = xstrdup("b.supp:1"),
							 .state = SUPPRESSION_UNUSED};
	r->nr_suppressed = 2;
}

static char **one_string(const char *s)
{
	char **all = xcalloc(1, sizeof(*all));

	*all = xstrdup(s);
	return all;
}

struct report *forged_report(const char *name)
{
	struct report *r = xcalloc(1, sizeof(*r));

	add_findings(r, name);
	add_details(r, name);
	add_open(r, name);
	add_suppressions(r, name);
	r->warnings = one_string(name);
	r->notes = one_string(name);
	r->nr_warnings = r->nr_notes = 1;
	r->nr_followed = 21;
	r->nr_in_doubt = 1;
	return r;
}

void forged_free(struct report *r)
{
	report_release(r);
	free(r);
}

char *forged_render(const char *format, const struct report *r)
{
	const struct render_options how = {.color = false};
	const struct format *f = format_by_name(format, strlen(format));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	f->render(out, r, &how);
	fclose(out);
	return text;
}
