/* SPDX-License-Identifier: MIT */
/*
 * SOCKLINT_OPTIONS=key=value:key=value. What is not understood is left alone: nobody's program
 * stops for a misspelt option of ours.
 */
#include "shim.h"

#define LONG_DWELL_NS 1000000000u

struct options options = {
	.report = REPORT_EXIT,
	.on_signal = true,
	.depth = 32,
	.max_files = 4096,
	.max_size = 256u << 20,
	.long_dwell_ns = LONG_DWELL_NS,
};

static bool option_is(const char *item, const char *end, const char *key, const char **value)
{
	size_t n = strlen(key);

	if ((size_t)(end - item) < n || memcmp(item, key, n) != 0)
		return false;
	*value = item + n;
	return true;
}

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

static void option_dir(const char *value, size_t n)
{
	struct text t = text_in(options.dir, sizeof(options.dir));

	text_add_path(&t, value, n);
	if (t.cut)
		options.dir[0] = '\0';
}

/* SECONDS, with a fraction or without: of closes that are later there may be something to tell. */
static void option_dwell(const char *s, const char *end)
{
	uint64_t ns = 0, unit = 1000000000u;

	for (; s < end && *s >= '0' && *s <= '9' && ns < LONG_DWELL_NS; s++)
		ns = ns * 10 + (uint64_t)(*s - '0') * unit;
	if (s < end && *s == '.')
		for (s++; s < end && *s >= '0' && *s <= '9'; s++)
			ns += (uint64_t)(*s - '0') * (unit /= 10);
	if (s == end && ns && ns < LONG_DWELL_NS)
		options.long_dwell_ns = ns;
}

static void option_set(const char *item, const char *end)
{
	const char *value;
	uint64_t n;

	if (option_is(item, end, "dir=", &value)) {
		option_dir(value, (size_t)(end - value));
	} else if (option_is(item, end, "report=", &value)) {
		options.report = value_is(value, end, "none") ? REPORT_NONE : REPORT_EXIT;
	} else if (option_is(item, end, "on-signal=", &value)) {
		options.on_signal = !value_is(value, end, "none");
	} else if (option_is(item, end, "depth=", &value)) {
		n = option_number(value, end, options.depth);
		options.depth = n < 1 ? 1 : n > REC_SITE_FRAMES ? REC_SITE_FRAMES : (uint32_t)n;
	} else if (option_is(item, end, "max-files=", &value)) {
		options.max_files = (uint32_t)option_number(value, end, options.max_files);
	} else if (option_is(item, end, "max-size=", &value)) {
		options.max_size = option_number(value, end, options.max_size);
	} else if (value_is(item, end, "help=1")) {
		static const char help[] =
			"socklint: SOCKLINT_OPTIONS=key=value:key=value\n"
			"  dir=PATH         where the recordings go, absolute (default: made in "
			"/tmp)\n"
			"  report=exit|none print findings on stderr when the first process ends\n"
			"  depth=1..60      frames kept of each stack (default 32)\n"
			"  on-signal=none   do not catch SIGTERM, SIGINT, SIGHUP that would kill\n"
			"  max-files=N      recordings per directory (default 4096)\n"
			"  max-size=N[kmg]  bytes per recording (default 256m)\n"
			"  grace=SECONDS, max-dwell=SECONDS, strict=1, baseline=FILE\n"
			"                   as the command's, for what is printed at the end\n";
		tell_line(help, sizeof(help) - 1);
	} else {
		if (option_is(item, end, "max-dwell=", &value))
			option_dwell(value, end);
		wish_option(item, end);
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
