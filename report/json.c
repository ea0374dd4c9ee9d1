/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "text.h"

void json_put(json_t *to, const char *key, json_t *value)
{
	if (json_object_set_new(to, key, value))
		out_of_memory();
}

void json_add(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		out_of_memory();
}

/* jansson refuses what is no UTF-8. */
json_t *json_clean_string(const char *s)
{
	char *clean = text_cleaned(s);
	json_t *value = json_string(clean);

	free(clean);
	return value;
}

json_t *json_lines(const char *text)
{
	json_t *array = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = xstrndup(text, len);

		json_add(array, json_clean_string(line));
		free(line);
		text += len + (text[len] == '\n');
	}
	return array;
}

void json_write(FILE *out, json_t *whole)
{
	json_dumpf(whole, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(whole);
}

void json_put_text(json_t *to, const char *key, const char *s)
{
	if (s)
		json_put(to, key, json_clean_string(s));
}

void json_put_number(json_t *to, const char *key, uint64_t nr)
{
	json_put(to, key, json_integer(nr > INT64_MAX ? INT64_MAX : (json_int_t)nr));
}

void json_put_flag(json_t *to, const char *key, bool flag)
{
	json_put(to, key, json_boolean(flag));
}

void json_put_time(json_t *to, const char *key, uint64_t real_ns)
{
	struct strbuf sb = STRBUF_INIT;

	if (real_ns) {
		text_add_time(&sb, real_ns);
		json_put(to, key, json_string(sb.buf));
	}
	strbuf_release(&sb);
}

void json_put_index(json_t *to, const char *key, size_t index)
{
	if (index != SIZE_MAX)
		json_put_number(to, key, index);
}
