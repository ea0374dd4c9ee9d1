/* SPDX-License-Identifier: MIT */
/*
 * Most servers die of SIGTERM by its default action, where no destructor runs. So where one of
 * three signals would kill, the shim catches it, writes the end down and dies of that signal. The
 * program is shown SIG_DFL when it asks, and gets its own handler when it sets one. Not as pid 1,
 * for which the default action is to be ignored.
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "caught.h"
#include "end.h"
#include "hook.h"
#include "house.h"
#include "init.h"
#include "options.h"
#include "recording.h"
#include "shim.h"
#include "sys.h"

static const int deadly[] = {SIGTERM, SIGINT, SIGHUP};

#define EACH_DEADLY(i) for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)

/* What the program said when it last set one of them to SIG_DFL: so it is told when it asks. */
static struct sigaction shown[sizeof(deadly) / sizeof(deadly[0])];

static int index_of(int sig)
{
	EACH_DEADLY(i)
	if (deadly[i] == sig)
		return (int)i;
	return -1;
}

/* Where a filter comes it is the default already. */
static void set_default(int sig)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	struct stay stay;

	if (stay_begin(&stay))
		real.sigaction(sig, &dfl, NULL);
	stay_end(&stay);
}

static void die(int sig)
{
	uint64_t set = 1ull << (sig - 1);

	set_default(sig);
	if (sys_tgkill(sys_getpid(), sys_gettid(), sig) < 0)
		real.raise(sig); /* a filter came just now: it comes when this handler returns */
	sys_sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_deadly(int sig, siginfo_t *info, void *context)
{
	int e = errno;

	(void)info;
	(void)context;
	if (hook_enter())
		end_record(REC_END_SIGNAL, (uint32_t)sig);
	die(sig);
	errno = e;
}

static bool is_ours(const struct sigaction *sa)
{
	return (sa->sa_flags & SA_SIGINFO) && sa->sa_sigaction == on_deadly;
}

static bool catching(void)
{
	return shim.started && options.on_signal && shim.pid != 1 && !shim.sealed &&
	       !process_is_other();
}

/* Where the default would kill. Not when a filter is about to come: it may kill for this call. */
static void arm(int sig)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART}, now;
	struct stay stay;

	memset(&sa.sa_mask, 0xff, sizeof(sa.sa_mask));
	sa.sa_sigaction = on_deadly;
	if (stay_begin(&stay) && real.sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		real.sigaction(sig, &sa, NULL);
	stay_end(&stay);
}

void signals_arm_all(void)
{
	struct stay stay;

	if (shim.pid == 1 || !stay_begin(&stay))
		return;
	EACH_DEADLY(i)
	arm(deadly[i]);
	stay_end(&stay);
}

/* Before a filter, when no stay begins. */
void signals_disarm_all(void)
{
	struct sigaction now;

	EACH_DEADLY(i)
	if (real.sigaction(deadly[i], NULL, &now) == 0 && is_ours(&now))
		real.sigaction(deadly[i], &shown[i], NULL);
}

/* ---- what the program sees of it ---- */

EXPORT int sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	bool record = hook_enter();
	struct sigaction wanted;
	int i = index_of(sig), r;

	if (!record || i < 0)
		return real.sigaction(sig, act, old);
	if (act)
		wanted = *act; /* act and old may be the same */
	r = caught_set(sig, act ? &wanted : NULL, old);
	if (r == 0 && old && is_ours(old))
		*old = shown[i];
	if (r == 0 && act && wanted.sa_handler == SIG_DFL && catching()) {
		shown[i] = wanted;
		arm(sig);
	}
	return r;
}

EXPORT int __sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	return sigaction(sig, act, old);
}

/* The signal() family: `set` is the C library's own; each returns the disposition before. */
static sighandler_t set_handler(sighandler_t (*set)(int, sighandler_t), int sig, sighandler_t h)
{
	int i = index_of(sig);
	sighandler_t before;

	before = i < 0 ? set(sig, h) : caught_signal(set, sig, h);
	if (i < 0 || before == SIG_ERR)
		return before;
	if (h == SIG_DFL && catching()) {
		memset(&shown[i], 0, sizeof(shown[i]));
		arm(sig);
	}
	return before == (sighandler_t)(uintptr_t)on_deadly ? SIG_DFL : before;
}

#define SIGNAL_HOOK(name)                                                                          \
	EXPORT sighandler_t name(int sig, sighandler_t handler)                                    \
	{                                                                                          \
		hook_enter(); /* and only now real.name is there */                                \
		return set_handler(real.name, sig, handler);                                       \
	}

SIGNAL_HOOK(signal)
SIGNAL_HOOK(bsd_signal)
SIGNAL_HOOK(ssignal)
SIGNAL_HOOK(__sysv_signal)
SIGNAL_HOOK(sysv_signal)
SIGNAL_HOOK(sigset)

/*
 * The kernel itself puts the default back where a handler was set with SA_RESETHAND; such a handler
 * cleans up and raises the signal once more (Node).
 */
EXPORT int raise(int sig)
{
	if (hook_enter() && index_of(sig) >= 0 && catching())
		arm(sig);
	return real.raise(sig);
}
