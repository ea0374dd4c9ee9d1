/* SPDX-License-Identifier: MIT */
/* summary.c: the counts of the whole run. */
#ifndef SHIM_SUMMARY_H
#define SHIM_SUMMARY_H

#include <stdbool.h>

#include "recording.h"

void summary_open(const char *dir, bool create);
bool summary_refuses(void);
void summary_failed(int error);
void summary_folded(const struct rec_header *head);

#endif
