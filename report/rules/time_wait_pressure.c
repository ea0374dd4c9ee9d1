/* SPDX-License-Identifier: MIT */
/* A client that closes first, so often that TIME_WAIT eats up its ports. */
#include <inttypes.h>
#include <stdlib.h>

#include "remarks.h"
#include "rules.h"

#define TIME_WAIT_NS (60 * NS_PER_S) /* Linux: fixed */
#define PORT_LO	     32768u	     /* the kernel's defaults */
#define PORT_HI	     60999u
#define MAX_PER_CENT 50u

static const struct rule_case ports_run_out = {
	.meaning = "Each of these connections to one peer was closed by the program first, and "
		   "keeps its local port in TIME_WAIT for 60 s. At this rate they take up most of "
		   "the ports that there are: then connect() fails with EADDRNOTAVAIL.",
	.advice = "keep connections open and use them again (keep-alive, a pool), or let the "
		  "server close first",
	.other = "close",
};

/* Of several peers each has all ports for itself. */
static bool is_wanted(const struct process *p, const struct rec_outcome *o)
{
	const struct rec_site *s = recording_site(p->rec, o->birth_site);

	return o->nr_active && !(o->flags & REC_OUTCOME_ACCEPTED) && s && s->peer &&
	       s->peer != REC_SITE_SEVERAL_PEERS;
}

static uint64_t nr_ports(const struct rec_header *h)
{
	uint32_t lo = h->port_lo, hi = h->port_hi;

	if (!lo || hi < lo || hi > UINT16_MAX)
		return PORT_HI - PORT_LO + 1;
	return hi - lo + 1;
}

/* As many as are in TIME_WAIT at once; on the average, where it took longer. */
static uint64_t nr_at_once(const struct ended *e)
{
	uint64_t ns = e->last_ns > e->first_ns ? e->last_ns - e->first_ns : 0;

	if (ns <= TIME_WAIT_NS)
		return e->nr_active;
	return (uint64_t)((double)e->nr_active * (double)TIME_WAIT_NS / (double)ns);
}

static void remark_one(const struct ended *e, struct remarks *to)
{
	const struct rec_header *h = e->process->rec->header;
	uint64_t ports = nr_ports(h), at_once = nr_at_once(e);
	struct remark r = remark_of_ended(RULE_time_wait_pressure, &ports_run_out, e);

	if (at_once * 100 <= ports * MAX_PER_CENT)
		return;
	r.nr = e->nr_active;
	r.first_ns = e->first_ns;
	r.last_ns = e->last_ns;
	remark_line(&r, "ports", "%" PRIu64 " of %" PRIu64 " in TIME_WAIT at once", at_once, ports);
	remarks_add(to, &r);
}

static void remark(const struct history *h, struct remarks *to)
{
	size_t i, nr;
	struct ended *all = ended_sockets(h, is_wanted, false, &nr);

	for (i = 0; i < nr; i++)
		remark_one(&all[i], to);
	free(all);
}

/* clang-format off */
DEFINE_RULE(time_wait_pressure)
	.id = "time-wait-pressure",
	.severity = SEVERITY_WARNING,
	.title = "A client closes first so often that it may run out of ports",
	.help =
"Whoever sends the first FIN ends in TIME_WAIT, for 60 s on Linux: should the last ACK be lost,\n"
"somebody must be there to repeat it. That is no leak, and the descriptor is free. But a\n"
"connection is known by its two addresses and ports: while a client's is in TIME_WAIT its local\n"
"port cannot be used again for the same server. There are about 28,000 of them\n"
"(net.ipv4.ip_local_port_range), so a client that opens and closes more than some 470\n"
"connections a second to one address runs out, and connect() fails with EADDRNOTAVAIL, or\n"
"searches longer and longer for a free one.\n"
"\n"
"    for (;;) {\n"
"            fd = connect_to(server);  /* one connection per request ... */\n"
"            ask(fd);\n"
"            close(fd);                /* ... closed by the client first: TIME_WAIT is here */\n"
"    }\n"
"\n"
"To mend it: use a connection for many requests, or let the server close first. Not SO_LINGER\n"
"with a time of 0: that sends a RST, and may lose data. (net.ipv4.tcp_tw_reuse helps clients to\n"
"reuse ports after a second; it is on by default for the loopback alone.)\n"
"\n"
"Said where more than half of the ports would be taken, on the average of the time between the\n"
"first close and the last; only for sockets of a place that knows a single peer. Example:\n"
"examples/time_wait_pressure.c",
	.remark = remark,
END_RULE;
