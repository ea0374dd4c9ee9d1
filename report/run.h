/* SPDX-License-Identifier: MIT */
/* "socklint run": starts a program under the shim, waits for it and reports. */
#ifndef SOCKLINT_RUN_H
#define SOCKLINT_RUN_H

int command_run(int argc, char **argv);

#endif
