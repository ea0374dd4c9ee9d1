/* SPDX-License-Identifier: MIT */
#include "sarif_flow.h"

#include "sarif_parts.h"
#include "text.h"

#define STEPS 4

struct step {
	const struct report_frame *at;
	const char *what;
	uint32_t thread;
};

struct way {
	struct step steps[STEPS];
	size_t nr;
};

/* Returns whether there is such a step. */
static bool add_step(struct way *w, const struct report_finding *f, enum report_stack_kind kind,
		     const char *what)
{
	const struct report_stack *st = report_stack_of(f, kind);
	const struct report_frame *at = st ? report_source_frame(st) : NULL;

	if (at)
		w->steps[w->nr++] = (struct step){at, what, st->thread};
	return at != NULL;
}

/* The close belongs where the program learnt, or was seen for the last time. */
static void find_way(struct way *w, const struct report_finding *f)
{
	if (!add_step(w, f, STACK_OPENED, "The socket is opened."))
		return;
	if (!add_step(w, f, STACK_EOF,
		      "EOF: the peer has sent its FIN, the socket is in CLOSE_WAIT."))
		add_step(w, f, STACK_LAST_USE, "The socket is used for the last time.");
	w->steps[w->nr] = w->steps[w->nr - 1];
	w->steps[w->nr++].what = "close() is never called.";
}

static json_t *thread_flow(const struct way *w, uint32_t thread)
{
	json_t *o = json_object(), *all = json_array();
	char id[32];
	size_t i;

	for (i = 0; i < w->nr; i++) {
		json_t *step;

		if (w->steps[i].thread != thread)
			continue;
		step = json_object();
		json_put(step, "location", sarif_location(w->steps[i].at, w->steps[i].what));
		json_put_number(step, "executionOrder", i + 1);
		json_add(all, step);
	}
	snprintf(id, sizeof(id), "thread %u", thread);
	if (thread)
		json_put_text(o, "id", id);
	json_put(o, "locations", all);
	return o;
}

static bool is_first_of_thread(const struct way *w, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (w->steps[i].thread == w->steps[nr].thread)
			return false;
	return true;
}

json_t *sarif_code_flows(const struct report_finding *f)
{
	struct way w = {.nr = 0};
	json_t *all, *flow, *threads;
	size_t i;

	find_way(&w, f);
	if (!w.nr)
		return NULL;
	all = json_array();
	flow = json_object();
	threads = json_array();
	for (i = 0; i < w.nr; i++)
		if (is_first_of_thread(&w, i))
			json_add(threads, thread_flow(&w, w.steps[i].thread));
	json_put(flow, "threadFlows", threads);
	json_add(all, flow);
	return all;
}
