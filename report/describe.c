/* SPDX-License-Identifier: MIT */
/* Words for single things that a report cites. */
#include "describe.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "alloc.h"

char *describe_where(const struct frame *f)
{
	if (!f)
		return xstrfmt("no stack");
	if (f->file && f->line)
		return xstrfmt("%s:%d", text_basename(f->file), f->line);
	if (f->jit)
		return xstrdup(f->file ? text_basename(f->file) : "generated code");
	if (!f->module)
		return xstrfmt("0x%" PRIx64 ", generated code", f->offset);
	return xstrfmt("%s+0x%" PRIx64, f->module, f->offset);
}

void add_place(struct strbuf *sb, const struct frame *f)
{
	char *where;

	if (!f) {
		strbuf_addstr(sb, "an unknown place");
		return;
	}
	if (f->function)
		strbuf_addf(sb, "%s (", f->function);
	where = describe_where(f);
	strbuf_addstr(sb, where);
	free(where);
	if (f->function)
		strbuf_addstr(sb, ")");
}

void add_address(struct strbuf *sb, const struct rec_addr *a)
{
	char ip[INET6_ADDRSTRLEN];

	if ((a->family != AF_INET && a->family != AF_INET6) ||
	    !inet_ntop(a->family, a->ip, ip, sizeof(ip)))
		strbuf_addstr(sb, "unknown");
	else if (a->family == AF_INET)
		strbuf_addf(sb, "%s:%u", ip, a->port);
	else if (a->scope)
		strbuf_addf(sb, "[%s%%%u]:%u", ip, a->scope, a->port);
	else
		strbuf_addf(sb, "[%s]:%u", ip, a->port);
}

void add_age(struct strbuf *sb, uint64_t ns, const struct process *p)
{
	text_add_duration(sb, p->now_ns > ns ? p->now_ns - ns : 0);
	switch (p->end) {
	case PROCESS_RUNNING:
		strbuf_addstr(sb, " ago");
		break;
	case PROCESS_KILLED:
		strbuf_addstr(sb, p->rec->seen_exit	? " before the program ended"
				  : p->rec->seen_end_ns ? " before the program was killed"
							: " before its last sign of life");
		break;
	case PROCESS_REPLACED:
		strbuf_addstr(sb, " before the program became another");
		break;
	default:
		strbuf_addstr(sb, " before the program ended");
	}
}

void add_process(struct strbuf *sb, const struct process *p)
{
	strbuf_addf(sb, "%s[%u]", process_name(p), p->pid);
}
