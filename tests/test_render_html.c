/* SPDX-License-Identifier: MIT */
/* The page: that names are text, that it is whole whatever it is made of, and what its pictures
 * say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge_report.h"
#include "format.h"
#include "html_assets.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

/* ---- a page ------------------------------------------------------------------------------ */

static char *render(const struct report *r, const struct render_options *how)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	format_by_name("html", 4)->render(out, r, how);
	fclose(out);
	return text;
}

static char *page_of(const struct report *r)
{
	const struct render_options how = {.color = false};

	return render(r, &how);
}

static void expect_in(const char *page, const char *what)
{
	if (!strstr(page, what))
		fail_msg("no \"%s\" in:\n%s", what, page);
}

static void expect_not_in(const char *page, const char *what)
{
	if (strstr(page, what))
		fail_msg("\"%s\" in:\n%s", what, page);
}

static void expect(const struct report *r, const char *what)
{
	char *page = page_of(r);

	expect_in(page, what);
	free(page);
}

#define S(seconds) (UINT64_C(1800000000000000000) + (uint64_t)((seconds)*1e9))

/* One of each, all that a finding can have. */
struct whole {
	struct report_frame opened, eof, closed;
	struct report_stack stacks[3];
	struct report_line lines[3];
	struct report_id id;
	struct report_socket socket;
	struct report_process process;
	struct report_site site;
	struct report_finding finding;
	struct report report;
};

static struct report_stack one_frame(enum report_stack_kind kind, const char *label,
				     struct report_frame *f)
{
	return (struct report_stack){
		.kind = kind, .label = (char *)label, .frames = f, .nr = 1, .own = 0};
}

static void fill_stacks(struct whole *w)
{
	w->opened = (struct report_frame){.function = (char *)"take", .where = (char *)"s.c:10"};
	w->eof = (struct report_frame){.function = (char *)"serve", .where = (char *)"s.c:20"};
	w->closed = (struct report_frame){.function = (char *)"end", .where = (char *)"s.c:30"};
	w->stacks[0] = one_frame(STACK_OPENED, "opened at", &w->opened);
	w->stacks[1] = one_frame(STACK_EOF, "EOF read at", &w->eof);
	w->stacks[2] = one_frame(STACK_SIBLINGS_CLOSED, "siblings closed at", &w->closed);
	w->lines[0] = (struct report_line){(char *)"sockets", (char *)"fd 4"};
	w->lines[1] = (struct report_line){(char *)"", (char *)"fd 5"};
	w->lines[2] = (struct report_line){(char *)"proof", (char *)"it moved on"};
	strcpy(w->id.id, "0123456789abcdef0123456789abcdef");
}

static void fill_details(struct whole *w)
{
	w->socket = (struct report_socket){.fd = 4,
					   .nr_holders = 1,
					   .state = "CLOSE_WAIT",
					   .opened_by = "accept4",
					   .peer = (char *)"192.0.2.7:4711",
					   .local = (char *)"192.0.2.1:80",
					   .born_at = S(1),
					   .fin_at = S(2),
					   .eof_at = S(2),
					   .now_at = S(62)};
	w->process = (struct report_process){.pid = 77,
					     .name = (char *)"server",
					     .exe = (char *)"/usr/bin/server",
					     .cmdline = (char *)"server -p 80",
					     .host = (char *)"box",
					     .end = "signalled",
					     .signal = 15,
					     .start_at = S(0),
					     .now_at = S(62),
					     .fd_limit = 1024,
					     .nr_open = 1,
					     .parent = REPORT_NONE};
	w->site = (struct report_site){
		.stack = w->stacks[0], .nr_open = 1, .nr_faults = 1, .nr_close_wait = 1};
}

static void make_whole(struct whole *w)
{
	memset(w, 0, sizeof(*w));
	fill_stacks(w);
	fill_details(w);
	w->finding = forged_plain();
	w->finding.lines = w->lines;
	w->finding.nr_lines = 3;
	w->finding.stacks = w->stacks;
	w->finding.nr_stacks = 3;
	w->finding.since_at = S(2);
	w->finding.since_ns = UINT64_C(60000000000);
	w->finding.nr_sockets = 1;
	w->finding.ids = &w->id;
	w->finding.nr_ids = 1;
	w->finding.suppression = (char *)"{\n   a <b>\n}\n";
	w->report = (struct report){.has_details = true,
				    .processes = &w->process,
				    .nr_processes_told = 1,
				    .sockets = &w->socket,
				    .nr_sockets = 1,
				    .sites = &w->site,
				    .nr_sites = 1,
				    .start_at = S(0),
				    .now_at = S(62),
				    .max_dwell_ns = UINT64_C(60000000000),
				    .findings = &w->finding,
				    .nr_findings = 1,
				    .nr_leaked = 1,
				    .nr_leak_places = 1,
				    .nr_close_wait = 1,
				    .nr_followed = 3,
				    .nr_processes = 1,
				    .fails = true};
}

