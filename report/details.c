/* SPDX-License-Identifier: MIT */
#include "details.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "connection.h"
#include "describe.h"

struct filling {
	struct report *r;
	const struct history *h;
	const struct site_index *sites;
};

/* ---- processes --------------------------------------------------------------------------- */

static bool is_plain(const char *word)
{
	return *word && !strpbrk(word, " \t\n'\"\\$`*?[]{}()<>|&;#~!");
}

static void add_word(struct strbuf *sb, const char *word)
{
	if (sb->len)
		strbuf_addstr(sb, " ");
	if (is_plain(word)) {
		strbuf_addstr(sb, word);
		return;
	}
	strbuf_addstr(sb, "'");
	for (; *word; word++)
		strbuf_addf(sb, *word == '\'' ? "'\\%c'" : "%c", *word);
	strbuf_addstr(sb, "'");
}

static char *command_line(const struct rec_header *h)
{
	const char *word = h->cmdline, *end = h->cmdline + h->cmdline_bytes;
	struct strbuf sb = STRBUF_INIT;

	for (; word < end; word += strlen(word) + 1)
		add_word(&sb, word);
	return strbuf_detach(&sb);
}

static const char *end_name(enum process_end end)
{
	static const char *const names[] = {[PROCESS_ENDED] = "exited",
					    [PROCESS_SIGNALLED] = "signalled",
					    [PROCESS_REPLACED] = "replaced",
					    [PROCESS_KILLED] = "killed",
					    [PROCESS_RUNNING] = "running"};

	return names[end];
}

static void fill_samples(struct report_process *to, const struct process *p)
{
	size_t i;

	to->samples = xcalloc(p->nr_samples, sizeof(*to->samples));
	to->nr_samples = p->nr_samples;
	for (i = 0; i < p->nr_samples; i++) {
		const struct rec_sample *s = p->samples[i];

		to->samples[i] = (struct report_sample){.at = process_real_ns(p, s->ns),
							.births = s->births,
							.deaths = s->deaths,
							.open = s->open,
							.close_wait = s->fin_seen,
							.at_least = s->flags & REC_SAMPLE_AT_LEAST};
	}
}

static void fill_process(struct report_process *to, const struct process *p)
{
	const struct rec_header *h = p->rec->header;

	to->pid = p->pid;
	to->parent_pid = h->parent_pid;
	to->parent = REPORT_NONE;
	to->name = xstrdup(process_name(p));
	to->exe = xstrdup(h->exe);
	to->cmdline = command_line(h);
	to->host = xstrdup(h->host);
	to->end = end_name(p->end);
	if (h->end_kind == REC_END_SIGNAL)
		to->signal = (int)h->end_value;
	to->start_at = process_real_ns(p, h->start_ns);
	to->now_at = process_real_ns(p, p->now_ns);
	to->births = h->births;
	to->deaths = h->deaths;
	to->fd_limit = h->fd_limit;
	fill_samples(to, p);
}

/* The youngest image of the parent's pid that is older. */
static void find_parent(struct report *r, size_t child)
{
	struct report_process *of = &r->processes[child];
	size_t i;

	for (i = 0; i < r->nr_processes_told; i++) {
		const struct report_process *p = &r->processes[i];

		if (p->pid != of->parent_pid || strcmp(p->host, of->host) ||
		    p->start_at > of->start_at)
			continue;
		if (of->parent == REPORT_NONE || p->start_at > r->processes[of->parent].start_at)
			of->parent = i;
	}
}

static void fill_processes(struct report *r, const struct history *h)
{
	size_t i;

	r->processes = xcalloc(h->nr_processes, sizeof(*r->processes));
	r->nr_processes_told = h->nr_processes;
	for (i = 0; i < h->nr_processes; i++) {
		struct report_process *p = &r->processes[i];

		fill_process(p, &h->processes[i]);
		if (!r->start_at || p->start_at < r->start_at)
			r->start_at = p->start_at;
		if (p->now_at > r->now_at)
			r->now_at = p->now_at;
	}
	for (i = 0; i < h->nr_processes; i++)
		find_parent(r, i);
}

static void count_life(struct report *r, const struct history *h, const struct life *l)
{
	struct report_process *p = &r->processes[l->process - h->processes];

	p->nr_open++;
	p->nr_inherited += !!(l->r.flags & (REC_LIFE_INHERITED | REC_LIFE_AT_START));
}

/* ---- sockets ----------------------------------------------------------------------------- */

