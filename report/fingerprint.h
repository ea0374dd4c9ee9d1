/* SPDX-License-Identifier: MIT */
/*
 * What a finding is called from one build of a program to the next: a hash of the rule and of the
 * names of functions. No line, address or path of the machine has a part in it.
 */
#ifndef SOCKLINT_FINGERPRINT_H
#define SOCKLINT_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

struct frame;
struct stack;

/* Twice FNV-1a of 64 bits: from its usual start, and from that of the same hash over one 0xff. */
struct fingerprint {
	uint64_t a, b;
};

#define FINGERPRINT_HEX	  33
#define FINGERPRINT_SHORT 12 /* digits: enough for people */

struct fingerprint fingerprint_of(const char *rule, const char *subkind);
/*
 * The program's own frames, up to eight from the inside. A function that calls itself counts once.
 */
void fingerprint_add_stack(struct fingerprint *f, const struct stack *st);
/* A single frame; NULL: not known. */
void fingerprint_add_frame(struct fingerprint *f, const struct frame *frame);
/* A function's, without the marks of the compiler's copies. */
void fingerprint_add_name(struct fingerprint *f, const char *name);
void fingerprint_hex(const struct fingerprint *f, char hex[FINGERPRINT_HEX]);

#endif
