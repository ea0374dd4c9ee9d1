/* SPDX-License-Identifier: MIT */
/* The table of rules, and which of them speaks about a socket. */
#include "rules.h"

#include <netinet/tcp.h>
#include <string.h>

#include "connection.h"

#define RULE(name) extern const struct rule rule_##name;
#include "rules/rules.def"
#undef RULE

static const struct rule *const rules[RULE_COUNT] = {
#define RULE(name) [RULE_##name] = &rule_##name,
#include "rules/rules.def"
#undef RULE
};

const struct rule *rule_by_nr(enum rule_nr nr)
{
	return rules[nr];
}

const struct rule *rule_by_id(const char *id)
{
	int i;

	for (i = 0; i < RULE_COUNT; i++)
		if (!strcmp(rules[i]->id, id))
			return rules[i];
	return NULL;
}

static const char *const severity_names[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

const char *severity_name(enum severity severity)
{
	return severity_names[severity];
}

int severity_by_name(const char *name, enum severity *severity)
{
	int i;

	for (i = SEVERITY_NOTE; i <= SEVERITY_ERROR; i++) {
		if (!strcmp(name, severity_names[i])) {
			*severity = (enum severity)i;
			return 0;
		}
	}
	return -1;
}

const char *open_reason_text(enum open_reason reason)
{
	static const char *const texts[OPEN_REASON_COUNT] = {[OPEN_NONE] = "",
#define OPEN_TEXT(name, text) [OPEN_##name] = text,
							     OPEN_REASONS(OPEN_TEXT)
#undef OPEN_TEXT
	};

	return texts[reason];
}

const char *proof_name(enum proof_kind kind)
{
	static const char *const names[] = {[PROOF_TOUCHER_ENDED] = "toucher-ended",
					    [PROOF_THREAD_MOVED_ON] = "thread-moved-on",
					    [PROOF_OVERTAKEN] = "overtaken",
					    [PROOF_REPLACED] = "replaced",
					    [PROOF_SERIES] = "series"};

	return names[kind];
}

/* Why a socket that no rule is about is open. */
static enum open_reason plain_reason(const struct socket *s)
{
	if (!socket_is_tcp(s))
		return OPEN_NOT_TCP;
	if (socket_is_listener(s))
		return OPEN_LISTENER;
	switch (socket_tcp_state(s)) {
	case 0:
		if (s->birth->process->end == PROCESS_KILLED)
			return OPEN_UNKNOWN;
		return OPEN_IN_USE;
	case TCP_CLOSE:
		return OPEN_UNCONNECTED;
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return OPEN_CLOSING;
	default:
		return OPEN_IN_USE;
	}
}

static bool is_about(const struct rule *r, const struct socket *s)
{
	return r->check && socket_is_tcp(s) && r->of_listeners == socket_is_listener(s);
}

/* The first rule that finds a fault; else the first that applies, which says why it finds none. */
void judge(const struct socket *s, struct judged *j)
{
	int i;

	memset(j, 0, sizeof(*j));
	j->socket = s;
	if (socket_is_unseen(s)) {
		j->verdict.reason = OPEN_UNSEEN;
		return;
	}
	if (s->kept) {
		j->verdict.reason = OPEN_KEPT;
		j->kept_for = socket_kept_reason(s);
		return;
	}
	for (i = 0; i < RULE_COUNT; i++) {
		struct verdict v = {.which = NULL};

		if (is_about(rules[i], s))
			rules[i]->check(s, &v);
		if (!v.which || (j->rule && v.reason != OPEN_NONE))
			continue;
		j->rule = rules[i];
		j->verdict = v;
		if (v.reason == OPEN_NONE)
			return;
	}
	if (!j->rule)
		j->verdict.reason = plain_reason(s);
}

void remark_all(const struct history *h, struct remarks *to)
{
	int i;

	for (i = 0; i < RULE_COUNT; i++)
		if (rules[i]->remark)
			rules[i]->remark(h, to);
}