/* ---- text -------------------------------------------------------------------------------- */

static char *escaped(const char *s)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	html_text(out, s);
	fclose(out);
	return text;
}

static void expect_escaped(const char *s, const char *wanted)
{
	char *text = escaped(s);

	assert_string_equal(text, wanted);
	free(text);
}

static void names_are_text(void **state)
{
	(void)state;
	expect_escaped("<script>\"a\" & 'b'</script>",
		       "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
	expect_escaped("na\xc3\xafve \xf0\x9f\x98\x80", "na\xc3\xafve \xf0\x9f\x98\x80");
	expect_escaped("a\xff\xfe"
		       "b",
		       "a\xef\xbf\xbd\xef\xbf\xbd"
		       "b");
	expect_escaped("a\x01\x1b[2J\x7f\xc2\x9b"
		       "b\tc\nd",
		       "a[2Jb c d");
	/* right-to-left override, an overlong slash, half a character at the end */
	expect_escaped("a\xe2\x80\xae"
		       "b\xc0\xaf",
		       "ab\xef\xbf\xbd\xef\xbf\xbd");
	expect_escaped("a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd");
}

static void long_names_are_cut_and_say_so(void **state)
{
	char *name = calloc(10001, 1), *text;

	(void)state;
	memset(name, 'x', 10000);
	text = escaped(name);
	assert_int_equal(strspn(text, "x"), HTML_TEXT_MAX);
	assert_string_equal(text + HTML_TEXT_MAX, "\xe2\x80\xa6 (8000 more characters)");
	free(text);
	free(name);
}

static void spoil(struct whole *w, char *evil)
{
	w->opened.function = w->opened.where = w->eof.function = evil;
	w->finding.function = w->finding.where = w->finding.advice = evil;
	w->lines[0].text = w->lines[2].label = evil;
	w->finding.suppression = evil;
	w->socket.peer = w->socket.local = evil;
	w->process.name = w->process.exe = w->process.cmdline = w->process.host = evil;
	w->report.warnings = w->report.notes = &w->process.name;
	w->report.nr_warnings = w->report.nr_notes = 1;
}

static size_t count(const char *text, const char *what)
{
	size_t nr = 0;

	for (; (text = strstr(text, what)); text++)
		nr++;
	return nr;
}

static void nothing_of_a_name_becomes_markup(void **state)
{
	char evil[] = "</script></title><script>alert(1)</script>\" onload=\"x' <img src=x>\xff";
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	spoil(&w, evil);
	page = page_of(&w.report);
	assert_int_equal(count(page, "<script"), 1);
	assert_int_equal(count(page, "</script"), 1);
	assert_int_equal(count(page, "</title>"), count(page, "<title"));
	expect_not_in(page, "<img");
	expect_not_in(page, "\" onload");
	expect_not_in(page, "\xff");
	expect_in(page, "&lt;script&gt;alert(1)");
	free(page);
}

/* ---- the page ---------------------------------------------------------------------------- */

static void a_finding_is_told_whole(void **state)
{
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	page = page_of(&w.report);
	expect_in(page,
		  "<p>1 socket leaked in CLOSE_WAIT at 1 place; the oldest for 1 min 0 s</p>");
	expect_in(page, "id=\"finding-0123456789abcdef0123456789abcdef\"");
	expect_in(page, "data-rule=\"close-wait\"");
	expect_in(page, "<th scope=row>sockets</th><td>fd 4<br>fd 5</td>");
	expect_in(page, "<strong>To do:</strong> do that");
	expect_in(page, "{\n   a &lt;b&gt;\n}\n");
	expect_in(page, "Some help.\n");
	expect_in(page, "<b>EOF read at</b> <code>serve</code>");
	expect_not_in(page, " style=");
	free(page);
}

static void what_is_empty_or_clean_has_a_page(void **state)
{
	struct report none = {.nr_followed = 12, .nr_processes = 2};

	(void)state;
	expect(&none, "<p>No leaks: 12 sockets followed in 2 processes</p>");
	expect(&none, "Nothing was found.");
	expect(&none, "No socket was open at the end.");
	expect(&none, "</html>\n");
	none.nr_in_doubt = 3;
	expect(&none, "<p>No leak proven: 12 sockets followed in 2 processes</p>");
}

static void the_same_report_makes_the_same_page(void **state)
{
	struct whole w;
	char *first, *second;

	(void)state;
	make_whole(&w);
	first = page_of(&w.report);
	second = page_of(&w.report);
	assert_string_equal(first, second);
	free(first);
	free(second);
}

static void no_two_findings_share_an_anchor(void **state)
{
	struct report_finding findings[3];
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	findings[0] = findings[1] = findings[2] = w.finding;
	findings[2].nr_ids = 0;
	w.report.findings = findings;
	w.report.nr_findings = 3;
	page = page_of(&w.report);
	expect_in(page, "id=\"finding-0123456789abcdef0123456789abcdef-2\"");
	expect_in(page, "id=\"finding-nr-3\"");
	free(page);
}

/* ---- what the pictures say --------------------------------------------------------------- */

static void expect_teardown(const struct whole *w, const char *what)
{
	char *page = page_of(&w->report), *end;
	char *from = strstr(page, "<div class=teardown>");

	if (!from)
		fail_msg("no picture for \"%s\"", what);
	end = strstr(from, "</svg>");
	*end = '\0';
	expect_in(from, what);
	free(page);
}

static void our_fin_is_missing_in_close_wait(void **state)
{
	struct whole w;

	(void)state;
	make_whole(&w);
	expect_teardown(&w, ">our FIN is missing: nobody called close()</text>");
	expect_teardown(&w, "siblings are closed in end (s.c:30)");
	expect_teardown(&w, "a read returns 0: the program knows");
	expect_teardown(&w, "FIN: the peer has nothing more to say");
	expect_teardown(&w, "stroke-dasharray");
	expect_teardown(&w, "192.0.2.7:4711");
	expect_teardown(&w, "server[77]");
	expect_teardown(&w, "+1.0 s");
	expect_teardown(&w, "judged: CLOSE_WAIT, for 1 min 0 s");
	w.finding.nr_stacks = 2;
	expect_teardown(&w, "the EOF was read in serve (s.c:20)");
	w.socket.eof_at = 0;
	w.socket.asked = true;
	w.socket.unread = 12;
	expect_teardown(&w, "12 bytes and the EOF lie unread");
	w.finding.rule = "stalled-loop";
	expect_teardown(&w, "our FIN is missing: the loop has not come to it");
}

static void their_fin_is_missing_in_fin_wait(void **state)
{
	struct whole w;

	(void)state;
	make_whole(&w);
	w.finding.rule = "half-close-stuck";
	w.socket.state = "FIN_WAIT2";
	w.socket.fin_at = w.socket.eof_at = 0;
	w.socket.shut_at = S(3);
	expect_teardown(&w, "our FIN, by shutdown()");
	expect_teardown(&w, "their FIN is missing: the peer does not close");
	expect_teardown(&w, "close() is missing: descriptor 4 stays taken");
}

static void each_end_has_its_picture(void **state)
{
	struct whole w;

	(void)state;
	make_whole(&w);
	w.socket.state = "CLOSE";
	w.socket.reset_at = S(3);
	expect_teardown(&w, "RST: the connection is over");
	w.socket.connect_failed = true;
	expect_teardown(&w, "connect() fails: there is no connection");
	make_whole(&w);
	w.finding.rule = "shutdown-not-closed";
	w.socket.state = "CLOSE";
	w.socket.shut_at = S(2);
	expect_teardown(&w, "ACK: our kernel; the connection is over");
	w.finding.rule = "held-elsewhere";
	expect_teardown(&w, "our FIN is missing: the last close() sends it");
	w.finding.rule = "abandoned";
	expect_teardown(&w, "nobody waits on it any more");
	w.socket.state = "LISTEN";
	expect_teardown(&w, "accept() is missing");
}

static void what_is_over_is_drawn_as_it_usually_goes(void **state)
{
	static const struct {
		const char *rule, *text;
	} rows[] = {{"closed-at-end", "our FIN is missing while the program runs"},
		    {"slow-close", "our FIN, late"},
		    {"reset-on-close", "RST instead of a FIN"},
		    {"closed-under-reader", "our FIN is missing until that call returns"},
		    {"time-wait-pressure", "TIME_WAIT keeps the port for 60 s"}};
	struct whole w;
	size_t i;
	char *page;

	(void)state;
	make_whole(&w);
	w.finding.nr_sockets = 0;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w.finding.rule = rows[i].rule;
		expect_teardown(&w, rows[i].text);
	}
	w.finding.rule = "double-close";
	page = page_of(&w.report);
	expect_not_in(page, "class=teardown");
	free(page);
}

