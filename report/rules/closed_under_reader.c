/* SPDX-License-Identifier: MIT */
/* Closed by one thread while another was, and stayed, inside a call on the same socket. */
#include <stdlib.h>

#include "remarks.h"
#include "rules.h"

static const struct rule_case stuck = {
	.meaning = "A thread closed the socket while another was blocked in a call on it. The "
		   "kernel keeps the connection until that call returns: no FIN was sent, the peer "
		   "believes that we are there, and the thread waits on.",
	.advice = "shutdown(fd, SHUT_RDWR) first: it sends the FIN and wakes the thread; close() "
		  "when that has returned",
	.other = "opened",
};

static void say_thread(struct remark *r, const struct rec_incident *in)
{
	struct strbuf sb = STRBUF_INIT;
	char *text;

	if (in->until_ns > in->ns)
		text_add_duration(&sb, in->until_ns - in->ns);
	else
		strbuf_addstr(&sb, "some time");
	text = strbuf_detach(&sb);
	remark_line(r, "thread",
		    "%u was blocked in a call on descriptor %d, and still was %s later", in->tid,
		    in->fd, text);
	free(text);
}

static void remark_one(const struct process *p, const struct rec_incident *in, struct remarks *to)
{
	struct remark r = remark_of_incident(RULE_closed_under_reader, &stuck, p, in);

	say_thread(&r, in);
	remarks_add(to, &r);
}

static void remark(const struct history *h, struct remarks *to)
{
	remark_incidents(h, REC_INCIDENT_CLOSED_UNDER_READER, remark_one, to);
}

/* clang-format off */
DEFINE_RULE(closed_under_reader)
	.id = "closed-under-reader",
	.severity = SEVERITY_WARNING,
	.title = "A socket was closed while another thread was blocked in it",
	.noun = "socket", .verb = "closed",
	.help =
"close() frees the number; the connection ends when nobody uses the socket any more. A thread\n"
"that is blocked in recv() or send() uses it: so the FIN is not sent, and neither side learns\n"
"that it is over. The thread stays blocked until the peer sends something or gives up, holds\n"
"the socket, and then goes on with a number that is by then somebody else's.\n"
"\n"
"    /* thread A */                    /* thread B */\n"
"    n = recv(fd, buf, size, 0);       close(fd);   /* A stays blocked, no FIN */\n"
"\n"
"To mend it: shutdown(fd, SHUT_RDWR) sends the FIN at once and wakes A, whose recv() returns\n"
"0; then A closes, or B does when A has left.\n"
"\n"
"Said where the call had not returned a second after the close (seen when it returned at last,\n"
"by a look once in a while, or at the end). Listening sockets are left out, and what is closed\n"
"while the program ends. Example: examples/closed_under_reader.c",
	.remark = remark,
END_RULE;
