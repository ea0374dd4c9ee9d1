/* SPDX-License-Identifier: MIT */
#include "runtime.h"

#include <string.h>

#include "alloc.h"
#include "text.h"

static bool begins_with_one(const char *s, const char *const *beginnings, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strncmp(s, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static bool is_c_library(const struct rec_module *m)
{
	static const char *const names[] = {"libc.so",	  "libc-2",   "ld-linux", "ld-2.",
					    "libpthread", "ld-musl-", "libc.musl"};

	return m->is_vdso || begins_with_one(text_basename(m->path), names, ARRAY_SIZE(names));
}

/*
 * What a sanitizer puts between a program and the C library: gcc's in a library of its own, clang's
 * in the program itself.
 */
static bool is_interceptor(const char *function, const struct rec_module *m)
{
	static const char *const names[] = {"libasan.so", "libtsan.so", "liblsan.so", "libubsan.so",
					    "libclang_rt."};
	static const char *const functions[] = {"__interceptor_", "___interceptor_"};

	return begins_with_one(text_basename(m->path), names, ARRAY_SIZE(names)) ||
	       begins_with_one(function, functions, ARRAY_SIZE(functions));
}

/* What C++ and Rust bring along is no more the program's own than libc. */
static bool is_standard_library(const char *function)
{
	static const char *const names[] = {
		"std::", "core::", "alloc::", "<std::", "<core::", "<alloc::"};

	return begins_with_one(function, names, ARRAY_SIZE(names));
}

/* Lies in every program, and is the C library's. */
static bool is_start(const char *function)
{
	return !strcmp(function, "_start");
}

bool is_runtime(const char *function, const struct rec_module *m)
{
	if (!function)
		function = "";
	return is_c_library(m) || is_interceptor(function, m) || is_standard_library(function) ||
	       is_start(function);
}
