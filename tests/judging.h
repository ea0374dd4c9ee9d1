/* SPDX-License-Identifier: MIT */
/*
 * What the unit tests of the rules share: one forged process that ends at second 1000 by SIGTERM,
 * whose sockets have one site and are judged.
 */
#ifndef TESTS_JUDGING_H
#define TESTS_JUDGING_H

#include "findings.h"
#include "forge.h"
#include "remarks.h"

struct fixture {
	char *dir;
	struct forge *forge;
	uint32_t site;
	struct collection c;
	struct history h;
	struct symbolizer *sy;
	struct findings f;
	struct remarks remarks;	     /* for a test to fill */
	const struct policy *policy; /* NULL: the default */
	uint64_t read_ns;	     /* the process runs still, and its recording was read then */
};

int setup(void **state);
int teardown(void **state);
void judge_all(struct fixture *x);
const struct finding *find(struct fixture *x, int fd);
void expect_fault(struct fixture *x, int fd, const char *rule, enum proof_kind proof);
void expect_open(struct fixture *x, int fd, enum open_reason reason);

/* Thread 1 has served a socket of the site that was born and touched at second at. */
struct rec_progress *served_at(struct fixture *x, uint32_t tid, double at);
/* In CLOSE_WAIT since 10 s after its birth, the EOF read by thread 1. */
struct whole_life *ignored(struct fixture *x, int fd, double born);
/* The same, unread. */
struct whole_life *unread(struct fixture *x, int fd, double born);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
