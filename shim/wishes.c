/* SPDX-License-Identifier: MIT */
/*
 * How the user wants the report judged that is printed under a bare preload: arguments for the
 * command. They are made at the start, for a program may overwrite its environment, and go
 * elsewhere, before it ends.
 */
#include "wishes.h"

#include <string.h>

#include "house.h"
#include "text.h"

static char words[2048]; /* the arguments, each ended by a NUL */
static size_t used;
static uint32_t nr_words;
static char epoch[48]; /* NAME=VALUE */

/* An option and its value, up to end. What there is no room for is left out. */
void wish(const char *argument, const char *value, const char *end, bool is_path)
{
	size_t n = (size_t)(end - value);
	struct text t;

	if (used == sizeof(words))
		return;
	t = text_in(words + used, sizeof(words) - used);
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

/* FILE:FILE, or NULL. */
void wish_suppressions(const char *s)
{
	while (s && *s) {
		size_t n = strcspn(s, ":");

		if (n)
			wish("--suppressions=", s, s + n, true);
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
