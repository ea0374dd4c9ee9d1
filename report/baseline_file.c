/* SPDX-License-Identifier: MIT */
/* The JSON of a baseline: {"format": "socklint-baseline", "version": 1, "findings": [...]}. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "baseline.h"
#include "json.h"
#include "replace_file.h"

#define FORMAT_NAME "socklint-baseline"

/* ---- reading ----------------------------------------------------------------------------- */

static int refuse(struct strbuf *why, const char *path, size_t nr, const char *what)
{
	strbuf_addf(why, "%s: findings[%zu]: %s", path, nr, what);
	return -1;
}

static bool is_id(const char *s)
{
	return s && strlen(s) == FINGERPRINT_HEX - 1 &&
	       strspn(s, "0123456789abcdef") == FINGERPRINT_HEX - 1;
}

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int read_entry(struct baseline *b, const json_t *from, size_t nr, const char *path,
		      struct strbuf *why)
{
	const char *id = string_of(from, "id"), *rule = string_of(from, "rule");
	const char *function = string_of(from, "function"), *kind = string_of(from, "kind");
	const json_t *count = json_object_get(from, "count");
	struct baseline_entry *e;

	if (!json_is_object(from))
		return refuse(why, path, nr, "is no object");
	if (!is_id(id))
		return refuse(why, path, nr, "\"id\" is not 32 hexadecimal digits");
	if (!rule || !function)
		return refuse(why, path, nr, "\"rule\" or \"function\" is no string");
	if (!json_is_integer(count) || json_integer_value(count) < 1)
		return refuse(why, path, nr, "\"count\" is no number above 0");
	ALLOC_GROW(b->all, b->nr + 1, b->alloc);
	e = &b->all[b->nr++];
	memcpy(e->id, id, sizeof(e->id));
	e->rule = xstrdup(rule);
	e->kind = kind ? xstrdup(kind) : NULL;
	e->function = xstrdup(function);
	e->nr = (uint64_t)json_integer_value(count);
	return 0;
}

static int cmp_ids(const void *a, const void *b)
{
	const struct baseline_entry *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static int read_entries(struct baseline *b, const json_t *findings, const char *path,
			struct strbuf *why)
{
	size_t i;

	if (!json_is_array(findings)) {
		strbuf_addf(why, "%s: \"findings\" is no array", path);
		return -1;
	}
	for (i = 0; i < json_array_size(findings); i++)
		if (read_entry(b, json_array_get(findings, i), i, path, why))
			return -1;
	sort_array(b->all, b->nr, sizeof(*b->all), cmp_ids);
	for (i = 1; i < b->nr; i++) {
		if (!strcmp(b->all[i - 1].id, b->all[i].id)) {
			strbuf_addf(why, "%s: the id %s stands there twice", path, b->all[i].id);
			return -1;
		}
	}
	return 0;
}

static int read_root(struct baseline *b, const json_t *root, const char *path, struct strbuf *why)
{
	const char *format = string_of(root, "format");
	const json_t *version = json_object_get(root, "version");

	if (!format || strcmp(format, FORMAT_NAME) || !json_is_integer(version)) {
		strbuf_addf(why, "%s: not a baseline of socklint's", path);
		return -1;
	}
	if (json_integer_value(version) != BASELINE_VERSION) {
		strbuf_addf(why,
			    "%s: a baseline of version %lld: this socklint knows version %d; write "
			    "it anew with --write-baseline",
			    path, (long long)json_integer_value(version), BASELINE_VERSION);
		return -1;
	}
	return read_entries(b, json_object_get(root, "findings"), path, why);
}

int baseline_read(struct baseline *b, const char *path, struct strbuf *why)
{
	FILE *in = fopen(path, "re");
	json_error_t where;
	json_t *root;
	int error;

	if (!in) {
		strbuf_addf(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	errno = 0;
	root = json_loadf(in, JSON_REJECT_DUPLICATES, &where);
	error = ferror(in) ? errno : 0;
	fclose(in);
	if (error) {
		strbuf_addf(why, "%s: %s", path, strerror(error));
		json_decref(root);
		return -1;
	}
	if (!root) {
		strbuf_addf(why, "%s:%d:%d: no baseline: %s", path, where.line, where.column,
			    where.text);
		return -1;
	}
	error = read_root(b, root, path, why);
	json_decref(root);
	return error;
}

/* Whatever else begins with a brace is no recording either. */
bool baseline_is_one(const char *path)
{
	struct stat st;
	char first = 0;
	FILE *in;
	bool is;

	if (stat(path, &st) || S_ISDIR(st.st_mode))
		return false;
	if (!S_ISREG(st.st_mode))
		return true; /* a pipe: it cannot be read twice */
	in = fopen(path, "re");
	if (!in)
		return false;
	is = fscanf(in, " %c", &first) == 1 && first == '{';
	fclose(in);
	return is;
}

/* ---- writing ----------------------------------------------------------------------------- */

static json_t *make_entry(const struct baseline_entry *e)
{
	json_t *to = json_object();

	json_put_text(to, "id", e->id);
	json_put_text(to, "rule", e->rule);
	json_put_text(to, "kind", e->kind);
	json_put_text(to, "function", e->function);
	json_put_number(to, "count", e->nr);
	return to;
}

static int fill(FILE *out, const void *data)
{
	const struct baseline *b = data;
	json_t *root = json_object();
	int error;

	json_put_text(root, "format", FORMAT_NAME);
	json_put_number(root, "version", BASELINE_VERSION);
	json_put(root, "findings", json_each(make_entry, b->all, b->nr));
	error = json_dumpf(root, out, JSON_INDENT(2)) || fputc('\n', out) == EOF;
	json_decref(root);
	return error;
}

int baseline_write(const struct baseline *b, const char *path)
{
	return replace_file(path, fill, b);
}
