/* SPDX-License-Identifier: MIT */
#include "json_document.h"

#include <string.h>

#include "alloc.h"

/* jansson begins each value at the left edge. */
static int write_deep(const char *text, size_t len, void *data)
{
	const struct document *d = data;
	const char *end = text + len, *line;
	int i;

	while ((line = memchr(text, '\n', (size_t)(end - text)))) {
		fwrite_unlocked(text, 1, (size_t)(line + 1 - text), d->out);
		for (i = 0; i < d->deep; i++)
			putc_unlocked(' ', d->out);
		text = line + 1;
	}
	fwrite_unlocked(text, 1, (size_t)(end - text), d->out);
	return 0;
}

static void write_value(struct document *d, int deep, json_t *value)
{
	d->deep = deep;
	if (!value || json_dump_callback(value, write_deep, d, JSON_INDENT(1) | JSON_ENCODE_ANY))
		out_of_memory();
	json_decref(value);
}

static void write_key(struct document *d, const char *key)
{
	fprintf(d->out, "%s\n \"%s\": ", d->nr_members++ ? "," : "{", key);
}

void document_member(struct document *d, const char *key, json_t *value)
{
	write_key(d, key);
	write_value(d, 1, value);
}

void document_members(struct document *d, json_t *o)
{
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value) document_member(d, key, json_incref(value));
	json_decref(o);
}

void document_begin_array(struct document *d, const char *key)
{
	write_key(d, key);
	d->nr_items = 0;
}

void document_item(struct document *d, json_t *value)
{
	fputs(d->nr_items++ ? ",\n  " : "[\n  ", d->out);
	write_value(d, 2, value);
}

void document_end_array(struct document *d)
{
	fputs(d->nr_items ? "\n ]" : "[]", d->out);
}

void document_end(struct document *d)
{
	fputs("\n}\n", d->out);
}
