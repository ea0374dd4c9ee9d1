/* SPDX-License-Identifier: MIT */
/* "socklint explain": what a rule is about. */
#ifndef SOCKLINT_EXPLAIN_H
#define SOCKLINT_EXPLAIN_H

int command_explain(int argc, char **argv);

#endif
