/* SPDX-License-Identifier: MIT */
/*
 * What usually happens, for findings that count what is over: no connection of them is open, so the
 * picture has no times of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_sequence.h"
#include "html_text.h"
#include "text.h"

struct usual {
	const char *rule; /* NULL: as the one before */
	enum step_kind kind;
	enum paint paint;
	bool missing;
	bool cited; /* the place of the finding stands below */
	bool dwell; /* the longest wait stands below */
	const char *text;
	const char *us, *peer;
};

static const struct usual all[] = {
	{"closed-at-end", STEP_TO_US, PAINT_CALM, false, false, false,
	 "FIN: the peer has nothing more to say", "CLOSE_WAIT", "FIN_WAIT1"},
	{NULL, STEP_TO_PEER, PAINT_FAINT, false, false, false, "ACK: our kernel, at once", NULL,
	 "FIN_WAIT2"},
	{NULL, STEP_TO_PEER, PAINT_BAD, true, false, true,
	 "our FIN is missing while the program runs", NULL, NULL},
	{NULL, STEP_NOTE, PAINT_CALM, false, false, false, "the program begins to end", NULL, NULL},
	{NULL, STEP_TO_PEER, PAINT_WAITING, false, true, false, "our FIN: its clean-up closes",
	 "LAST_ACK", "TIME_WAIT"},

	{"slow-close", STEP_TO_US, PAINT_CALM, false, false, false,
	 "FIN: the peer has nothing more to say", "CLOSE_WAIT", "FIN_WAIT1"},
	{NULL, STEP_TO_PEER, PAINT_FAINT, false, false, false, "ACK: our kernel, at once", NULL,
	 "FIN_WAIT2"},
	{NULL, STEP_TO_PEER, PAINT_WAITING, false, true, true, "our FIN, late", "LAST_ACK",
	 "TIME_WAIT"},

	{"reset-on-close", STEP_TO_US, PAINT_ALIVE, false, false, false, "data, not read",
	 "ESTABLISHED", "ESTABLISHED"},
	{NULL, STEP_NOTE, PAINT_CALM, false, true, false, "close(), with data still unread", NULL,
	 NULL},
	{NULL, STEP_TO_PEER, PAINT_BAD, false, false, false,
	 "RST instead of a FIN: the peer may lose our answer", "CLOSE", "CLOSE"},

	{"closed-under-reader", STEP_NOTE, PAINT_CALM, false, false, false,
	 "a thread is blocked in a call on the socket", "ESTABLISHED", "ESTABLISHED"},
	{NULL, STEP_NOTE, PAINT_CALM, false, true, false, "close(), by another thread", NULL, NULL},
	{NULL, STEP_TO_PEER, PAINT_BAD, true, false, false,
	 "our FIN is missing until that call returns", NULL, NULL},

	{"time-wait-pressure", STEP_TO_PEER, PAINT_HALF, false, true, false,
	 "our FIN first: close()", "FIN_WAIT1", "CLOSE_WAIT"},
	{NULL, STEP_TO_US, PAINT_FAINT, false, false, false, "ACK: the peer's kernel", "FIN_WAIT2",
	 NULL},
	{NULL, STEP_TO_US, PAINT_CALM, false, false, false, "FIN of the peer's", "TIME_WAIT",
	 "LAST_ACK"},
	{NULL, STEP_TO_PEER, PAINT_FAINT, false, false, false, "ACK: our kernel", NULL, "CLOSE"},
	{NULL, STEP_NOTE, PAINT_WAITING, false, false, false, "TIME_WAIT keeps the port for 60 s",
	 NULL, NULL},
};

static char *below(const struct usual *row, const struct report_finding *f)
{
	char *duration, *text;

	if (row->cited)
		return xstrfmt("in %s (%s)", f->function, f->where);
	if (!row->dwell || !f->dwells.nr)
		return NULL;
	duration = html_duration_text(f->dwells.max_ns);
	text = xstrfmt("for up to %s", duration);
	free(duration);
	return text;
}

static void add_row(struct sequence *to, const struct usual *row, const struct report_finding *f)
{
	struct step *step =
		sequence_add(to, row->kind, row->paint, xstrdup(row->text), below(row, f));

	step->missing = row->missing;
	step->us = row->us;
	step->peer = row->peer;
}

void sequence_usual(struct sequence *to, const struct report_finding *f)
{
	bool ours = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].rule)
			ours = !strcmp(all[i].rule, f->rule);
		if (ours)
			add_row(to, &all[i], f);
	}
	to->us = xstrdup("this program");
	to->us_address = xstrdup("as it usually goes");
	to->peer_address = xstrdup("");
}