/* Ten sockets, in CLOSE_WAIT after these times: all at once, or one after the other. */
static char *grown_page(struct whole *w, double every)
{
	struct report_socket sockets[10];
	int i;

	make_whole(w);
	for (i = 0; i < 10; i++) {
		sockets[i] = w->socket;
		sockets[i].born_at = sockets[i].fin_at = S(1 + i * every);
	}
	w->report.sockets = sockets;
	w->report.nr_sockets = 10;
	w->process.nr_open = 10;
	return page_of(&w->report);
}

static void growth_is_projected_and_a_burst_is_not(void **state)
{
	struct whole w;
	char *page;

	(void)state;
	page = grown_page(&w, 6);
	expect_in(page, "about 590 more sockets in CLOSE_WAIT an hour. At that rate the limit of "
			"1024 descriptors would have been reached 1 h 43 min later");
	free(page);
	page = grown_page(&w, 0.1);
	expect_not_in(page, "At that rate");
	free(page);
}

static void the_time_line_is_the_recordings_own(void **state)
{
	struct report_sample samples[] = {{S(1), 10, 0, 10, 0, false},
					  {S(30), 50, 9, 41, 2, false},
					  {S(62), 60, 50, 10, 7, false}};
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	w.process.nr_open = 2;
	page = page_of(&w.report);
	expect_in(page, "Only sockets that are open at the end");
	expect_in(page, ">1 open</text>");
	free(page);
	w.process.samples = samples;
	w.process.nr_samples = 3;
	page = page_of(&w.report);
	expect_in(page, "From 3 looks at all its sockets");
	expect_in(page, ">10 open</text>");
	expect_in(page, ">7 CLOSE_WAIT</text>");
	expect_in(page, "<td class=num>41</td><td class=num>2</td>");
	free(page);
}

