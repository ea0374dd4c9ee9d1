/* SPDX-License-Identifier: MIT */
/*
 * siginfo does not tell a signal that was sent to us from one that was sent to our group ("kill %1"
 * of a shell). A process of our own in the group does: it is sent the latter only.
 */
#include "run_group.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 50

static uint32_t *seen; /* by signal; counted by the witness */
static uint32_t known[NSIG];
static pid_t witness;
static char status_path[32]; /* the witness's, in /proc */

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
	snprintf(status_path, sizeof(status_path), "/proc/%d/status", (int)witness);
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

/* What it was sent and, for lack of a processor, has not counted yet. Also safe in a handler. */
static bool is_pending(int sig)
{
	char text[4096];
	const char *line;
	ssize_t n;
	int fd = open(status_path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "ShdPnd:");
	return line && (strtoull(line + strlen("ShdPnd:"), NULL, 16) >> (sig - 1) & 1);
}

static bool has_counted(int sig)
{
	uint32_t now = __atomic_load_n(&seen[sig], __ATOMIC_ACQUIRE);
	bool news = now != known[sig];

	known[sig] = now;
	return news;
}

bool witness_saw(int sig)
{
	const struct timespec pause = {0, 1000000};
	int i;

	if (witness <= 0)
		return false;
	for (i = 0; i < PATIENCE_MS; i++) {
		if (has_counted(sig))
			return true;
		nanosleep(&pause, NULL);
	}
	if (is_pending(sig)) {
		known[sig]++; /* for it will count it */
		return true;
	}
	return has_counted(sig);
}
