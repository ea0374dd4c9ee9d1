/* SPDX-License-Identifier: MIT */
/* A connection that a program was started with, and never touched. */
#include "attendance.h"
#include "connection.h"
#include "rules.h"

static const struct rule_case passed_on = {
	.meaning = "The descriptor of this connection is not close-on-exec, so it was passed on to "
		   "another program, which does not know it: as long as that one runs, close() "
		   "here ends nothing.",
	.advice = "open it close-on-exec: accept4(..., SOCK_CLOEXEC), socket(... | SOCK_CLOEXEC)",
};

static bool is_connection(const struct whole_life *r)
{
	return (r->flags & (REC_LIFE_ACCEPTED | REC_LIFE_CONNECTED)) &&
	       !(r->flags & (REC_LIFE_LISTENING | REC_LIFE_GONE));
}

static bool is_unused(const struct whole_life *r)
{
	const uint32_t used = REC_LIFE_TOUCHED | REC_LIFE_STDIO | REC_LIFE_SENT |
			      REC_LIFE_INHERITED | REC_LIFE_DUPLICATE;

	return (r->seq & 1) && (r->flags & REC_LIFE_AT_START) && !(r->flags & used) &&
	       is_connection(r) && r->epoll_fd < 0 && !r->polled_ns && !r->reader_tid &&
	       !r->writer_tid;
}

/* As inetd does it: there is no better sign that it is meant. */
static bool has_it_as_stdio(const struct socket *s, const struct process *p)
{
	const struct life *l;

	for (l = s->holders; l; l = l->next_holder)
		if (l->process == p && l->fd <= 2)
			return true;
	return false;
}

static bool is_the_only_one(const struct process *p)
{
	size_t i, nr = 0;

	for (i = 0; i < p->rec->nr_lives && nr < 2; i++)
		nr += is_unused(p->rec->lives[i].life);
	return nr < 2;
}

/* A program that is started for a connection gets that one, when it has just come. */
static bool may_be_its_job(const struct socket *s, const struct life *l)
{
	return socket_opened(s)->r.born_ns + NS_PER_S > l->process->rec->header->start_ns &&
	       is_the_only_one(l->process);
}

static bool is_passed_on_in_vain(const struct socket *s, const struct life *l)
{
	return is_unused(&l->r) && socket_opened(s) != l && !has_it_as_stdio(s, l->process) &&
	       l->process->rec->header->start_ns + NS_PER_S <= l->process->now_ns &&
	       !may_be_its_job(s, l);
}

static void check(const struct socket *s, struct verdict *v)
{
	const struct life *l;

	if (socket_attendance(s) == ATTENDED_UNSEEN)
		return;
	for (l = s->holders; l && !is_passed_on_in_vain(s, l); l = l->next_holder)
		;
	if (l)
		v->which = &passed_on;
}

/* clang-format off */
DEFINE_RULE(inherited_by_exec)
	.id = "inherited-by-exec",
	.severity = SEVERITY_NOTE,
	.title = "A connection was passed on by exec to a program that does not use it",
	.help =
"exec keeps every descriptor that is not marked close-on-exec. A program that a server starts\n"
"(a helper, a shell, a mailer) gets the server's connections that way and does not know it. As\n"
"long as it runs the kernel sends no FIN when the server calls close(): the peer waits, and when\n"
"it hangs up the socket stays in CLOSE_WAIT, in the hands of a stranger. What is secret in the\n"
"connection is the stranger's, too.\n"
"\n"
"Reported are connections that such a program has had for a second or more, and has neither\n"
"used nor waited on. Not reported: descriptors 0 to 2, by which inetd hands on a connection; a\n"
"single one that had come within the second before the start, which the program may be there\n"
"to serve; and listeners, for handing those on is what socket activation and restarts without\n"
"a gap do. A program that ended with no socket of its own open leaves no recording, and is not\n"
"seen.\n"
"\n"
"To mend it, ask for close-on-exec where the descriptor is made; to set it later by fcntl() is\n"
"too late where another thread forks in between:\n"
"\n"
"  fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);\n"
"\n"
"Example: examples/inherited_by_exec.c",
	.check = check,
END_RULE;