/* A short run has a look at its begin and one at its end. */
static void between_looks_what_stays_open_is_known(void **state)
{
	struct report_sample samples[] = {{S(0), 0, 0, 0, 0, false}, {S(62), 1, 1, 0, 1, false}};
	struct whole w;
	char *page, *row;
	int nr = 0;

	(void)state;
	make_whole(&w);
	w.process.nr_open = 2;
	w.process.samples = samples;
	w.process.nr_samples = 2;
	page = page_of(&w.report);
	expect_in(page, "between them what is open at the end");
	for (row = strstr(page, "id=\"timeline-1-table"); row; nr++)
		row = strstr(row + 1, "<td class=num>1</td><td class=num>1</td>");
	assert_true(nr > 5);
	free(page);
}

static void dwells_are_drawn_against_the_budget(void **state)
{
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	w.site.dwells = (struct report_times){.nr = 7, .max_ns = 50000};
	w.site.dwells.buckets[0] = 7;
	page = page_of(&w.report);
	expect_in(page, "7 were closed after the FIN, 1 still wait");
	expect_in(page, "--max-dwell</text>");
	free(page);
}

static void a_child_stands_below_its_parent(void **state)
{
	struct report_process both[2];
	struct whole w;
	char *page;

	(void)state;
	make_whole(&w);
	both[0] = both[1] = w.process;
	both[1].pid = 78;
	both[1].parent = 0;
	both[1].parent_pid = 77;
	both[1].nr_inherited = both[1].nr_open = 2;
	w.report.processes = both;
	w.report.nr_processes_told = 2;
	page = page_of(&w.report);
	expect_in(page, "server[78]</text>");
	expect_in(page, "0 sockets opened, 2 open, 2 of them inherited; signalled by signal 15");
	free(page);
}

/* ---- lines of source --------------------------------------------------------------------- */

static char *page_citing(const char *file, int line)
{
	struct whole w;

	make_whole(&w);
	w.opened.file = (char *)file;
	w.opened.line = line;
	return page_of(&w.report);
}

