/* SPDX-License-Identifier: MIT */
/*
 * The report for programs. What stands in it is documented by report.schema.json; a field that
 * is not known is left out. Times are ISO 8601 in UTC, durations integers named *_ns.
 */
#include <stdlib.h>

#include "format.h"
#include "json.h"

#define JSON_VERSION 1

/* ---- places ------------------------------------------------------------------------------ */

static json_t *frame(const struct report_frame *f)
{
	json_t *o = json_object();

	json_put_text(o, "function", f->function);
	json_put_text(o, "where", f->where);
	json_put_text(o, "file", f->file);
	if (f->line > 0)
		json_put_number(o, "line", (uint64_t)f->line);
	json_put_text(o, "module", f->module);
	json_put_text(o, "build_id", f->build_id);
	if (f->module)
		json_put_number(o, "offset", f->offset);
	if (f->inlined)
		json_put_flag(o, "inlined", true);
	if (f->jit)
		json_put_flag(o, "jit", true);
	if (f->runtime)
		json_put_flag(o, "runtime", true);
	return o;
}

static const char *kind_name(enum report_stack_kind kind)
{
	static const char *const names[] = {
		[STACK_OPENED] = "opened",
		[STACK_ALSO_OPENED] = "also-opened",
		[STACK_RECEIVED] = "received",
		[STACK_EOF] = "eof-read",
		[STACK_CALLED] = "called",
		[STACK_OTHER] = "other",
		[STACK_LAST_USE] = "last-use",
		[STACK_SHUTDOWN] = "shutdown",
		[STACK_SIBLINGS_CLOSED] = "siblings-closed",
	};

	return names[kind];
}

static json_t *stack(const struct report_stack *st)
{
	json_t *o = json_object();

	json_put_text(o, "kind", kind_name(st->kind));
	json_put_text(o, "label", st->label);
	if (st->thread)
		json_put_number(o, "thread", st->thread);
	json_put_index(o, "own_frame", st->own);
	json_put(o, "frames", json_each(frame, st->frames, st->nr));
	json_put_text(o, "note", st->note);
	return o;
}

static json_t *bucket(const uint64_t *nr)
{
	return json_integer((json_int_t)*nr);
}

static json_t *times(const struct report_times *t)
{
	json_t *o = json_object();
	size_t used = REPORT_BUCKETS;

	while (used && !t->buckets[used - 1])
		used--;
	json_put_number(o, "count", t->nr);
	json_put_number(o, "p50_ns", t->p50_ns);
	json_put_number(o, "p99_ns", t->p99_ns);
	json_put_number(o, "max_ns", t->max_ns);
	json_put(o, "buckets", json_each(bucket, t->buckets, used));
	return o;
}

static void set_times(json_t *to, const char *key, const struct report_times *t)
{
	if (t->nr)
		json_put(to, key, times(t));
}

/* ---- findings ---------------------------------------------------------------------------- */

static const char *standing_name(enum report_standing standing)
{
	static const char *const names[] = {
		[STANDING_NEW] = "new", [STANDING_KNOWN] = "known", [STANDING_GROWN] = "grown"};

	return names[standing];
}

static json_t *line(const struct report_line *l)
{
	json_t *o = json_object();

	json_put_text(o, "label", l->label);
	json_put_text(o, "text", l->text);
	return o;
}

static json_t *fingerprint(const struct report_id *id)
{
	json_t *o = json_object();

	json_put_text(o, "id", id->id);
	json_put_number(o, "count", id->nr);
	return o;
}

static void set_when(json_t *o, const struct report_finding *f)
{
	json_put_time(o, "since", f->since_at);
	if (f->since_at)
		json_put_number(o, "since_ns", f->since_ns);
	json_put_time(o, "first", f->first_at);
	json_put_time(o, "last", f->last_at);
	set_times(o, "dwell", &f->dwells);
}

