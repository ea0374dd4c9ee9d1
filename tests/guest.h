/* SPDX-License-Identifier: MIT */
/*
 * Small programs in one, to be run with and without the shim: `guest NAME [ARGS]`. Each prints
 * what it can see of itself, the same in both runs if the shim is invisible. Nothing printed may
 * depend on the run: no pid, no port, no address. One is a function guest_NAME() and a row here.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <alloca.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUESTS(X)                                                                                  \
	X(descriptors)                                                                             \
	X(closer)                                                                                  \
	X(errno)                                                                                   \
	X(interrupted)                                                                             \
	X(bad_pointers)                                                                            \
	X(stack_base)                                                                              \
	X(accept_address)                                                                          \
	X(early_allocator)                                                                         \
	X(malloc)                                                                                  \
	X(hooks)                                                                                   \
	X(calls)                                                                                   \
	X(fork_storm)                                                                              \
	X(thread_per_connection)                                                                   \
	X(count_signals)                                                                           \
	X(filtered)                                                                                \
	X(plugin)                                                                                  \
	X(ended)                                                                                   \
	X(end)                                                                                     \
	X(signals)                                                                                 \
	X(exchanged_handlers)                                                                      \
	X(context_unasked)                                                                         \
	X(cancel)                                                                                  \
	X(vfork)                                                                                   \
	X(fork_idle)                                                                               \
	X(sealed)                                                                                  \
	X(confined)                                                                                \
	X(unprivileged)                                                                            \
	X(nothing)                                                                                 \
	X(file_limit)                                                                              \
	X(dup)                                                                                     \
	X(unseen_doors)                                                                            \
	X(daemon)                                                                                  \
	X(leak_in_child)                                                                           \
	X(dup_in_child)                                                                            \
	X(child_refused)                                                                           \
	X(atfork)                                                                                  \
	X(killed_while_loading)                                                                    \
	X(first_of_namespace)                                                                      \
	X(watch_children)                                                                          \
	X(client_on_stderr)                                                                        \
	X(double_close)                                                                            \
	X(close_loop)                                                                              \
	X(double_close_of_file)                                                                    \
	X(use_after_close)                                                                         \
	X(use_of_others)                                                                           \
	X(hurried_client)                                                                          \
	X(unread_at_close)                                                                         \
	X(closed_under_reader)                                                                     \
	X(late_close)                                                                              \
	X(exhausted)                                                                               \
	X(mistakes)                                                                                \
	X(daemon_fails)                                                                            \
	X(exchange)                                                                                \
	X(serve)                                                                                   \
	X(crowd)                                                                                   \
	X(wait)                                                                                    \
	X(waits)                                                                                   \
	X(wait_results)                                                                            \
	X(leak_and_leave)                                                                          \
	X(leak)                                                                                    \
	X(clean)                                                                                   \
	X(leak_late)                                                                               \
	X(pass)                                                                                    \
	X(pass_truncated)                                                                          \
	X(pass_to_worker)                                                                          \
	X(pass_many)                                                                               \
	X(pass_hostile)                                                                            \
	X(activated)                                                                               \
	X(inetd)                                                                                   \
	X(leak_and_exec)                                                                           \
	X(hand_to_exec)                                                                            \
	X(inetd_kept)                                                                              \
	X(unseen_births)                                                                           \
	X(pair)                                                                                    \
	X(alias)                                                                                   \
	X(leak_and_wait)                                                                           \
	X(death)                                                                                   \
	X(exec_cloexec)                                                                            \
	X(raw_leak)                                                                                \
	X(raw)                                                                                     \
	X(stream)                                                                                  \
	X(stdio_server)                                                                            \
	X(inline_close)                                                                            \
	X(uring)                                                                                   \
	X(plugins)                                                                                 \
	X(children)                                                                                \
	X(clone)                                                                                   \
	X(spawn)                                                                                   \
	X(fork_in_threads)                                                                         \
	X(fork_beside)                                                                             \
	X(fork_beside_loader)                                                                      \
	X(listens_again)                                                                           \
	X(becomes)                                                                                 \
	X(fails_to_become)                                                                         \
	X(exec_fails)                                                                              \
	X(small_signal_stack)                                                                      \
	X(fork_in_handler)                                                                         \
	X(double_fork)                                                                             \
	X(prefork)                                                                                 \
	X(exec_chain)                                                                              \
	X(shell)                                                                                   \
	X(exit_under_threads)                                                                      \
	X(thread_exit)                                                                             \
	X(cancel_in)                                                                               \
	X(handler_storm)                                                                           \
	X(jump_storm)                                                                              \
	X(jump_out_of_fork)                                                                        \
	X(race)                                                                                    \
	X(stalled)                                                                                 \
	X(coroutines)                                                                              \
	X(deep)                                                                                    \
	X(altstack)                                                                                \
	X(jit_changes)                                                                             \
	X(reloaded)                                                                                \
	X(reloads)                                                                                 \
	X(reloads_beside)

#define GUEST_DECLARE(name) int guest_##name(int argc, char **argv);
GUESTS(GUEST_DECLARE)
#undef GUEST_DECLARE

/* Counted in guest.c, whose malloc() takes the C library's place. */
extern unsigned long mallocs, mallocs_in_set_up;
extern bool in_set_up;
extern __thread bool stop_in_malloc;
unsigned long *mallocs_share(void);

/* What the threads of a guest serve. */
extern int thread_listener;
extern struct sockaddr_in thread_addr;

void must(bool ok, const char *what);
void print_sockets(void);
void leak_three(void);
int listen_any(struct sockaddr_in *addr);
int connect_to(const struct sockaddr_in *addr);
int socket_at_depth(int depth);
int through_jit(int (*f)(int), int arg);
int socket_through_jit(int depth);
int accept_client(int listener);
void stamp_itself(void);
int leak_one(int listener, const struct sockaddr_in *addr);
void close_unseen(int fd);
void serve_one(int listener, const struct sockaddr_in *addr);

#endif
