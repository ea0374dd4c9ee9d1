/* SPDX-License-Identifier: MIT */
/* Host and program may come out of a recording, and must not lead out of the directory. */
#include "output_name.h"

#include <string.h>

#include "text.h"

const char *output_name_mistake(const char *name)
{
	for (; *name; name++) {
		if (*name != '%')
			continue;
		if (!name[1] || !strchr("phe%", name[1]))
			return name;
		name++;
	}
	return NULL;
}

static void add_part(struct strbuf *sb, const char *s)
{
	for (; *s; s++)
		strbuf_addf(sb, "%c", *s == '/' || (unsigned char)*s < ' ' ? '_' : *s);
}

char *output_name_make(const char *name, const struct run_facts *facts)
{
	struct strbuf sb = STRBUF_INIT;

	for (; *name; name++) {
		if (*name != '%') {
			strbuf_addf(&sb, "%c", *name);
			continue;
		}
		switch (*++name) {
		case 'p':
			if (facts->pid)
				strbuf_addf(&sb, "%llu", (unsigned long long)facts->pid);
			else
				strbuf_addstr(&sb, "%p");
			break;
		case 'h':
			add_part(&sb, facts->host);
			break;
		case 'e':
			add_part(&sb, facts->program);
			break;
		default:
			strbuf_addstr(&sb, "%");
		}
	}
	return strbuf_detach(&sb);
}

static const struct rec_header *first_process(const struct collection *c)
{
	const struct rec_header *first = NULL;
	size_t i;

	for (i = 0; i < c->nr; i++) {
		const struct rec_header *h = c->items[i]->header;

		if (h->pid == c->summary.program_pid)
			return h;
		if (!first || h->start_ns < first->start_ns)
			first = h;
	}
	return first;
}

struct run_facts run_facts_of(const struct collection *c)
{
	const struct rec_header *h = first_process(c);
	uint64_t pid = c->summary.program_pid;

	if (!h)
		return (struct run_facts){pid, "unknown", "unknown"};
	return (struct run_facts){pid ? pid : h->pid, h->host, text_basename(h->exe)};
}
