/* SPDX-License-Identifier: MIT */
/*
 * Runs a program in the foreground. It stays in our process group, so what the terminal sends
 * reaches it directly, and so does what is sent to the group; what is sent to us alone is passed
 * on.
 */
#include "run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run_group.h"

#define NR_PASSED 6

static const int passed[NR_PASSED] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static volatile sig_atomic_t child_pid;
static volatile sig_atomic_t came[NSIG];

struct mask {
	sigset_t set;
	struct sigaction actions[NR_PASSED];
	struct sigaction child; /* SIGCHLD's: where it is ignored, wait() learns no status */
};

/* The terminal's signals are sent to the whole group by the kernel. */
static bool reached_program(int sig, const siginfo_t *info)
{
	if (info->si_code == SI_KERNEL)
		return true;
	return witness_saw(sig) && getpgid((pid_t)child_pid) == getpgrp();
}

static void pass_on(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	came[sig] = 1;
	if (child_pid > 0 && !reached_program(sig, info))
		kill((pid_t)child_pid, sig);
	errno = saved;
}

/* What was ignored when we were started (nohup) stays so for us and for the program. */
static void catch_signals(struct mask *old)
{
	struct sigaction sa = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	int i;

	sigaction(SIGCHLD, &dfl, &old->child);
	sigfillset(&sa.sa_mask);
	for (i = 0; i < NR_PASSED; i++) {
		sigaction(passed[i], NULL, &old->actions[i]);
		if (old->actions[i].sa_handler != SIG_IGN)
			sigaction(passed[i], &sa, NULL);
	}
}

static void restore_signals(const struct mask *old)
{
	int i;

	for (i = 0; i < NR_PASSED; i++)
		sigaction(passed[i], &old->actions[i], NULL);
	sigaction(SIGCHLD, &old->child, NULL);
	sigprocmask(SIG_SETMASK, &old->set, NULL);
}

static void exec_child(const struct mask *old, int out, const char *path, char **argv, char **env)
{
	int error;

	restore_signals(old);
	execve(path, argv, env);
	error = errno;
	if (write(out, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(126);
}

/* What the child writes is its exec's errno; a pipe that just ends is a success. */
static int read_exec_errno(int in)
{
	int error = 0;
	ssize_t n;

	do
		n = read(in, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == sizeof(error) ? error : 0;
}

static int start(struct child *c, const struct mask *old, const char *path, char **argv, char **env)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	c->pid = fork();
	if (c->pid == 0)
		exec_child(old, ends[1], path, argv, env);
	close(ends[1]);
	child_pid = c->pid;
	if (c->pid > 0)
		sigprocmask(SIG_SETMASK, &old->set, NULL);
	if (c->pid > 0)
		c->exec_errno = read_exec_errno(ends[0]);
	close(ends[0]);
	return c->pid < 0 ? -1 : 0;
}

/* Java and other runtimes catch a signal and say by their status that it was the end. */
static bool ended_by_told_signal(int status)
{
	if (WIFSIGNALED(status))
		return came[WTERMSIG(status)];
	return WEXITSTATUS(status) > 128 && WEXITSTATUS(status) < 128 + _NSIG &&
	       came[WEXITSTATUS(status) - 128];
}

static void wait_for(struct child *c)
{
	struct timespec ts;

	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	/* Its number may be somebody else's from now on. */
	child_pid = 0;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	c->end_ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	c->was_told = ended_by_told_signal(c->status);
}

int child_run(struct child *c, const char *path, char **argv, char **env)
{
	struct mask old;
	sigset_t all;
	int error;

	memset(c, 0, sizeof(*c));
	memset((void *)came, 0, sizeof(came));
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old.set);
	catch_signals(&old);
	witness_start();
	error = start(c, &old, path, argv, env);
	if (!error)
		wait_for(c);
	witness_stop();
	restore_signals(&old);
	return error;
}
