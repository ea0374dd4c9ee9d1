/* SPDX-License-Identifier: MIT */
/*
 * SOCKLINT_OPTIONS=key=value:key=value. What is not understood is left alone: nobody's program
 * stops for a misspelt option of ours.
 */
#include "options.h"

#include <string.h>

#include "house.h"
#include "recording.h"
#include "tell.h"
#include "text.h"
#include "wishes.h"

#define SECOND_NS     1000000000u
#define LONG_DWELL_NS SECOND_NS
#define FAR_NS	      (UINT64_MAX / 256) /* some years */

struct options options = {
	.report = REPORT_EXIT,
	.on_signal = true,
	.depth = 32,
	.max_files = 4096,
	.max_size = 256u << 20,
	.long_dwell_ns = LONG_DWELL_NS,
	.patience_ns = 2ull * SECOND_NS,
};

/* A number, or what was there before: a slip of the pen must not make a limit of it. */
static uint64_t option_number(const char *s, const char *end, uint64_t before)
{
	static const char units[] = "kmg";
	const char *digits = s, *unit;
	uint64_t n = 0;

	for (; s < end && *s >= '0' && *s <= '9' && n < UINT64_MAX / 2048; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	if (s == digits || end - s > 1)
		return before;
	if (s == end)
		return n;
	unit = strchr(units, *s | 0x20);
	return unit && *unit ? n << 10 * (unit - units + 1) : before;
}

static bool value_is(const char *value, const char *end, const char *word)
{
	return (size_t)(end - value) == strlen(word) && !memcmp(value, word, strlen(word));
}

static void option_set_dir(const char *value, const char *end)
{
	struct text t = text_in(options.dir, sizeof(options.dir));

	text_add_path(&t, value, (size_t)(end - value));
	if (t.cut)
		options.dir[0] = '\0';
}

/* SECONDS, with a fraction or without, or what was there before. */
static uint64_t option_seconds(const char *s, const char *end, uint64_t before)
{
	uint64_t ns = 0, unit = SECOND_NS;
	const char *digits = s;

	for (; s < end && *s >= '0' && *s <= '9' && ns < FAR_NS; s++)
		ns = ns * 10 + (uint64_t)(*s - '0') * unit;
	if (s < end && *s == '.')
		for (s++; s < end && *s >= '0' && *s <= '9'; s++)
			ns += (uint64_t)(*s - '0') * (unit /= 10);
	return s == end && s != digits ? ns : before;
}

/* Of closes that are later there may be something to tell. */
static void keep_closes_after(const char *value, const char *end)
{
	uint64_t ns = option_seconds(value, end, 0);

	if (ns && ns < LONG_DWELL_NS)
		options.long_dwell_ns = ns;
}

static void option_set_report(const char *value, const char *end)
{
	options.report = value_is(value, end, "none") ? REPORT_NONE : REPORT_EXIT;
}

static void option_set_on_signal(const char *value, const char *end)
{
	options.on_signal = !value_is(value, end, "none");
}

static void option_set_depth(const char *value, const char *end)
{
	uint64_t n = option_number(value, end, options.depth);

	options.depth = n < 1 ? 1 : n > REC_SITE_FRAMES ? REC_SITE_FRAMES : (uint32_t)n;
}

static void option_set_max_files(const char *value, const char *end)
{
	options.max_files = (uint32_t)option_number(value, end, options.max_files);
}

static void option_set_max_size(const char *value, const char *end)
{
	options.max_size = option_number(value, end, options.max_size);
}

static void option_set_grace(const char *value, const char *end)
{
	wish("--grace=", value, end, false);
}

static void option_set_max_dwell(const char *value, const char *end)
{
	keep_closes_after(value, end);
	wish("--max-dwell=", value, end, false);
}

static void option_set_strict(const char *value, const char *end)
{
	if (value_is(value, end, "1"))
		wish("--strict", end, end, false);
}

static void option_set_baseline(const char *value, const char *end)
{
	wish("--baseline=", value, end, true);
}

static void option_set_patience(const char *value, const char *end)
{
	options.patience_ns = option_seconds(value, end, options.patience_ns);
}

static void option_set_help(const char *value, const char *end)
{
	static const char help[] = "socklint: SOCKLINT_OPTIONS=key=value:key=value\n"
#define OPTION(id, key, value, what) "  " key "=" value "\n      " what "\n"
#include "options.def"
#undef OPTION
		;

	if (value_is(value, end, "1"))
		tell_line(help, sizeof(help) - 1);
}

static const struct {
	const char *key;
	void (*set)(const char *value, const char *end);
} keys[] = {
#define OPTION(id, key, value, what) {key, option_set_##id},
#include "options.def"
#undef OPTION
};

static void option_set(const char *item, const char *end)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t n = strlen(keys[i].key);

		if ((size_t)(end - item) > n && item[n] == '=' && !memcmp(item, keys[i].key, n))
			keys[i].set(item + n + 1, end);
	}
}

void options_read(const char *s)
{
	while (s && *s) {
		const char *end = s + strcspn(s, ":");

		option_set(s, end);
		s = *end ? end + 1 : end;
	}
}
