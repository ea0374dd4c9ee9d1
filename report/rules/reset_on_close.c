/* SPDX-License-Identifier: MIT */
/* Closed while data from the peer lay unread: the kernel sends a RST instead of the FIN. */
#include <inttypes.h>
#include <stdlib.h>

#include "remarks.h"
#include "rules.h"

#define MIN_UNREAD   3u
#define MIN_PER_CENT 10u

static const struct rule_case closed_unread = {
	.meaning = "Data from the client lay unread when the server closed: the kernel then sends "
		   "a RST instead of a FIN. The client may lose the end of the answer, though it "
		   "was sent, and sees \"connection reset by peer\".",
	.advice = "read what the client has sent before close(), or shutdown(SHUT_WR) first and "
		  "read to the EOF, with a bound on time and bytes",
	.other = "close",
};

/* A client that has what it wanted may leave the rest; who shuts down cares for nothing more. */
static bool is_wanted(const struct process *p, const struct rec_outcome *o)
{
	(void)p;
	return o->asked && (o->flags & REC_OUTCOME_ACCEPTED) && !(o->flags & REC_OUTCOME_AT_END);
}

static bool is_relevant(const struct ended *e)
{
	return e->unread >= MIN_UNREAD && e->unread * 100 >= e->asked * MIN_PER_CENT;
}

static void remark(const struct history *h, struct remarks *to)
{
	size_t i, nr;
	struct ended *all = ended_sockets(h, is_wanted, true, &nr);

	for (i = 0; i < nr; i++) {
		const struct ended *e = &all[i];
		struct remark r = remark_of_ended(RULE_reset_on_close, &closed_unread, e);

		if (!is_relevant(e))
			continue;
		r.nr = e->unread;
		r.first_ns = e->first_ns;
		r.last_ns = e->last_ns;
		remark_line(&r, "sample",
			    "%" PRIu64 " of %" PRIu64 " had unread data, of %" PRIu64
			    " closed here before the client did",
			    e->unread, e->asked, e->nr);
		remarks_add(to, &r);
	}
	free(all);
}

/* clang-format off */
DEFINE_RULE(reset_on_close)
	.id = "reset-on-close",
	.severity = SEVERITY_WARNING,
	.title = "A server closed with unread data, so its clients were reset",
	.help =
"close() normally sends a FIN behind the last byte of the answer. If the receive queue still\n"
"holds data, or data comes after the close, the kernel sends a RST (RFC 2525, 2.17): it must\n"
"tell the client that something was thrown away. A RST overtakes: data that lies in the client's\n"
"receive queue, or that is still on its way, is dropped there. So the client may never see the\n"
"answer (\"413 too large\", \"400 bad request\") that says why.\n"
"\n"
"    send(fd, too_large, n, 0);\n"
"    close(fd);                        /* the request's body lies unread: RST */\n"
"\n"
"To mend it: a lingering close.\n"
"\n"
"    send(fd, too_large, n, 0);\n"
"    shutdown(fd, SHUT_WR);            /* the FIN, behind the answer */\n"
"    while (read(fd, rest, sizeof(rest)) > 0 && !too_long())\n"
"            ;\n"
"    close(fd);\n"
"\n"
"The kernel is asked at the first closes of each place and at a sample of the later ones; the\n"
"rule speaks where it were three or more and a tenth of those. Left out are clients' sockets,\n"
"connections that the peer had closed or reset before, and what is closed while the program\n"
"ends. A server that drops clients on purpose, or closes on pipelined requests, is named too:\n"
"they are reset all the same. Example: examples/reset_on_close.c",
	.remark = remark,
END_RULE;
