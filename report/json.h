/* SPDX-License-Identifier: MIT */
/*
 * What the writers of JSON share. Strings are cleaned; what is not known (NULL, no time, no index)
 * is left out. Running out of memory ends the command.
 */
#ifndef SOCKLINT_JSON_H
#define SOCKLINT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* Take over the value. */
void json_put(json_t *to, const char *key, json_t *value);
void json_add(json_t *array, json_t *value);

/* An array: of each of `nr` things from `all` on what make() makes of a pointer to it. */
#define json_each(make, all, nr)                                                                   \
	({                                                                                         \
		json_t *each_ = json_array();                                                      \
                                                                                                   \
		for (size_t i_ = 0; i_ < (nr); i_++)                                               \
			json_add(each_, make(&(all)[i_]));                                         \
		each_;                                                                             \
	})

/* As the sanitiser in text.h leaves it. */
json_t *json_clean_string(const char *s);
/* An array of the text's lines. */
json_t *json_lines(const char *text);
/* As a file ends: with a line's end. Takes over what it writes. */
void json_write(FILE *out, json_t *whole);

void json_put_text(json_t *to, const char *key, const char *s);
void json_put_number(json_t *to, const char *key, uint64_t nr);
void json_put_flag(json_t *to, const char *key, bool flag);
/* As ISO 8601, of CLOCK_REALTIME in ns. */
void json_put_time(json_t *to, const char *key, uint64_t real_ns);
/* Left out if it is SIZE_MAX. */
void json_put_index(json_t *to, const char *key, size_t index);

#endif
