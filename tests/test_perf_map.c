/* SPDX-License-Identifier: MIT */
/* Names of generated code: what runtimes write, and what others might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "forge.h"
#include "jit_name.h"
#include "perf_map.h"
#include "symbolizer.h"

/* ---- names ---- */

struct jit {
	const char *text;
	struct jit_name wanted;
};

static void assert_jit(const struct jit *jit)
{
	struct jit_name n;

	jit_name_parse(&n, jit->text, strlen(jit->text));
	assert_string_equal(n.function, jit->wanted.function);
	if (jit->wanted.file)
		assert_string_equal(n.file ? n.file : "none", jit->wanted.file);
	else
		assert_null(n.file);
	assert_int_equal(n.line, jit->wanted.line);
	assert_int_equal(n.own, jit->wanted.own);
	jit_name_release(&n);
}

#define ASSERT_JITS(...)                                                                           \
	do {                                                                                       \
		static const struct jit jits[] = {__VA_ARGS__};                                    \
		for (size_t i = 0; i < sizeof(jits) / sizeof(jits[0]); i++)                        \
			assert_jit(&jits[i]);                                                      \
	} while (0)

static void names_of_node(void **state)
{
	(void)state;
	ASSERT_JITS(
		{"JS:*serve /srv/server.js:12:3", {"serve", "/srv/server.js", 12, true}},
		{"JS:~serve file:///srv/s.mjs:7:1", {"serve", "file:///srv/s.mjs", 7, true}},
		{"JS:^get socket /srv/my server.js:5:9",
		 {"get socket", "/srv/my server.js", 5, true}},
		{"LazyCompile:*serve /srv/server.js:12:3", {"serve", "/srv/server.js", 12, true}},
		{"Function:~serve /srv/server.js:12", {"serve", "/srv/server.js", 12, true}},
		{"JS:~ /srv/server.js:17:31", {"(anonymous)", "/srv/server.js", 17, true}},
		{"JS:+listen node:net:2000:20", {"listen", "node:net", 2000, false}},
		{"JS:~f /a/:b.js:x", {"f", "/a/:b.js:x", 0, true}},
		{"Builtin:ArgumentsAdaptor", {"Builtin:ArgumentsAdaptor", NULL, 0, false}},
		{"JS:*", {"JS:*", NULL, 0, false}});
}

static void names_of_python(void **state)
{
	(void)state;
	ASSERT_JITS(
		{"py::Server.serve:/srv/server.py", {"Server.serve", "/srv/server.py", 0, true}},
		{"py::create_server:/usr/lib/python3.12/socket.py",
		 {"create_server", "/usr/lib/python3.12/socket.py", 0, false}},
		{"py::get:/srv/lib/python3.12/site-packages/requests/api.py",
		 {"get", "/srv/lib/python3.12/site-packages/requests/api.py", 0, true}},
		{"py::_call:<frozen importlib._bootstrap>",
		 {"_call", "<frozen importlib._bootstrap>", 0, false}});
}

static void names_of_java(void **state)
{
	(void)state;
	ASSERT_JITS({"void srv.Server.serve(java.net.Socket, int)",
		     {"srv.Server.serve", NULL, 0, true}},
		    {"Lsrv/Server;::serve", {"srv.Server.serve", NULL, 0, true}},
		    {"java.net.Socket java.net.ServerSocket.accept()",
		     {"java.net.ServerSocket.accept", NULL, 0, false}},
		    {"Ljava/net/ServerSocket;::accept",
		     {"java.net.ServerSocket.accept", NULL, 0, false}},
		    {"Interpreter", {"Interpreter", NULL, 0, false}},
		    {"StubRoutines (1)", {"StubRoutines (1)", NULL, 0, false}});
}

static void a_name_is_bounded(void **state)
{
	static char text[20000];
	struct jit_name n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "JS:*", 4);
	memcpy(text + 10000, " /srv/a.js:1:1", 15);
	jit_name_parse(&n, text, strlen(text));
	assert_int_equal(strlen(n.function), 239);
	assert_string_equal(n.file, "/srv/a.js");
	jit_name_release(&n);
}

/* ---- the file ---- */

static const struct perf_map_terms any = {0, 0, UINT64_MAX};

static struct perf_map_terms mine(void)
{
	struct perf_map_terms t = any;

	t.owner = geteuid();
	return t;
}

static struct perf_map *map_from(const char *dir, const char *text, char **why)
{
	struct perf_map_terms t = mine();
	char *path = forge_write_bytes(text, strlen(text), dir, "perf-1.map");
	struct perf_map *m = perf_map_open(path, &t, why);

	free(path);
	return m;
}

static void assert_named(const struct perf_map *m, uint64_t pc, const char *wanted)
{
	size_t len = 0;
	const char *name = perf_map_find(m, pc, &len);

	if (!wanted) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_int_equal(len, strlen(wanted));
	assert_memory_equal(name, wanted, len);
}

