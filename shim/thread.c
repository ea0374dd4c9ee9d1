/* SPDX-License-Identifier: MIT */
/* What the shim knows of this thread. */
#include "thread.h"

#include "house.h"
#include "sys.h"

__thread struct thread thread;

COLD uint32_t thread_ask(void)
{
	int tid = sys_gettid();

	thread.tid = tid > 0 ? (uint32_t)tid : thread_number();
	return thread.tid;
}
