/* SPDX-License-Identifier: MIT */
/* "socklint --version": for bug reports, what this was built with and what it found. */
#ifndef SOCKLINT_VERSION_H
#define SOCKLINT_VERSION_H

#include <argp.h>
#include <stdio.h>

/* For argp_program_version_hook. */
void version_print(FILE *out, struct argp_state *state);

#endif
