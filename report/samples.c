/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "names.h"
#include "text.h"

static const char *rule_of(const struct report *r, const struct report_socket *s)
{
	return s->finding == REPORT_NONE ? NULL : r->findings[s->finding].rule;
}

static const char *port_of(const struct report_socket *s)
{
	const char *colon = s->local ? strrchr(s->local, ':') : NULL;
	bool serves = !strncmp(s->opened_by, "accept", 6) || !strcmp(s->state, "LISTEN");

	return colon && serves ? colon + 1 : NULL;
}

static struct sample *sample_of(struct samples *to, struct names *seen, const struct report *r,
				const struct report_socket *s)
{
	const char *rule = rule_of(r, s), *port = port_of(s);
	char *key = xstrfmt("%zu %s %s %s", s->site, s->state, rule ? rule : "", port ? port : "");
	size_t nr = names_number(seen, key);

	free(key);
	if (nr < to->nr)
		return &to->all[nr];
	ALLOC_GROW(to->all, to->nr + 1, to->alloc);
	to->all[nr] = (struct sample){.site = s->site,
				      .state = s->state,
				      .rule = rule,
				      .port = port ? xstrdup(port) : NULL};
	to->nr++;
	return &to->all[nr];
}

void samples_make(struct samples *to, const struct report *r)
{
	struct names seen = NAMES_INIT;
	size_t i;

	memset(to, 0, sizeof(*to));
	for (i = 0; i < r->nr_sockets; i++) {
		const struct report_socket *s = &r->sockets[i];
		struct sample *sample = sample_of(to, &seen, r, s);

		sample->nr_sockets++;
		if (!sample->rule || strcmp(sample->rule, "close-wait") != 0)
			continue;
		sample->nr_close_wait++;
		if (s->fin_at && s->now_at > s->fin_at)
			sample->dwell_ns += s->now_at - s->fin_at;
	}
	names_release(&seen);
}

void samples_release(struct samples *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		free(s->all[i].port);
	free(s->all);
	memset(s, 0, sizeof(*s));
}

const char *sample_frame_name(const struct report_frame *f)
{
	return strcmp(f->function, "???") ? f->function : f->where;
}
