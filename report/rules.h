/* SPDX-License-Identifier: MIT */
/* The rules. A rule is a pure function of the history; what it cites are raw addresses. */
#ifndef SOCKLINT_RULES_H
#define SOCKLINT_RULES_H

#include "verdict.h"

struct remarks;

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

enum rule_nr {
#define RULE(name) RULE_##name,
#include "rules/rules.def"
#undef RULE
	RULE_COUNT
};

struct rule {
	enum rule_nr nr;
	const char *id;
	enum severity severity;
	const char *title;
	const char *help; /* what "socklint explain" prints below the title */
	/* One of the two, or both. */
	/* Fills v if the rule applies to this TCP socket, which is no listener (or is one). */
	void (*check)(const struct socket *s, struct verdict *v);
	bool of_listeners; /* check is about listeners alone */
	/* Adds what the rule has to say of anything else. */
	void (*remark)(const struct history *h, struct remarks *to);
	const char *noun, *verb; /* "call", "made"; what remarks count: NULL: "socket", "opened" */
};

/* Only a rule with a row in rules.def has a number to give itself. */
#define DEFINE_RULE(name)                                                                          \
	extern const struct rule rule_##name;                                                      \
	const struct rule rule_##name = {.nr = RULE_##name,
#define END_RULE }

const struct rule *rule_by_nr(enum rule_nr nr);
/* NULL if there is none. */
const struct rule *rule_by_id(const char *id);

/* "error", ...; returns -1 for a word that is no severity. */
const char *severity_name(enum severity severity);
int severity_by_name(const char *name, enum severity *severity);

struct judged {
	const struct socket *socket;
	const struct rule *rule; /* NULL: no rule applies; verdict.reason says why it is open */
	struct verdict verdict;
	const char *kept_for; /* OPEN_KEPT: why, in the program's words, or NULL */
};

void judge(const struct socket *s, struct judged *j);
/* What all rules have to remark. */
void remark_all(const struct history *h, struct remarks *to);

#endif