static int setup(void **state)
{
	*state = forge_directory();
	return 0;
}

static int teardown(void **state)
{
	forge_remove(*state);
	return 0;
}

static void finds_by_address(void **state)
{
	char *why;
	struct perf_map *m = map_from(*state,
				      "3000 100 third\n1000 10 the first\n0x0000000000002000 "
				      "0x0000000000000020 second\n",
				      &why);

	assert_null(why);
	assert_named(m, 0xfff, NULL);
	assert_named(m, 0x1000, "the first");
	assert_named(m, 0x100f, "the first");
	assert_named(m, 0x1010, NULL);
	assert_named(m, 0x2010, "second");
	assert_named(m, 0x30ff, "third");
	assert_named(m, 0x3100, NULL);
	assert_named(m, UINT64_MAX, NULL);
	perf_map_free(m);
}

static void what_was_written_last_is_true(void **state)
{
	char *why;
	struct perf_map *m = map_from(*state,
				      "1000 1000 old\n1100 100 inner\n1000 80 rewritten\n"
				      "1180 100 across\n",
				      &why);

	assert_named(m, 0x1000, "rewritten");
	assert_named(m, 0x1080, "old");
	assert_named(m, 0x1100, "inner");
	assert_named(m, 0x1180, "across");
	assert_named(m, 0x127f, "across");
	assert_named(m, 0x1280, "old");
	perf_map_free(m);
}

static void what_is_no_line_is_left_out(void **state)
{
	char *why;
	struct perf_map *m =
		map_from(*state,
			 "\n\n  \nx\n1000\n1000 10\n1000 10 \n1000 0 empty\n"
			 "ffffffffffffffff 10 over the end\n1000 ffffffffffffffff all\n"
			 "11112222333344445 10 too large a number\nzz 10 name\n"
			 "0x 10 name\n-1000 10 name\n1000 10\tname\n"
			 "5000 10 good\n1000 10 half a nam",
			 &why);

	assert_named(m, 0x5000, "good");
	assert_named(m, 0x1000, NULL);
	assert_named(m, UINT64_MAX - 1, NULL);
	perf_map_free(m);
	m = map_from(*state, "", &why);
	assert_named(m, 0x1000, NULL);
	perf_map_free(m);
}

static void a_large_file_is_read(void **state)
{
	char *path = forge_write_bytes("", 0, *state, "large.map"), *why;
	struct perf_map_terms t = mine();
	struct timespec before, after;
	struct perf_map *m;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 1200000; i; i--)
		fprintf(f, "7f%08x 40 JS:*function_%d /srv/application/lib/some_module.js:%d:1\n",
			i * 64, i, i);
	assert_int_equal(fclose(f), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	m = perf_map_open(path, &t, &why);
	assert_non_null(m);
	assert_named(m, 0x7f00000000 + 777 * 64 + 5,
		     "JS:*function_777 /srv/application/lib/some_module.js:777:1");
	for (uint64_t i = 0; i < 100000; i++) {
		size_t len;

		perf_map_find(m, 0x7f00000000 + i * 577, &len);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 20);
	perf_map_free(m);
	free(path);
}

static void assert_not_believed(const char *path, const struct perf_map_terms *t, const char *what)
{
	char *why = NULL;

	assert_null(perf_map_open(path, t, &why));
	assert_non_null(why);
	assert_non_null(strstr(why, what));
	free(why);
}

static void others_are_not_believed(void **state)
{
	char *path = forge_write_bytes("1 1 x\n", 6, *state, "a.map"), link[200], fifo[200];
	struct perf_map_terms t = mine();
	char *why;

	snprintf(link, sizeof(link), "%s/link.map", (char *)*state);
	snprintf(fifo, sizeof(fifo), "%s/fifo.map", (char *)*state);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_not_believed(link, &t, "symbolic link");
	assert_not_believed(fifo, &t, "not a regular file");
	assert_not_believed(*state, &t, "not a regular file");
	if (geteuid() == 0) { /* root's are believed, another's are not */
		t.owner = 4711;
		perf_map_free(perf_map_open(path, &t, &why));
		assert_null(why);
		assert_int_equal(chown(path, 4712, 4712), 0);
	} else {
		t.owner = geteuid() + 1;
	}
	assert_not_believed(path, &t, "of another user");
	assert_int_equal(unlink(path), 0);
	assert_null(perf_map_open(path, &t, &why));
	assert_null(why);
	free(path);
}

static void a_map_of_another_time_is_not_believed(void **state)
{
	char *path = forge_write_bytes("1 1 x\n", 6, *state, "a.map"), *why;
	struct timespec times[2] = {{1000, 0}, {1000, 500}};
	struct perf_map_terms t = mine();

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	t.from_real_ns = 1000 * NS_PER_S + 501;
	assert_not_believed(path, &t, "older than the process");
	t.from_real_ns = 1000 * NS_PER_S + 500;
	t.to_real_ns = 1000 * NS_PER_S + 499;
	assert_not_believed(path, &t, "after the process had ended");
	t.to_real_ns++;
	perf_map_free(perf_map_open(path, &t, &why));
	assert_null(why);
	free(path);
}

