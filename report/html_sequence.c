/* SPDX-License-Identifier: MIT */
/* The steps of one open socket: the oldest of a finding. */
#include "html_sequence.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "html_parts.h"
#include "html_text.h"
#include "text.h"

struct telling {
	struct sequence *to;
	const struct report_finding *finding;
	const struct report_socket *socket;
};

struct step *sequence_add(struct sequence *to, enum step_kind kind, enum paint paint, char *text,
			  char *more)
{
	struct step *step;

	ALLOC_GROW(to->steps, to->nr + 1, to->alloc);
	step = &to->steps[to->nr++];
	*step = (struct step){.kind = kind, .paint = paint, .text = text, .more = more};
	return step;
}

char *sequence_place(const struct report_frame *f)
{
	return f ? xstrfmt("%s (%s)", f->function, f->where) : NULL;
}

static char *place_of(const struct telling *t, enum report_stack_kind kind)
{
	return sequence_place(report_own_frame(report_stack_of(t->finding, kind)));
}

/* "in refuse (leak.c:34)", or nothing. */
static char *in_place_of(const struct telling *t, enum report_stack_kind kind)
{
	char *place = place_of(t, kind), *text = place ? xstrfmt("in %s", place) : NULL;

	free(place);
	return text;
}

static struct step *add(const struct telling *t, enum step_kind kind, enum paint paint,
			const char *text, char *more)
{
	return sequence_add(t->to, kind, paint, xstrdup(text), more);
}

static bool is_state(const struct telling *t, const char *state)
{
	return !strcmp(t->socket->state, state);
}

static bool is_rule(const struct telling *t, const char *rule)
{
	return !strcmp(t->finding->rule, rule);
}

/* ---- the pieces -------------------------------------------------------------------------- */

static bool was_accepted(const struct telling *t)
{
	return t->socket->opened_by && !strncmp(t->socket->opened_by, "accept", 6);
}

static void tell_opened(const struct telling *t)
{
	char *more = place_of(t, STACK_OPENED), *text;
	struct step *step;

	text = xstrfmt("connection, opened by %s()",
		       t->socket->opened_by ? t->socket->opened_by : "socket");
	step = sequence_add(t->to, was_accepted(t) ? STEP_TO_US : STEP_TO_PEER, PAINT_ALIVE, text,
			    more);
	step->at = t->socket->born_at;
	step->us = step->peer = "ESTABLISHED";
}

/* What was read and written, as far as it is told: the last of it. */
static void tell_used(const struct telling *t, uint64_t from, uint64_t before)
{
	const struct report_socket *s = t->socket;
	char *more;

	if (!s->touched_by || s->touched_at < from || (before && s->touched_at >= before))
		return;
	if (s->eof_at && s->touched_at + 10000000 >= s->eof_at && from)
		return; /* the read that returned 0 */
	more = in_place_of(t, STACK_LAST_USE);
	sequence_add(t->to, STEP_NOTE, PAINT_FAINT, xstrfmt("last use: %s()", s->touched_by), more)
		->at = s->touched_at;
}

static void tell_their_fin(const struct telling *t, const char *us, const char *peer)
{
	struct step *step =
		add(t, STEP_TO_US, PAINT_CALM, "FIN: the peer has nothing more to say", NULL);

	step->at = t->socket->fin_at;
	step->us = us;
	step->peer = "FIN_WAIT1";
	step = add(t, STEP_TO_PEER, PAINT_FAINT, "ACK: our kernel, at once", NULL);
	step->peer = peer;
}

static void tell_told(const struct telling *t)
{
	if (t->socket->told_at && !t->socket->eof_at)
		add(t, STEP_NOTE, PAINT_CALM, "poll or epoll_wait says: the peer is gone", NULL)
			->at = t->socket->told_at;
}

static void tell_eof(const struct telling *t)
{
	const struct report_socket *s = t->socket;
	struct strbuf sb = STRBUF_INIT;

	if (s->eof_at) {
		add(t, STEP_NOTE, PAINT_CALM, "a read returns 0: the program knows",
		    in_place_of(t, STACK_EOF))
			->at = s->eof_at;
		return;
	}
	if (!s->asked || (!s->unread && !s->eof_unread))
		return;
	if (s->unread) {
		text_add_count(&sb, s->unread, "byte");
		strbuf_addstr(&sb, " and the EOF lie unread");
	} else {
		strbuf_addstr(&sb, "the EOF lies unread");
	}
	sequence_add(t->to, STEP_NOTE, PAINT_BAD, strbuf_detach(&sb), NULL);
}