static char *address_text(const struct rec_addr *a)
{
	struct strbuf sb = STRBUF_INIT;

	if (!a->family)
		return NULL;
	add_address(&sb, a);
	return strbuf_detach(&sb);
}

static int count_holders(const struct socket *s)
{
	return s->nr_holders > INT32_MAX ? INT32_MAX : (int)s->nr_holders;
}

static void fill_kernel_facts(struct report_socket *to, const struct whole_life *f)
{
	if (!f)
		return;
	to->asked = true;
	to->unread = f->kernel_unread;
	to->unsent = f->kernel_unsent;
	to->eof_unread = f->kernel_eof_unread;
}

static uint64_t shut_at(const struct socket *s)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (l->r.shut_ns)
			return process_real_ns(l->process, l->r.shut_ns);
	return 0;
}

static void fill_times_of(struct report_socket *to, const struct socket *s)
{
	const struct process *p = s->birth->process;
	const struct life *opened = socket_opened(s);

	to->born_at = process_real_ns(opened->process, opened->r.born_ns);
	to->fin_at = process_real_ns(p, socket_fin_ns(s));
	if (socket_eof_was_read(s))
		to->eof_at = process_real_ns(s->eof->process, s->eof->r.eof_ns);
	if (s->told)
		to->told_at = process_real_ns(s->told->process, s->told->r.told_ns);
	if (s->reset)
		to->reset_at = process_real_ns(s->reset->process, s->reset->r.reset_ns);
	to->shut_at = shut_at(s);
	if (s->touched->r.flags & REC_LIFE_TOUCHED) {
		to->touched_at = process_real_ns(s->touched->process, s->touched->r.touch_ns);
		to->touched_by = call_name(s->touched->r.touch_call);
	}
	to->now_at = process_real_ns(p, socket_now_ns(s));
}

static void count_at_site(struct report_site *site, const struct report_socket *to)
{
	site->nr_open++;
	site->nr_faults += to->finding != REPORT_NONE;
	site->nr_close_wait += !strcmp(to->state, "CLOSE_WAIT");
}

static void add_socket(struct filling *x, const struct finding *from, size_t finding)
{
	const struct socket *s = from->judged.socket;
	const struct life *opened = socket_opened(s);
	struct report_socket *to = &x->r->sockets[x->r->nr_sockets++];

	to->process = (size_t)(s->birth->process - x->h->processes);
	to->site = site_index_of(x->sites, opened->process, opened->r.site);
	to->finding = finding;
	if (finding == REPORT_NONE)
		to->reason = open_reason_text(from->judged.verdict.reason);
	to->fd = s->birth->fd;
	to->nr_holders = count_holders(s);
	to->state = socket_state_name(s);
	to->opened_by = call_name(opened->r.born_by);
	to->thread = opened->r.born_tid;
	to->connect_failed = s->flags & REC_LIFE_CONNECT_FAILED;
	to->peer = address_text(&s->birth->r.peer);
	to->local = address_text(&s->birth->r.local);
	fill_kernel_facts(to, socket_facts(s));
	fill_times_of(to, s);
	count_at_site(&x->r->sites[to->site], to);
}

static void add_group(struct filling *x, const struct finding_group *g, size_t nr)
{
	struct report_finding *f = &x->r->findings[nr];
	size_t i;

	f->first_socket = x->r->nr_sockets;
	f->nr_sockets = g->nr;
	for (i = 0; i < g->nr; i++)
		add_socket(x, &g->members[i], nr);
	f->site = x->r->sockets[f->first_socket].site;
}

static size_t count_sockets(const struct findings *f)
{
	size_t i, nr = f->nr - f->nr_faults;

	for (i = 0; i < f->nr_groups; i++)
		nr += f->groups[i].nr;
	return nr;
}

void details_fill(struct report *r, const struct history *h, const struct findings *f,
		  struct symbolizer *sy)
{
	struct site_index *sites = site_index_new(r, h, sy);
	struct filling x = {r, h, sites};
	size_t i;

	r->max_dwell_ns = h->policy->max_dwell_ns;
	fill_processes(r, h);
	for (i = 0; i < h->nr_lives; i++)
		count_life(r, h, &h->lives[i]);
	r->sockets = xcalloc(count_sockets(f), sizeof(*r->sockets));
	for (i = 0; i < f->nr_groups; i++)
		add_group(&x, &f->groups[i], i);
	for (i = f->nr_faults; i < f->nr; i++)
		add_socket(&x, &f->all[i], REPORT_NONE);
	sites_sort(r);
	site_index_free(sites);
}
