/* SPDX-License-Identifier: MIT */
/* What socklint itself has to say: one line on stderr, "socklint: " first. */
#ifndef SOCKLINT_MESSAGE_H
#define SOCKLINT_MESSAGE_H

/* The text passes the sanitiser: a file name cannot write to the terminal behind our back. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