/* Where the close belongs, in words that say how we know. */
static char *where_missing(const struct telling *t)
{
	char *closed = place_of(t, STACK_SIBLINGS_CLOSED), *eof = place_of(t, STACK_EOF);
	char *used = place_of(t, STACK_LAST_USE), *text = NULL;

	if (closed)
		text = xstrfmt("siblings are closed in %s", closed);
	else if (eof)
		text = xstrfmt("the EOF was read in %s", eof);
	else if (used)
		text = xstrfmt("it was last used in %s", used);
	free(closed);
	free(eof);
	free(used);
	return text;
}

static void tell_missing_fin(const struct telling *t, const char *text)
{
	add(t, STEP_TO_PEER, PAINT_BAD, text, where_missing(t))->missing = true;
}

static void tell_missing_close(const struct telling *t)
{
	char *text = xstrfmt("close() is missing: descriptor %d stays taken", t->socket->fd);

	sequence_add(t->to, STEP_NOTE, PAINT_BAD, text, where_missing(t))->missing = true;
}

static void tell_now(const struct telling *t)
{
	const struct report_socket *s = t->socket;
	uint64_t since = t->finding->since_at;
	struct strbuf sb = STRBUF_INIT;

	strbuf_addf(&sb, "judged: %s", s->state);
	if (since && s->now_at > since) {
		strbuf_addstr(&sb, ", for ");
		text_add_duration(&sb, s->now_at - since);
	}
	sequence_add(t->to, STEP_NOTE, svg_state_paint(s->state), strbuf_detach(&sb), NULL)->at =
		s->now_at;
}

/* ---- the ways to get stuck --------------------------------------------------------------- */

static void tell_close_wait(const struct telling *t)
{
	tell_opened(t);
	tell_used(t, 0, t->socket->fin_at);
	tell_their_fin(t, "CLOSE_WAIT", "FIN_WAIT2");
	tell_told(t);
	tell_eof(t);
	tell_used(t, t->socket->fin_at ? t->socket->fin_at : 1, 0);
	tell_missing_fin(t, is_rule(t, "stalled-loop")
				    ? "our FIN is missing: the loop has not come to it"
				    : "our FIN is missing: nobody called close()");
}

static void tell_half_closed(const struct telling *t)
{
	struct step *step;

	tell_opened(t);
	tell_used(t, 0, t->socket->shut_at);
	step = add(t, STEP_TO_PEER, PAINT_HALF, "our FIN, by shutdown()",
		   in_place_of(t, STACK_SHUTDOWN));
	step->at = t->socket->shut_at;
	step->us = "FIN_WAIT1";
	step->peer = "CLOSE_WAIT";
	step = add(t, STEP_TO_US, PAINT_FAINT, "ACK: the peer's kernel", NULL);
	step->us = "FIN_WAIT2";
	add(t, STEP_TO_US, PAINT_BAD, "their FIN is missing: the peer does not close",
	    xstrdup("FIN_WAIT2 has no time-out while the descriptor is open"))
		->missing = true;
	tell_missing_close(t);
}

static void tell_shut_down(const struct telling *t)
{
	struct step *step;

	tell_opened(t);
	step = add(t, STEP_TO_PEER, PAINT_HALF, "our FIN, by shutdown()",
		   in_place_of(t, STACK_SHUTDOWN));
	step->at = t->socket->shut_at;
	step->us = "FIN_WAIT2";
	step->peer = "CLOSE_WAIT";
	step = add(t, STEP_TO_US, PAINT_CALM, "FIN of the peer's", NULL);
	step->at = t->socket->fin_at > t->socket->shut_at ? t->socket->fin_at : 0;
	step->peer = "LAST_ACK";
	step = add(t, STEP_TO_PEER, PAINT_FAINT, "ACK: our kernel; the connection is over", NULL);
	step->us = "CLOSE";
	step->peer = "CLOSE";
	tell_missing_close(t);
}

