/* SPDX-License-Identifier: MIT */
#include "fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "symbolizer.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

#define FRAMES_MAX 8

static void add_bytes(struct fingerprint *f, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		f->a = (f->a ^ (unsigned char)bytes[i]) * FNV_PRIME;
		f->b = (f->b ^ (unsigned char)bytes[i]) * FNV_PRIME;
	}
}

/* The NUL keeps "ab", "c" apart from "a", "bc". */
static void add_name(struct fingerprint *f, const char *name, size_t len)
{
	add_bytes(f, name, len);
	add_bytes(f, "", 1);
}

struct fingerprint fingerprint_of(const char *rule, const char *subkind)
{
	struct fingerprint f = {FNV_START, (FNV_START ^ 0xff) * FNV_PRIME};

	add_name(&f, rule, strlen(rule));
	subkind = subkind ? subkind : "";
	add_name(&f, subkind, strlen(subkind));
	return f;
}

/* Without the marks of the compiler's copies of a function: they change with its mood. */
static size_t name_length(const char *name)
{
	static const char *const copies[] = {".constprop", ".isra", ".part", ".cold",
					     ".lto_priv",  ".llvm", ".clone"};
	size_t i, len = strlen(name);

	for (i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		const char *mark = strstr(name, copies[i]);
		char next = mark ? mark[strlen(copies[i])] : 'x';

		if (mark && mark > name && (!next || next == '.') && (size_t)(mark - name) < len)
			len = (size_t)(mark - name);
	}
	return len;
}

void fingerprint_add_name(struct fingerprint *f, const char *name)
{
	add_name(f, name, name_length(name));
}

/* What a frame without a function is known by. */
static const char *frame_name(const struct frame *f)
{
	return f->function ? f->function : f->module ? f->module : "???";
}

void fingerprint_add_frame(struct fingerprint *f, const struct frame *frame)
{
	fingerprint_add_name(f, frame ? frame_name(frame) : "");
	/* Scripts are full of functions of one name. */
	if (frame && frame->jit && frame->file) {
		const char *file = text_basename(frame->file);

		add_name(f, file, strlen(file));
	}
}

static bool has_own(const struct stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++)
		if (st->frames[i].own)
			return true;
	return false;
}

static bool is_same_function(const struct frame *a, const struct frame *b)
{
	const char *x = frame_name(a), *y = frame_name(b);
	size_t len = name_length(x);

	return len == name_length(y) && !strncmp(x, y, len);
}

void fingerprint_add_stack(struct fingerprint *f, const struct stack *st)
{
	const struct frame *frame = stack_own_frame(st), *before = NULL;
	bool scripts = has_own(st);
	size_t nr = 0;

	for (; frame && frame < st->frames + st->nr && nr < FRAMES_MAX; frame++) {
		if (before && (scripts ? !frame->own : frame->runtime))
			continue;
		if (before && is_same_function(before, frame))
			continue;
		fingerprint_add_frame(f, frame);
		before = frame;
		nr++;
	}
}

void fingerprint_hex(const struct fingerprint *f, char hex[FINGERPRINT_HEX])
{
	snprintf(hex, FINGERPRINT_HEX, "%016" PRIx64 "%016" PRIx64, f->a, f->b);
}