/* ---- in a stack ---- */

#define TEXT "1000 100 JS:*accept node:net:1:1\n2000 100 JS:*serve /srv/server.js:12:3\n"

struct case_of_map {
	char *path; /* of the map */
	struct forge *forge;
	struct collection c;
	struct history h;
	struct symbolizer *sy;
	const struct stack *st;
};

/* No process of a machine has this number as long as /proc/sys/kernel/pid_max allows less. */
static uint32_t free_pid(void)
{
	return 0x40000000u + (uint32_t)getpid();
}

static void resolve(struct case_of_map *x, const char *dir, time_t started)
{
	uint32_t site;
	struct rec_site *s;

	x->forge = forge_new(free_pid());
	x->path = xstrfmt("/tmp/perf-%u.map", free_pid());
	forge_header(x->forge)->start_real_ns = (uint64_t)started * NS_PER_S;
	site = forge_site(x->forge, 0x1010);
	s = forge_site_at(x->forge, site);
	s->nr = 3;
	s->pc[1] = 0x2100;
	s->pc[2] = 0x2101;
	free(forge_write(x->forge, dir, "100.0.socklint"));
	collection_add(&x->c, dir);
	history_read(&x->h, &x->c);
	x->sy = symbolizer_new();
	x->st = symbolizer_site(x->sy, &x->h.processes[0], site);
}

static void done(struct case_of_map *x)
{
	symbolizer_free(x->sy);
	history_release(&x->h);
	collection_release(&x->c);
	forge_free(x->forge);
	unlink(x->path);
	free(x->path);
}

static void write_map(void)
{
	char name[40];

	snprintf(name, sizeof(name), "perf-%u.map", free_pid());
	free(forge_write_bytes(TEXT, strlen(TEXT), "/tmp", name));
}

/* The process of the forge lived for FORGE_END seconds. */
static void generated_frames_are_named(void **state)
{
	struct case_of_map x = {.h = HISTORY_INIT};

	write_map();
	resolve(&x, *state, time(NULL) - FORGE_END / 2);
	assert_null(symbolizer_complaint(x.sy, 0));
	assert_int_equal(x.st->nr, 3);
	assert_string_equal(x.st->frames[0].function, "accept");
	assert_true(x.st->frames[0].jit);
	/* The return address is that of the byte after the last call. */
	assert_string_equal(x.st->frames[1].function, "serve");
	assert_string_equal(x.st->frames[1].file, "/srv/server.js");
	assert_int_equal(x.st->frames[1].line, 12);
	assert_null(x.st->frames[2].function);
	assert_false(x.st->frames[2].jit);
	assert_ptr_equal(stack_own_frame(x.st), &x.st->frames[1]);
	done(&x);
}

static void a_map_of_an_earlier_process_is_not(void **state)
{
	struct case_of_map x = {.h = HISTORY_INIT};

	write_map();
	resolve(&x, *state, time(NULL) + 60);
	assert_null(x.st->frames[0].function);
	assert_non_null(strstr(symbolizer_complaint(x.sy, 0), "older than the process"));
	done(&x);
}

static void a_map_of_a_later_process_is_not(void **state)
{
	struct case_of_map x = {.h = HISTORY_INIT};

	write_map();
	resolve(&x, *state, time(NULL) - FORGE_END - 60);
	assert_null(x.st->frames[0].function);
	assert_non_null(strstr(symbolizer_complaint(x.sy, 0), "after the process had ended"));
	done(&x);
}

static void a_map_of_another_machine_is_not(void **state)
{
	struct case_of_map x = {.h = HISTORY_INIT};
	struct perf_map *m;
	struct rec_header *h;
	char *why;

	write_map();
	resolve(&x, *state, time(NULL) - FORGE_END / 2);
	h = x.h.processes[0].rec->header;
	m = perf_map_of(&x.h.processes[0], &why);
	assert_non_null(m);
	perf_map_free(m);
	strcpy(h->host, "another.example");
	assert_null(perf_map_of(&x.h.processes[0], &why));
	assert_null(why);
	done(&x);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_node),
		cmocka_unit_test(names_of_python),
		cmocka_unit_test(names_of_java),
		cmocka_unit_test(a_name_is_bounded),
		TEST(finds_by_address),
		TEST(what_was_written_last_is_true),
		TEST(what_is_no_line_is_left_out),
		TEST(a_large_file_is_read),
		TEST(others_are_not_believed),
		TEST(a_map_of_another_time_is_not_believed),
		TEST(generated_frames_are_named),
		TEST(a_map_of_an_earlier_process_is_not),
		TEST(a_map_of_a_later_process_is_not),
		TEST(a_map_of_another_machine_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
