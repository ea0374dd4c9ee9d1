/* SPDX-License-Identifier: MIT */
/* fork, vfork, exec, lost privileges, seccomp. */
#include "guest.h"

/* The vfork child closes and ends; it is the parent's table that must not change. */
int guest_vfork(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), leaked[3], status;

	(void)argc, (void)argv;
	for (int i = 0; i < 3; i++)
		leaked[i] = leak_one(listener, &addr);
	pid_t pid = vfork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++)
			close(leaked[i]);
		dup2(listener, leaked[0]);
		for (int i = 0; i < 3; i++) /* takes the numbers just closed */
			socket(AF_INET, SOCK_DGRAM, 0);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("child %d\n", WEXITSTATUS(status));
	serve_one(listener, &addr);
	return 0;
}

int guest_fork_idle(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;

	(void)argc, (void)argv;
	for (int i = 0; i < 5; i++) {
		if (fork() == 0)
			_exit(0);
		wait(&status);
	}
	close(listener);
	return 0;
}

/* A worker that gives up its privileges and its root before it accepts, as servers do. */
int guest_confined(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;

	(void)argc, (void)argv;
	if (fork() == 0) {
		must(chroot("/var/empty") == 0 || chroot("/usr/share/empty") == 0 ||
			     chroot("/proc/self/fdinfo") == 0,
		     "chroot");
		must(chdir("/") == 0 && setgid(65534) == 0 && setuid(65534) == 0, "setuid");
		for (int i = 0; i < 300; i++)
			leak_one(listener, &addr);
		_exit(0);
	}
	wait(&status);
	printf("worker %d\n", WEXITSTATUS(status));
	return 0;
}

/* Gives up its privileges before it has a socket. */
int guest_unprivileged(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener;

	(void)argc, (void)argv;
	must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
	listener = listen_any(&addr);
	for (int i = 0; i < 3; i++)
		leak_one(listener, &addr);
	return 0;
}

static void say(const char *line)
{
	syscall(SYS_write, 1, line, strlen(line));
}

static void filter_all_but(const int *allowed, size_t nr)
{
	struct sock_filter code[80] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	struct sock_fprog program = {1, code};

	for (size_t i = 0; i < nr; i++) {
		code[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								   (unsigned)allowed[i], 0, 1);
		code[program.len++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[program.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		say("no filter\n");
}

static void *accept_and_close(void *arg)
{
	(void)arg;
	close(accept(thread_listener, NULL, NULL));
	say("served\n");
	return NULL;
}

/* After its confinement the program may call what it needs, and nothing that the shim adds. */
int guest_sealed(int argc, char **argv)
{
	static const int all[] = {SYS_read,
				  SYS_write,
				  SYS_accept,
				  SYS_close,
				  SYS_exit,
				  SYS_exit_group,
				  SYS_wait4,
				  SYS_clone,
				  SYS_clone3,
				  SYS_futex,
				  SYS_set_robust_list,
				  SYS_rseq,
				  SYS_mmap,
				  SYS_munmap,
				  SYS_mprotect,
				  SYS_madvise,
				  SYS_brk,
				  SYS_rt_sigprocmask,
				  SYS_rt_sigaction,
				  SYS_getrandom,
				  SYS_prlimit64,
				  SYS_sched_getaffinity};
	const char *how = argc > 0 ? argv[0] : "strict";
	int client, server, status = 0;
	pthread_t t;
	char byte;

	thread_listener = listen_any(&thread_addr);
	client = connect_to(&thread_addr);
	server = accept_client(thread_listener);
	connect_to(&thread_addr);
	shutdown(client, SHUT_WR);
	if (!strcmp(how, "strict"))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "strict_prctl_call"))
		syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	else if (!strcmp(how, "strict_call"))
		syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
	else
		filter_all_but(all, sizeof(all) / sizeof(all[0]));
	say(read(server, &byte, 1) == 0 ? "EOF\n" : "no EOF\n");
	if (!strncmp(how, "strict", 6))
		syscall(SYS_exit, 0);
	if (!strcmp(how, "thread") && !pthread_create(&t, NULL, accept_and_close, NULL))
		pthread_join(t, NULL);
	if (!strcmp(how, "fork") && fork() == 0)
		_exit(close(server) == 0 ? 7 : 8);
	wait(&status);
	return WEXITSTATUS(status);
}

int guest_nothing(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("no socket here\n");
	return 0;
}

/* A child whose daemon() fails goes on as it was, and has its end yet to come. */
int guest_daemon_fails(int argc, char **argv)
{
	struct rlimit none = {0, 0};
	struct sockaddr_in addr;
	int listener = listen_any(&addr), status;
	int fd[5];

	(void)argc, (void)argv;
	if (fork() == 0) {
		must(setrlimit(RLIMIT_NPROC, &none) == 0 && setuid(65534) == 0, "setuid");
		must(daemon(1, 1) == -1, "daemon");
		for (int i = 0; i < 5; i++)
			fd[i] = leak_one(listener, &addr);
		serve_one(listener, &addr);
		for (int i = 0; i < 5; i++) /* by a door where only the end sees it */
			close_unseen(fd[i]);
		exit(0);
	}
	wait(&status);
	return 0;
}