static void the_cited_line_is_shown_where_it_can_be_read(void **state)
{
	static const char source[] = "one\n\ttwo <b>\nthree\n";
	char path[] = "/tmp/socklint-test-XXXXXX.c", *page;
	int fd = mkstemps(path, 2);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, source, strlen(source)), strlen(source));
	close(fd);
	page = page_citing(path, 2);
	expect_in(page, "<mark>    2 >         two &lt;b&gt;</mark>\n");
	expect_in(page, "    3   three\n");
	free(page);
	page = page_citing(path, 4);
	expect_not_in(page, "class=source");
	free(page);
	unlink(path);
}

/* Anybody may have written debugging information. */
static void nothing_but_sources_is_read(void **state)
{
	static const char *const files[] = {"/etc/passwd", "/proc/self/environ", "/dev/zero",
					    "relative.c", "/nowhere/at/all.c"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *page = page_citing(files[i], 1);

		expect_not_in(page, "class=source");
		free(page);
	}
}

/* ---- much -------------------------------------------------------------------------------- */

#define MANY_SOCKETS 100000
#define MANY_SITES   5000

struct many {
	struct whole whole;
	struct report_frame frames[MANY_SITES][3];
	struct report_site sites[MANY_SITES];
	struct report_socket sockets[MANY_SOCKETS];
	struct report_finding findings[MANY_SITES];
	char names[MANY_SITES][2][32];
};

static void add_site(struct many *m, size_t i)
{
	struct report_frame *f = m->frames[i];

	snprintf(m->names[i][0], sizeof(m->names[i][0]), "open_the_connection_%zu", i);
	snprintf(m->names[i][1], sizeof(m->names[i][1]), "handler_%zu", i / 20);
	f[0] = (struct report_frame){.function = m->names[i][0], .where = (char *)"a.c:1"};
	f[1] = (struct report_frame){.function = m->names[i][1], .where = (char *)"a.c:2"};
	f[2] = (struct report_frame){.function = (char *)"main", .where = (char *)"a.c:3"};
	m->sites[i] = m->whole.site;
	m->sites[i].stack =
		(struct report_stack){.frames = f, .nr = 3, .label = (char *)"opened at"};
	m->sites[i].nr_open = m->sites[i].nr_faults = m->sites[i].nr_close_wait =
		MANY_SOCKETS / MANY_SITES;
	m->findings[i] = m->whole.finding;
	m->findings[i].function = m->names[i][0];
	m->findings[i].nr = m->findings[i].nr_sockets = MANY_SOCKETS / MANY_SITES;
	m->findings[i].first_socket = i * (MANY_SOCKETS / MANY_SITES);
	m->findings[i].nr_ids = 0;
	m->findings[i].site = i;
}

static struct many *make_many(void)
{
	struct many *m = calloc(1, sizeof(*m));
	size_t i;

	make_whole(&m->whole);
	for (i = 0; i < MANY_SITES; i++)
		add_site(m, i);
	for (i = 0; i < MANY_SOCKETS; i++) {
		m->sockets[i] = m->whole.socket;
		m->sockets[i].finding = m->sockets[i].site = i / (MANY_SOCKETS / MANY_SITES);
		m->sockets[i].born_at = S(1 + (double)i / MANY_SOCKETS * 60);
		m->sockets[i].fin_at = m->sockets[i].born_at + 1;
	}
	m->whole.report.sites = m->sites;
	m->whole.report.nr_sites = MANY_SITES;
	m->whole.report.sockets = m->sockets;
	m->whole.report.nr_sockets = MANY_SOCKETS;
	m->whole.report.findings = m->findings;
	m->whole.report.nr_findings = MANY_SITES;
	m->whole.process.nr_open = MANY_SOCKETS;
	m->whole.process.fd_limit = 2 * MANY_SOCKETS;
	return m;
}

static void much_is_cut_and_says_so(void **state)
{
	struct many *m = make_many();
	char *page = page_of(&m->whole.report);

	(void)state;
	assert_true(strlen(page) < 5000000);
	expect_in(page, "4440 more findings are not shown");
	expect_in(page, "99600 more open sockets are not shown");
	expect_in(page, "4500 more places, with 90000 open and 0 closed sockets, are not shown");
	expect_in(page, "The 24 oldest of 100000;");
	expect_in(page, "Places too narrow to be seen are left out.");
	free(page);
	free(m);
}

/* ---- style and script -------------------------------------------------------------------- */

