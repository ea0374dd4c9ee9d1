/* SPDX-License-Identifier: MIT */
/*
 * A server that catches SIGTERM cleans up when it comes: what it closes from then on it might have
 * left open for as long as it ran. So the handlers that the program sets for SIGTERM and SIGINT are
 * called by way of ours, which note the time. SIGHUP makes many read their configuration anew.
 *
 * The program is shown its own handler, with its own flags. A child of vfork() sets what is its own
 * in memory that is its parent's, so nothing is put between there.
 */
#include "caught.h"

#include <signal.h>

#include "hook.h"
#include "house.h"
#include "init.h"
#include "options.h"
#include "outcomes.h"
#include "shim.h"
#include "words.h"

static const int ending[] = {SIGTERM, SIGINT};

/*
 * The program's own, by signal; those that take a siginfo apart: the kernel calls by the flags of
 * one sigaction() while another thread may be in the next.
 */
static struct handlers {
	sighandler_t plain, info;
} theirs[sizeof(ending) / sizeof(ending[0])];

static int index_of(int sig)
{
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (ending[i] == sig)
			return (int)i;
	return -1;
}

static void note(void)
{
	if (word_get(init_alive) == 1 && !process_is_other())
		outcome_signalled();
}

/* As the kernel called us: on x86 it hands the context to any handler, and some look at it. */
static void pass_to(sighandler_t h, int sig, siginfo_t *info, void *context)
{
	((void (*)(int, siginfo_t *, void *))(uintptr_t)h)(sig, info, context);
}

static void on_caught(int sig, siginfo_t *info, void *context)
{
	note();
	pass_to(word_get(&theirs[index_of(sig)].plain), sig, info, context);
}

static void on_caught_info(int sig, siginfo_t *info, void *context)
{
	note();
	pass_to(word_get(&theirs[index_of(sig)].info), sig, info, context);
}

static sighandler_t plain_door(void)
{
	return (sighandler_t)(uintptr_t)on_caught;
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

/* What the program is shown where this is installed. */
static sighandler_t as_shown(sighandler_t h, const struct handlers *before)
{
	if (h == plain_door())
		return before->plain;
	return h == (sighandler_t)(uintptr_t)on_caught_info ? before->info : h;
}

/* Stands between a handler and the kernel; it is there before ours can be called. */
static void stand_between(struct handlers *slot, struct sigaction *act)
{
	if (act->sa_flags & SA_SIGINFO) {
		word_set(&slot->info, act->sa_handler);
		act->sa_sigaction = on_caught_info;
	} else {
		word_set(&slot->plain, act->sa_handler);
		act->sa_handler = plain_door();
	}
}

int caught_set(int sig, const struct sigaction *act, struct sigaction *old)
{
	int i = index_of(sig), r;
	struct handlers before;
	struct sigaction ours;

	if (i < 0)
		return real.sigaction(sig, act, old);
	before = theirs[i];
	if (act && may_stand_between(act->sa_handler)) {
		ours = *act;
		stand_between(&theirs[i], &ours);
		act = &ours;
	}
	r = real.sigaction(sig, act, old);
	if (r < 0 &&
	    act == &ours) /* a child of vfork() has changed nothing, and restores nothing */
		theirs[i] = before;
	if (r == 0 && old)
		old->sa_handler = as_shown(old->sa_handler, &before);
	return r;
}

sighandler_t caught_signal(sighandler_t (*set)(int, sighandler_t), int sig, sighandler_t h)
{
	int i = index_of(sig);
	struct handlers before;
	sighandler_t was;

	if (i < 0)
		return set(sig, h);
	before = theirs[i];
	if (may_stand_between(h)) {
		word_set(&theirs[i].plain, h);
		h = plain_door();
	}
	was = set(sig, h);
	if (was == SIG_ERR && h == plain_door())
		theirs[i] = before;
	return as_shown(was, &before);
}