static json_t *finding(const struct report_finding *f, const char *key)
{
	const struct report_frame *close = report_missing_close(f);
	json_t *o = json_object();

	json_put_text(o, "rule", f->rule);
	json_put_text(o, "subkind", f->subkind);
	json_put_text(o, "key", key);
	json_put_text(o, "severity", f->severity);
	json_put_text(o, "title", f->title);
	json_put_number(o, "count", f->nr);
	json_put_text(o, "counted", f->noun);
	json_put_text(o, "verb", f->verb);
	json_put_text(o, "function", f->function);
	json_put_text(o, "where", f->where);
	json_put_text(o, "meaning", f->meaning);
	json_put_text(o, "advice", f->advice);
	json_put_text(o, "proof", f->proof);
	set_when(o, f);
	json_put_index(o, "site", f->site);
	if (close)
		json_put(o, "missing_close", frame(close));
	json_put(o, "evidence", json_each(line, f->lines, f->nr_lines));
	json_put(o, "stacks", json_each(stack, f->stacks, f->nr_stacks));
	json_put(o, "fingerprints", json_each(fingerprint, f->ids, f->nr_ids));
	json_put_text(o, "standing", standing_name(f->standing));
	if (f->standing != STANDING_NEW)
		json_put_number(o, "count_before", f->nr_before);
	json_put_flag(o, "fails", f->fails);
	if (f->suppression)
		json_put(o, "suppression", json_lines(f->suppression));
	return o;
}

static json_t *findings(const struct report *r)
{
	char(*keys)[REPORT_KEY] = report_keys(r);
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < r->nr_findings; i++)
		json_add(array, finding(&r->findings[i], keys[i]));
	free(keys);
	return array;
}

/* ---- details ----------------------------------------------------------------------------- */

static json_t *sample(const struct report_sample *s)
{
	json_t *o = json_object();

	json_put_time(o, "at", s->at);
	json_put_number(o, "births", s->births);
	json_put_number(o, "deaths", s->deaths);
	json_put_number(o, "open", s->open);
	json_put_number(o, "close_wait", s->close_wait);
	if (s->at_least)
		json_put_flag(o, "at_least", true);
	return o;
}

static json_t *process(const struct report_process *p)
{
	json_t *o = json_object();

	json_put_number(o, "pid", p->pid);
	json_put_number(o, "parent_pid", p->parent_pid);
	json_put_index(o, "parent", p->parent);
	json_put_text(o, "name", p->name);
	json_put_text(o, "exe", p->exe);
	json_put_text(o, "command_line", p->cmdline);
	json_put_text(o, "host", p->host);
	json_put_time(o, "start", p->start_at);
	json_put_time(o, "judged_at", p->now_at);
	json_put_text(o, "end", p->end);
	if (p->signal > 0)
		json_put_number(o, "signal", (uint64_t)p->signal);
	json_put_number(o, "births", p->births);
	json_put_number(o, "deaths", p->deaths);
	json_put_number(o, "open", p->nr_open);
	json_put_number(o, "inherited", p->nr_inherited);
	json_put_number(o, "descriptor_limit", p->fd_limit);
	if (p->nr_samples)
		json_put(o, "samples", json_each(sample, p->samples, p->nr_samples));
	return o;
}

static json_t *closer(const struct report_closer *c)
{
	json_t *o = json_object();

	json_put_number(o, "count", c->nr);
	json_put(o, "stack", stack(&c->stack));
	return o;
}

static json_t *site(const struct report_site *s)
{
	json_t *o = json_object();

	json_put(o, "stack", stack(&s->stack));
	json_put_number(o, "open", s->nr_open);
	json_put_number(o, "faults", s->nr_faults);
	json_put_number(o, "close_wait", s->nr_close_wait);
	json_put_number(o, "closed", s->nr_closed);
	json_put_number(o, "closed_at_end", s->nr_at_end);
	json_put_number(o, "active_closes", s->nr_active);
	json_put_number(o, "passive_closes", s->nr_passive);
	set_times(o, "dwell", &s->dwells);
	set_times(o, "life", &s->lives);
	json_put(o, "closers", json_each(closer, s->closers, s->nr_closers));
	return o;
}

static void set_socket_times(json_t *o, const struct report_socket *s)
{
	json_put_time(o, "born", s->born_at);
	json_put_time(o, "fin", s->fin_at);
	json_put_time(o, "eof_read", s->eof_at);
	json_put_time(o, "told", s->told_at);
	json_put_time(o, "reset", s->reset_at);
	json_put_time(o, "shutdown", s->shut_at);
	json_put_time(o, "last_use", s->touched_at);
	json_put_time(o, "judged_at", s->now_at);
}

