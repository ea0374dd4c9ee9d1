/* SPDX-License-Identifier: MIT */
/*
 * A server that catches SIGTERM cleans up when it comes: what it closes from then on it might have
 * left open for as long as it ran. So the handlers that the program sets for SIGTERM and SIGINT are
 * called by way of ours, which note the time. SIGHUP makes many read their configuration anew.
 *
 * The program is shown its own handler, with its own flags. A child of vfork() sets what is its own
 * in memory that is its parent's, so nothing is put between there.
 */
#include "shim.h"

static const int ending[] = {SIGTERM, SIGINT};

/* The program's own; a handler may run in another thread while it is replaced. */
static sighandler_t theirs[sizeof(ending) / sizeof(ending[0])];

static int index_of(int sig)
{
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (ending[i] == sig)
			return (int)i;
	return -1;
}

static sighandler_t theirs_noting(int sig)
{
	if (word_get(init_alive) == 1 && !process_is_other())
		outcome_signalled();
	return word_get(&theirs[index_of(sig)]);
}

static void on_caught(int sig)
{
	theirs_noting(sig)(sig);
}

static void on_caught_info(int sig, siginfo_t *info, void *context)
{
	((void (*)(int, siginfo_t *, void *))(uintptr_t)theirs_noting(sig))(sig, info, context);
}

static bool is_handler(sighandler_t h)
{
	return h != SIG_DFL && h != SIG_IGN && h != SIG_ERR && h != SIG_HOLD;
}

static bool may_stand_between(sighandler_t h)
{
	return is_handler(h) && shim.started && options.on_signal && !shim.sealed &&
	       !process_is_other();
}

static bool is_between(sighandler_t h)
{
	return h == on_caught || h == (sighandler_t)(uintptr_t)on_caught_info;
}

int caught_set(int sig, const struct sigaction *act, struct sigaction *old)
{
	int i = index_of(sig), r;
	struct sigaction ours;
	sighandler_t before;

	if (i < 0)
		return real.sigaction(sig, act, old);
	before = word_get(&theirs[i]);
	if (act && may_stand_between(act->sa_handler)) {
		ours = *act;
		if (act->sa_flags & SA_SIGINFO)
			ours.sa_sigaction = on_caught_info;
		else
			ours.sa_handler = on_caught;
		word_set(&theirs[i], act->sa_handler);
		act = &ours;
	}
	r = real.sigaction(sig, act, old);
	if (r == 0 && old && is_between(old->sa_handler))
		old->sa_handler = before;
	return r;
}

sighandler_t caught_signal(sighandler_t (*set)(int, sighandler_t), int sig, sighandler_t h)
{
	int i = index_of(sig);
	sighandler_t before, was;

	if (i < 0)
		return set(sig, h);
	before = word_get(&theirs[i]);
	if (may_stand_between(h)) {
		word_set(&theirs[i], h);
		h = on_caught;
	}
	was = set(sig, h);
	return is_between(was) ? before : was;
}
