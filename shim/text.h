/* SPDX-License-Identifier: MIT */
/* text.c: building paths and reading /proc without stdio. */
#ifndef SHIM_TEXT_H
#define SHIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t room;
	size_t len;
	bool cut;
};

struct text text_in(char *buf, size_t room);
void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_path(struct text *t, const char *path, size_t n);
void text_add_number(struct text *t, uint64_t n);

/* Reads up to n bytes of a file. Returns their number, or -errno. */
long text_read_file(const char *path, char *buf, size_t n);

#endif
