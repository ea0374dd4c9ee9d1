/* SPDX-License-Identifier: MIT */
/* How a place is told, and who called from there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence_parts.h"

#define NAMELESS(where)                                                                            \
	{                                                                                          \
		.module = "libquiet.so", .offset = (where)                                         \
	}
#define NAMED(name)                                                                                \
	{                                                                                          \
		.module = "libquiet.so", .offset = 0x99, .function = (name)                        \
	}
#define LINE(name, nr)                                                                             \
	{                                                                                          \
		.module = "server", .function = (name), .file = "/s/server.c", .line = (nr)        \
	}
#define RUNTIME                                                                                    \
	{                                                                                          \
		.module = "libc.so.6", .function = "start", .file = "/l/libc.c", .line = 1,        \
		.runtime = true                                                                    \
	}

#define ASSERT_TOLD(text, ...)                                                                     \
	do {                                                                                       \
		struct frame frames[] = {__VA_ARGS__};                                             \
		struct stack st = {.frames = frames, .nr = sizeof(frames) / sizeof(frames[0])};    \
		struct strbuf sb = STRBUF_INIT;                                                    \
		add_place_and_caller(&sb, &st);                                                    \
		assert_string_equal(sb.buf, text);                                                 \
		strbuf_release(&sb);                                                               \
	} while (0)

static void the_caller_stands_beside_its_callee(void **state)
{
	(void)state;
	ASSERT_TOLD("get (server.c:7), called from serve (server.c:9)", LINE("get", 7),
		    LINE("serve", 9), LINE("main", 11));
	ASSERT_TOLD("get (server.c:7)", LINE("get", 7), RUNTIME);
}

static void of_a_library_without_lines_the_caller_with_one_is_told(void **state)
{
	(void)state;
	ASSERT_TOLD("libquiet.so+0x5, reached from accept_tls (server.c:30)", NAMELESS(5),
		    NAMELESS(6), NAMED("SSL_accept"), LINE("accept_tls", 30), LINE("main", 40));
	ASSERT_TOLD("SSL_read (libquiet.so+0x99), called from get (server.c:7)", NAMED("SSL_read"),
		    LINE("get", 7));
}

static void where_nobody_has_lines_a_name_will_do(void **state)
{
	(void)state;
	ASSERT_TOLD("libquiet.so+0x5, reached from run (libquiet.so+0x99)", NAMELESS(5),
		    NAMELESS(6), NAMED("run"), RUNTIME);
	ASSERT_TOLD("libquiet.so+0x5, called from libquiet.so+0x6", NAMELESS(5), NAMELESS(6),
		    RUNTIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_caller_stands_beside_its_callee),
		cmocka_unit_test(of_a_library_without_lines_the_caller_with_one_is_told),
		cmocka_unit_test(where_nobody_has_lines_a_name_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
