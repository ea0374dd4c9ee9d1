/* SPDX-License-Identifier: MIT */
/* The environment that makes the dynamic loader load the shim, and tells it where to record. */
#ifndef SOCKLINT_RUN_ENV_H
#define SOCKLINT_RUN_ENV_H

#include <stdint.h>

#include "text.h"

/* The file of this command; NULL and why if nobody knows. The caller frees it. */
char *command_path(struct strbuf *why);
/* The shim that belongs to this command; NULL and why if it is not there. The caller frees it. */
char *shim_find(struct strbuf *why);
/*
 * Our environment with the two variables added to; the caller frees it by env_free(). What was
 * closed max_dwell_ns after the peer's FIN must be in the recording.
 */
char **env_make(const char *shim, const char *dir, uint64_t max_dwell_ns);
void env_free(char **env);

#endif
