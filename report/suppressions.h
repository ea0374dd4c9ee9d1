/* SPDX-License-Identifier: MIT */
/*
 * What the user does not want to be told: rules by the stacks that opened the sockets. Two forms
 * may stand in one file, lines as LeakSanitizer has them and blocks as valgrind has them; the
 * README shows both. Knows stacks; knows neither sockets nor how findings are made.
 */
#ifndef SOCKLINT_SUPPRESSIONS_H
#define SOCKLINT_SUPPRESSIONS_H

#include "symbolizer.h"
#include "text.h"

/* The rule that stands for sockets about which no rule speaks; --strict makes them faults. */
#define STILL_OPEN "still-open"

enum frame_pattern_kind {
	PATTERN_ANY_FRAMES, /* "...": any number of frames, or none */
	PATTERN_FUNCTION,
	PATTERN_MODULE,
	PATTERN_FILE,
	PATTERN_ANYTHING, /* of a line: function, module or file */
};

struct frame_pattern {
	enum frame_pattern_kind kind;
	char *glob;
};

struct suppression {
	char *name;		/* of a line: what it matches */
	char *where;		/* "FILE:LINE" */
	char *rule;		/* a glob */
	char *reason, *expires; /* or NULL */
	bool expired;
	struct frame_pattern *frames; /* innermost first; what is further out does not matter */
	size_t nr, alloc;
	uint64_t nr_findings, nr_suppressed; /* what it was good for */
};

struct suppressions {
	struct suppression *all;
	size_t nr, alloc;
};

#define SUPPRESSIONS_INIT                                                                          \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/*
 * Adds what the file says; today is YYYY-MM-DD, and who expires today still suppresses. Returns -1
 * and says why, with file and line, if anything in it is not understood.
 */
int suppressions_read(struct suppressions *s, const char *path, const char *today,
		      struct strbuf *why);
void suppressions_release(struct suppressions *s);

/* The first that suppresses this, or NULL. */
struct suppression *suppressions_find(const struct suppressions *s, const char *rule,
				      const struct stack *st);
/* Adds a block that suppresses what this stack leads to. */
void suppression_write(struct strbuf *sb, const char *rule, const char *id, const struct stack *st);

/* Today's date in UTC as SOURCE_DATE_EPOCH or the clock has it. Returns -1 if that is no number. */
int suppressions_today(char today[sizeof("YYYY-MM-DD")]);

#endif
