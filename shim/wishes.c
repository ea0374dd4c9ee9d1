/* SPDX-License-Identifier: MIT */
/*
 * How the user wants the report judged that is printed under a bare preload: arguments for the
 * command. They are made at the start, for a program may overwrite its environment, and go
 * elsewhere, before it ends.
 */
#include "shim.h"

static char words[2048]; /* the arguments, each ended by a NUL */
static size_t used;
static uint32_t nr_words;
static char epoch[48]; /* NAME=VALUE */

static const struct {
	const char *key; /* in SOCKLINT_OPTIONS */
	const char *argument;
	bool is_path;
} table[] = {
	{"grace=", "--grace=", false},
	{"max-dwell=", "--max-dwell=", false},
	{"baseline=", "--baseline=", true},
	{"strict=1", "--strict", false},
};

/* What there is no room for is left out. */
static void word_add_wish(const char *argument, const char *value, size_t n, bool is_path)
{
	struct text t = text_in(words + used, sizeof(words) - used);

	text_add(&t, argument);
	if (is_path)
		text_add_path(&t, value, n);
	else
		text_add_n(&t, value, n);
	if (t.cut || nr_words == WISHES_MAX)
		return;
	used += t.len + 1;
	nr_words++;
}

/* One item of SOCKLINT_OPTIONS. */
void wish_option(const char *item, const char *end)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t n = strlen(table[i].key);

		if ((size_t)(end - item) >= n && !memcmp(item, table[i].key, n))
			word_add_wish(table[i].argument, item + n, (size_t)(end - item) - n,
				      table[i].is_path);
	}
}

/* FILE:FILE, or NULL. */
void wish_suppressions(const char *s)
{
	while (s && *s) {
		size_t n = strcspn(s, ":");

		if (n)
			word_add_wish("--suppressions=", s, n, true);
		s += n + !!s[n];
	}
}

/* The day that suppressions expire by; NULL: today. */
void wish_epoch(const char *seconds)
{
	struct text t = text_in(epoch, sizeof(epoch));

	text_add(&t, "SOURCE_DATE_EPOCH=");
	text_add(&t, seconds ? seconds : "");
	if (t.cut || !seconds)
		epoch[0] = '\0';
}

/* For the command's environment, or NULL. */
const char *wished_epoch(void)
{
	return epoch[0] ? epoch : NULL;
}

/* Returns how many there are. */
uint32_t wishes(const char **argv)
{
	const char *word = words;

	for (uint32_t i = 0; i < nr_words; i++, word += strlen(word) + 1)
		argv[i] = word;
	return nr_words;
}