static void tell_reset(const struct telling *t)
{
	struct step *step;

	tell_opened(t);
	tell_used(t, 0, t->socket->reset_at);
	step = add(t, STEP_TO_US, PAINT_BAD, "RST: the connection is over", NULL);
	step->us = "CLOSE";
	step->peer = "CLOSE";
	if (t->socket->reset_at)
		add(t, STEP_NOTE, PAINT_CALM, "a call fails: the program knows",
		    in_place_of(t, STACK_LAST_USE))
			->at = t->socket->reset_at;
	tell_missing_close(t);
}

static void tell_connect_failed(const struct telling *t)
{
	struct step *step =
		add(t, STEP_TO_PEER, PAINT_FAINT, "SYN, by connect()", place_of(t, STACK_OPENED));

	step->at = t->socket->born_at;
	step->us = "SYN_SENT";
	step = add(t, STEP_NOTE, PAINT_BAD, "connect() fails: there is no connection", NULL);
	step->at = t->socket->reset_at;
	step->us = "CLOSE";
	tell_missing_close(t);
}

static void tell_abandoned(const struct telling *t)
{
	tell_opened(t);
	tell_used(t, 0, 0);
	add(t, STEP_NOTE, PAINT_BAD, "nobody waits on it any more", where_missing(t));
	add(t, STEP_TO_US, PAINT_FAINT, "the peer's FIN, one day: nobody will see it", NULL)
		->missing = true;
}

static void tell_held(const struct telling *t)
{
	char *text = xstrfmt("fd %d of %s is still open", t->socket->fd, t->to->us);

	tell_opened(t);
	if (t->socket->fin_at)
		tell_their_fin(t, "CLOSE_WAIT", "FIN_WAIT2");
	add(t, STEP_NOTE, PAINT_CALM, "close(): its opener believes it gone", NULL);
	add(t, STEP_TO_PEER, PAINT_BAD, "our FIN is missing: the last close() sends it", text)
		->missing = true;
}

static void tell_never_accepted(const struct telling *t)
{
	struct strbuf sb = STRBUF_INIT;
	struct step *step = add(t, STEP_NOTE, PAINT_CALM, "listens", place_of(t, STACK_OPENED));

	step->at = t->socket->born_at;
	step->us = "LISTEN";
	add(t, STEP_TO_US, PAINT_FAINT, "connection: the kernel alone answers", NULL)->peer =
		"ESTABLISHED";
	text_add_count(&sb, t->socket->unread, "connection");
	strbuf_addstr(&sb, t->socket->unread == 1 ? " waits in the queue" : " wait in the queue");
	sequence_add(t->to, STEP_NOTE, PAINT_BAD, xstrdup("accept() is missing"),
		     strbuf_detach(&sb))
		->missing = true;
}

static void tell(const struct telling *t)
{
	const struct report_socket *s = t->socket;

	if (is_state(t, "LISTEN"))
		tell_never_accepted(t);
	else if (is_rule(t, "held-elsewhere"))
		tell_held(t);
	else if (is_rule(t, "abandoned"))
		tell_abandoned(t);
	else if (s->connect_failed)
		tell_connect_failed(t);
	else if (is_state(t, "CLOSE_WAIT"))
		tell_close_wait(t);
	else if (is_state(t, "FIN_WAIT1") || is_state(t, "FIN_WAIT2"))
		tell_half_closed(t);
	else if (s->reset_at)
		tell_reset(t);
	else if (s->shut_at && is_rule(t, "shutdown-not-closed"))
		tell_shut_down(t);
	else if (s->fin_at)
		tell_close_wait(t);
}

void sequence_of(struct sequence *to, const struct report *r, const struct report_finding *f)
{
	struct telling t = {to, f, NULL};
	const struct report_socket *s;

	memset(to, 0, sizeof(*to));
	if (!f->nr_sockets) {
		sequence_usual(to, f);
		return;
	}
	s = t.socket = &r->sockets[f->first_socket];
	to->us = html_process_name(&r->processes[s->process]);
	to->us_address = xstrdup(s->local ? s->local : "address not known");
	to->peer_address = xstrdup(s->peer ? s->peer : "address not known");
	to->now_at = s->now_at;
	tell(&t);
	if (to->nr)
		tell_now(&t);
}

void sequence_release(struct sequence *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++) {
		free(s->steps[i].text);
		free(s->steps[i].more);
	}
	free(s->steps);
	free(s->us);
	free(s->us_address);
	free(s->peer_address);
}
