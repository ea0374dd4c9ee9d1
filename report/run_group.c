/* SPDX-License-Identifier: MIT */
/*
 * siginfo does not tell a signal that was sent to us from one that was sent to our group ("kill %1"
 * of a shell). A process of our own in the group does: it is sent the latter only.
 */
#include "run_group.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 200 /* the witness may have to wait for a processor */

static uint32_t *seen; /* by signal; counted by the witness */
static uint32_t known[NSIG];
static pid_t witness;

/* All signals are blocked in here, and it must keep nobody's pipe open. */
static _Noreturn void be_witness(pid_t parent)
{
	sigset_t all;
	int sig;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	closefrom(0);
	sigfillset(&all);
	for (;;)
		if ((sig = sigwaitinfo(&all, NULL)) > 0)
			__atomic_fetch_add(&seen[sig], 1, __ATOMIC_RELEASE);
}

void witness_start(void)
{
	pid_t parent = getpid();

	seen = mmap(NULL, NSIG * sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (seen == MAP_FAILED) {
		seen = NULL;
		return;
	}
	witness = fork();
	if (witness == 0)
		be_witness(parent);
}

void witness_stop(void)
{
	if (witness > 0) {
		kill(witness, SIGKILL);
		waitpid(witness, NULL, 0);
	}
	witness = 0;
	if (seen)
		munmap(seen, NSIG * sizeof(*seen));
	seen = NULL;
}

bool witness_saw(int sig)
{
	const struct timespec pause = {0, 1000000};
	uint32_t now;
	int i;

	for (i = 0; witness > 0 && i < PATIENCE_MS; i++) {
		now = __atomic_load_n(&seen[sig], __ATOMIC_ACQUIRE);
		if (now != known[sig]) {
			known[sig] = now;
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}
