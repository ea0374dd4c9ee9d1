/* SPDX-License-Identifier: MIT */
/*
 * A few bytes of a mangled name can stand for gigabytes: each substitution may double what the one
 * before stands for. The callback that gets the text in pieces leaves by longjmp() when it has
 * enough. The demangler keeps its parts on the stack (a punycode identifier of Rust apart).
 */
#include "demangle.h"

#include <libiberty/demangle.h>
#undef ARRAY_SIZE /* alloc.h has its own */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

/* The demangler recurses, and takes stack in proportion; by itself it stops at 1024. */
#define LONGEST_MANGLED 4096
#define OWN_LIMIT	1000

struct text {
	char buf[32 * NAME_ROOM];
	size_t len;
	jmp_buf full;
};

static void add_piece(const char *piece, size_t len, void *data)
{
	struct text *t = data;
	size_t room = sizeof(t->buf) - t->len;
	size_t n = len < room ? len : room;

	if (n) /* an empty piece may be NULL */
		memcpy(t->buf + t->len, piece, n);
	t->len += n;
	if (n < len)
		longjmp(t->full, 1);
}

static bool is_mangled(const char *name)
{
	return !strncmp(name, "_Z", 2) || !strncmp(name, "_R", 2) || !strncmp(name, "__Z", 3);
}

static bool demangle_into(struct text *t, const char *name)
{
	int options = strlen(name) > OWN_LIMIT ? DMGL_NO_RECURSE_LIMIT : 0;

	t->len = 0;
	if (setjmp(t->full))
		return true;
	if (rust_demangle_callback(name, options, add_piece, t))
		return t->len > 0;
	t->len = 0;
	return cplus_demangle_v3_callback(name, options, add_piece, t) && t->len > 0;
}

/* ---- names too long ---------------------------------------------------------------------- */

/* "operator<<" and its kin are no brackets: their length, or 0. */
static size_t operator_at(const char *s, size_t len)
{
	static const char word[] = "operator";
	size_t n = strlen(word);

	if (len <= n || memcmp(s, word, n) || !memchr("<>-", s[n], 3))
		return 0;
	while (n < len && n < strlen(word) + 3 && memchr("<>=-", s[n], 4))
		n++;
	return n;
}

static void put(struct text *t, const char *s, size_t len)
{
	size_t room = sizeof(t->buf) - t->len;

	len = len < room ? len : room;
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

/* Empties the outermost template arguments: "map<...>::find". */
static void drop_arguments(struct text *to, const char *s, size_t len)
{
	size_t at, depth = 0, n;

	to->len = 0;
	for (at = 0; at < len; at += n) {
		n = operator_at(s + at, len - at);
		/* A "->" stands only inside of arguments, and is no bracket. */
		if (!n && s[at] == '>' && depth && s[at - 1] != '-')
			depth--;
		if (!depth)
			put(to, s + at, n ? n : 1);
		if (!n && s[at] == '<' && !depth++)
			put(to, "...", 3);
		n = n ? n : 1;
	}
}

/* Not in the middle of a UTF-8 character. */
static char *cut(const char *s, size_t len)
{
	size_t keep = NAME_ROOM - sizeof("...");
	char *name = xcalloc(1, NAME_ROOM);

	while (keep && ((unsigned char)s[keep] & 0xc0) == 0x80)
		keep--;
	if (len < NAME_ROOM)
		keep = len;
	memcpy(name, s, keep);
	if (keep < len)
		strcpy(name + keep, "...");
	return name;
}

char *demangle(const char *name)
{
	size_t len = strnlen(name, LONGEST_MANGLED + 1);
	struct text t, shorter;

	if (len <= LONGEST_MANGLED && is_mangled(name) && demangle_into(&t, name)) {
		if (t.len < NAME_ROOM)
			return cut(t.buf, t.len);
		drop_arguments(&shorter, t.buf, t.len);
		return cut(shorter.buf, shorter.len);
	}
	return len < NAME_ROOM ? NULL : cut(name, len);
}
