/* SPDX-License-Identifier: MIT */
#ifndef SOCKLINT_DIFF_H
#define SOCKLINT_DIFF_H

/* "socklint diff" */
int command_diff(int argc, char **argv);

#endif