static json_t *open_socket(const struct report_socket *s)
{
	json_t *o = json_object();

	json_put_index(o, "process", s->process);
	json_put_index(o, "site", s->site);
	json_put_index(o, "finding", s->finding);
	json_put_text(o, "reason", s->reason);
	json_put(o, "fd", json_integer(s->fd));
	json_put_number(o, "holders", (uint64_t)s->nr_holders);
	json_put_text(o, "state", s->state);
	json_put_text(o, "opened_by", s->opened_by);
	json_put_text(o, "last_call", s->touched_by);
	json_put_text(o, "peer", s->peer);
	json_put_text(o, "local", s->local);
	json_put_number(o, "thread", s->thread);
	if (s->connect_failed)
		json_put_flag(o, "connect_failed", true);
	if (s->asked) {
		json_put_number(o, "unread", s->unread);
		json_put_number(o, "unsent", s->unsent);
		json_put_flag(o, "eof_unread", s->eof_unread);
	}
	set_socket_times(o, s);
	return o;
}

static json_t *still_open(const struct report_open *row)
{
	json_t *o = json_object();

	json_put_text(o, "function", row->function);
	json_put_text(o, "where", row->where);
	json_put_text(o, "reason", row->reason);
	json_put_text(o, "remark", row->remark);
	json_put_number(o, "count", row->nr_sockets);
	json_put_flag(o, "fails", row->fails);
	return o;
}

static const char *suppression_state_name(enum suppression_state state)
{
	static const char *const names[] = {[SUPPRESSION_USED] = "used",
					    [SUPPRESSION_UNUSED] = "unused",
					    [SUPPRESSION_NOT_ASKED] = "not-asked",
					    [SUPPRESSION_EXPIRED] = "expired"};

	return names[state];
}

static json_t *suppression(const struct report_suppression *s)
{
	json_t *o = json_object();

	json_put_text(o, "name", s->name);
	json_put_text(o, "where", s->where);
	json_put_text(o, "reason", s->reason);
	json_put_text(o, "expires", s->expires);
	json_put_text(o, "state", suppression_state_name(s->state));
	json_put_number(o, "findings", s->nr_findings);
	json_put_number(o, "suppressed", s->nr_suppressed);
	return o;
}

/* ---- the whole --------------------------------------------------------------------------- */

static json_t *verdict(const struct report *r)
{
	json_t *o = json_object();

	json_put_flag(o, "fails", r->fails);
	json_put_number(o, "leaked", r->nr_leaked);
	json_put_number(o, "places", r->nr_leak_places);
	json_put_number(o, "close_wait", r->nr_close_wait);
	json_put_number(o, "descriptors", r->nr_descriptors);
	json_put_number(o, "warnings", r->nr_warnings_given);
	json_put_number(o, "still_open", r->nr_still_open);
	json_put_number(o, "in_doubt", r->nr_in_doubt);
	json_put_number(o, "followed", r->nr_followed);
	json_put_number(o, "processes", r->nr_processes);
	json_put_number(o, "known", r->nr_known);
	json_put_number(o, "suppressed", r->nr_suppressed);
	return o;
}

static json_t *sentence(char *const *s)
{
	return json_clean_string(*s);
}

static json_t *whole(const struct report *r)
{
	json_t *o = json_object();

	json_put_text(o, "format", "socklint-report");
	json_put_number(o, "version", JSON_VERSION);
	json_put(o, "verdict", verdict(r));
	json_put_time(o, "start", r->start_at);
	json_put_time(o, "judged_at", r->now_at);
	json_put_number(o, "max_dwell_ns", r->max_dwell_ns);
	json_put(o, "processes", json_each(process, r->processes, r->nr_processes_told));
	json_put(o, "findings", findings(r));
	json_put(o, "sites", json_each(site, r->sites, r->nr_sites));
	json_put(o, "sockets", json_each(open_socket, r->sockets, r->nr_sockets));
	json_put(o, "still_open", json_each(still_open, r->open, r->nr_open));
	json_put(o, "suppressions", json_each(suppression, r->suppressions, r->nr_suppressions));
	json_put(o, "blind", json_each(sentence, r->warnings, r->nr_warnings));
	json_put(o, "notes", json_each(sentence, r->notes, r->nr_notes));
	return o;
}

static void render(FILE *out, const struct report *r, const struct render_options *how)
{
	(void)how;
	json_write(out, whole(r));
}

DEFINE_FORMAT(json, render, true);
