/* SPDX-License-Identifier: MIT */
/* The header in a second translation unit, and in a function that runs before any constructor. */
#include "api_guest.h"
#include "socklint.h"

int nr_stuck_elsewhere(const struct socklint_checkpoint *since)
{
	return socklint_leaks_since(since, (struct socklint_leak *)0, 0);
}

static int early_calls;

static void call_early(void)
{
	struct socklint_checkpoint now = socklint_checkpoint();

	early_calls = 1 + socklint_keep(-1, "early") + socklint_open_since(&now, NULL, 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = call_early;

int called_before_all_else(void)
{
	return early_calls == 1;
}