static void to_base64(const char *hex, char *to)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	int i;

	for (i = 0; i < 63; i += 3) {
		char group[4] = {hex[i], hex[i + 1], hex[i + 2], '\0'};
		unsigned long bits = strtoul(group, NULL, 16);

		*to++ = digits[bits >> 6];
		*to++ = digits[bits & 63];
	}
	*to++ = digits[strtoul((char[]){hex[63], '0', '\0'}, NULL, 16) >> 2];
	*to++ = '=';
	*to = '\0';
}

static void digest_of(const char *bytes, size_t size, char *base64)
{
	char path[] = "/tmp/socklint-test-XXXXXX", hex[65] = "", *command;
	int fd = mkstemp(path);
	FILE *in;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	command = xstrfmt("sha256sum < %s", path);
	in = popen(command, "r");
	assert_non_null(in);
	assert_non_null(fgets(hex, sizeof(hex), in));
	pclose(in);
	unlink(path);
	free(command);
	to_base64(hex, base64);
}

static void expect_digest(const char *page, const char *tag)
{
	char *open = xstrfmt("<%s>", tag), *close_tag = xstrfmt("</%s>", tag), base64[64], *wanted;
	const char *from = strstr(page, open);

	assert_non_null(from);
	from += strlen(open);
	digest_of(from, (size_t)(strstr(from, close_tag) - from), base64);
	wanted = xstrfmt("%s-src 'sha256-%s'", tag, base64);
	expect_in(page, wanted);
	free(wanted);
	free(open);
	free(close_tag);
}

static void the_policy_names_its_own_style_and_script(void **state)
{
	struct report none = {.nr_followed = 1};
	char *page = page_of(&none);

	(void)state;
	expect_in(page, "default-src 'none'; ");
	expect_digest(page, "style");
	expect_digest(page, "script");
	assert_null(strstr(html_js.text, "</script"));
	assert_null(strstr(html_css.text, "</style"));
	free(page);
}

static void read_file(const char *path, char *to, size_t size)
{
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	to[fread(to, 1, size - 1, in)] = '\0';
	fclose(in);
}

static void style_and_script_may_lie_beside_the_page(void **state)
{
	char dir[] = "/tmp/socklint-test-XXXXXX", text[32768];
	struct report none = {.nr_followed = 1};
	struct render_options how = {.html_external = true};
	char *path, *css, *js, *page;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xstrfmt("%s/a \"b.html", dir);
	css = xstrfmt("%s/a \"b.css", dir);
	js = xstrfmt("%s/a \"b.js", dir);
	how.path = path;
	page = render(&none, &how);
	expect_in(page, "<link rel=stylesheet href=\"./a%20%22b.css\">");
	expect_in(page, "<script src=\"./a%20%22b.js\"></script>");
	expect_in(page, "style-src 'self'; script-src 'self'");
	expect_not_in(page, "<style");
	assert_int_equal(format_by_name("html", 4)->write_beside(&how), 0);
	read_file(css, text, sizeof(text));
	assert_string_equal(text, html_css.text);
	read_file(js, text, sizeof(text));
	assert_string_equal(text, html_js.text);
	unlink(css);
	unlink(js);
	rmdir(dir);
	free(page);
	free(path);
	free(css);
	free(js);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_text),
		cmocka_unit_test(long_names_are_cut_and_say_so),
		cmocka_unit_test(nothing_of_a_name_becomes_markup),
		cmocka_unit_test(a_finding_is_told_whole),
		cmocka_unit_test(what_is_empty_or_clean_has_a_page),
		cmocka_unit_test(the_same_report_makes_the_same_page),
		cmocka_unit_test(no_two_findings_share_an_anchor),
		cmocka_unit_test(our_fin_is_missing_in_close_wait),
		cmocka_unit_test(their_fin_is_missing_in_fin_wait),
		cmocka_unit_test(each_end_has_its_picture),
		cmocka_unit_test(what_is_over_is_drawn_as_it_usually_goes),
		cmocka_unit_test(growth_is_projected_and_a_burst_is_not),
		cmocka_unit_test(the_time_line_is_the_recordings_own),
		cmocka_unit_test(between_looks_what_stays_open_is_known),
		cmocka_unit_test(dwells_are_drawn_against_the_budget),
		cmocka_unit_test(a_child_stands_below_its_parent),
		cmocka_unit_test(the_cited_line_is_shown_where_it_can_be_read),
		cmocka_unit_test(nothing_but_sources_is_read),
		cmocka_unit_test(much_is_cut_and_says_so),
		cmocka_unit_test(the_policy_names_its_own_style_and_script),
		cmocka_unit_test(style_and_script_may_lie_beside_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
