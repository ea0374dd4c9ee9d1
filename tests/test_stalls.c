/* SPDX-License-Identifier: MIT */
/*
 * A stalled thread never blocks another, nor does a reader of the recording: one thread is stepped
 * through the shim, instruction by instruction, and left where it is, while the other opens, uses
 * and closes sockets, needs room, forks and ends. Who waits for a stalled one never answers.
 */
#include "running.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collection.h"
#include "stalls.h"

#define LIMIT_S	  30	    /* for what takes a millisecond; a lease is broken after 45 */
#define STEPS_MAX 20000000L /* a hundred times what there are */
#define FINDING	  "error: close-wait (eof-ignored): 3 sockets opened in accept_client"

struct range {
	uintptr_t lo, hi;
};

struct stage {
	char *dir;
	struct stalls *stalls;
	struct child guest;
	struct range program, shim;
	pid_t victim; /* while it is traced */
	pid_t reader; /* of the recording */
	bool inside;  /* the victim is, of the shim or of what that has called */
	long steps;
};

static struct stage stage;

static uint32_t get(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* ---- the guest ---- */

static struct stalls *stalls_make(const char *path)
{
	struct stalls *s;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(fd, sizeof(*s)), 0);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(s, MAP_FAILED);
	close(fd);
	return s;
}

static void guest_start(void)
{
	char path[300], options[300];

	if (!stage.dir)
		stage.dir = scratch_make();
	snprintf(path, sizeof(path), "%s/stalls", stage.dir);
	snprintf(options, sizeof(options), "dir=%s/run:report=none", stage.dir);
	stage.stalls = stalls_make(path);
	stage.guest = child_start(&(struct start){
		.argv = ARGV(GUEST, "stalled", path), .preload = SHIM, .options = options});
	for (int i = 0; !get(&stage.stalls->victim_tid) && i < LIMIT_S * 1000; i++)
		usleep(1000);
	assert_int_not_equal(get(&stage.stalls->victim_tid), 0);
}

/* For who looks into a failure: the mapping that it is in. */
static void where_victim_is(void)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;
	char path[64], line[600];
	unsigned long lo, hi;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)stage.guest.pid);
	f = fopen(path, "re");
	while (f && stage.victim && !ptrace(PTRACE_GETREGS, stage.victim, NULL, &regs) &&
	       fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &lo, &hi) == 2 && regs.rip >= lo && regs.rip < hi)
			print_message("after %ld steps the victim is at %#llx of %s", stage.steps,
				      regs.rip - lo, line);
	if (f)
		fclose(f);
#endif
}

/* Asks the thread that is not stalled, and waits for its answer. */
static void ask(uint32_t what)
{
	struct stalls *s = stage.stalls;
	struct timespec second = {1, 0};
	uint32_t nr = s->answered;

	s->what = what;
	__atomic_store_n(&s->ask, nr + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &s->ask, FUTEX_WAKE, 1, NULL, NULL, 0);
	for (int i = 0; get(&s->answered) == nr && i < LIMIT_S; i++)
		syscall(SYS_futex, &s->answered, FUTEX_WAIT, nr, &second, NULL, 0);
	if (get(&s->answered) != nr)
		return;
	where_victim_is();
	fail_msg("no answer to %u", what);
}

/* The victim, if traced, is waited for as well: else the program stays a zombie. */
static void guest_ends(void)
{
	struct run run;
	int status;

	for (int i = 0; stage.victim && i < LIMIT_S * 1000; i++) {
		if (waitpid(stage.victim, &status, WNOHANG | __WALL) && !WIFSTOPPED(status))
			stage.victim = 0;
		else
			usleep(1000);
	}
	if (stage.victim) {
		where_victim_is();
		fail_msg("the guest does not end");
	}
	run = child_finish(&stage.guest);
	stage.guest.pid = 0;
	assert_string_equal(run.out, "through\n");
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	run_release(&run);
}

static int clean_up(void **state)
{
	(void)state;
	if (stage.guest.pid) {			 /* failed */
		kill(-stage.guest.pid, SIGKILL); /* and its children; none if not so far */
		kill(stage.guest.pid, SIGKILL);
		if (stage.victim)
			waitpid(stage.victim, NULL, __WALL);
		waitpid(stage.guest.pid, NULL, 0);
	}
	if (stage.reader) {
		kill(stage.reader, SIGKILL);
		waitpid(stage.reader, NULL, 0);
	}
	if (stage.stalls)
		munmap(stage.stalls, sizeof(*stage.stalls));
	if (stage.dir)
		scratch_remove(stage.dir);
	stage = (struct stage){0};
	return 0;
}

/* ---- the victim ---- */

static struct range code_of(const char *path)
{
	char maps[64], line[600], *real = realpath(path, NULL);
	unsigned long lo = 0, hi = 0;
	bool found = false;
	FILE *f;

	snprintf(maps, sizeof(maps), "/proc/%d/maps", (int)stage.guest.pid);
	f = fopen(maps, "re");
	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, real) && sscanf(line, "%lx-%lx r-xp", &lo, &hi) == 2 &&
			strstr(line, " r-xp ");
	fclose(f);
	free(real);
	assert_true(found);
	return (struct range){lo, hi};
}

/* It may act once more, and is held before it does. */
static void victim_hold(void)
{
	pid_t tid = (pid_t)get(&stage.stalls->victim_tid);
	int status;

	stage.program = code_of(GUEST);
	stage.shim = code_of(SHIM);
	stage.inside = false;
	stage.steps = 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		skip(); /* not allowed here */
	stage.victim = tid;
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	assert_true(WIFSTOPPED(status));
	__atomic_store_n(&stage.stalls->go, stage.stalls->done + 1, __ATOMIC_RELEASE);
}

static void victim_let_go(void)
{
	assert_int_equal(ptrace(PTRACE_DETACH, stage.victim, NULL, NULL), 0);
	stage.victim = 0;
}

static bool within(struct range range, uintptr_t pc)
{
	return pc >= range.lo && pc < range.hi;
}

/* One instruction. Returns false when it has acted. */
static bool victim_step(void)
{
#if defined(__x86_64__)
	uintptr_t pc;
	int status;

	if (get(&stage.stalls->done) == get(&stage.stalls->go))
		return false;
	assert_in_range(++stage.steps, 1, STEPS_MAX);
	assert_int_equal(ptrace(PTRACE_SINGLESTEP, stage.victim, NULL, NULL), 0);
	assert_int_equal(waitpid(stage.victim, &status, __WALL), stage.victim);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(WSTOPSIG(status), SIGTRAP);
	pc = (uintptr_t)ptrace(PTRACE_PEEKUSER, stage.victim,
			       offsetof(struct user_regs_struct, rip), NULL);
	if (within(stage.shim, pc))
		stage.inside = true;
	else if (within(stage.program, pc))
		stage.inside = false;
	return true;
#else
	skip();
	return false;
#endif
}

/* To where the shim is about to promise blocks to the file: a disk may take long. */
static void step_to_fallocate(void)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	victim_hold();
	do {
		assert_true(victim_step());
		assert_int_equal(ptrace(PTRACE_GETREGS, stage.victim, NULL, &regs), 0);
	} while (regs.rax != SYS_fallocate || !within(stage.shim, regs.rip) ||
		 (ptrace(PTRACE_PEEKTEXT, stage.victim, regs.rip, NULL) & 0xffff) != 0x050f);
#else
	skip();
#endif
}

/* Until it has acted: it is not held any more. */
static void victim_wait(void)
{
	for (int i = 0; get(&stage.stalls->done) != get(&stage.stalls->go) && i < LIMIT_S * 1000;
	     i++)
		usleep(1000);
	assert_int_equal(get(&stage.stalls->done), get(&stage.stalls->go));
}

static void victim_goes_on(void)
{
	victim_let_go();
	victim_wait();
}

/*
 * Steps it to where it has acted; at each `every`th instruction within the shim the other thread
 * lives, and now and then does what else there is. Returns at how many.
 */
static uint32_t step_through(uint32_t every)
{
	uint32_t nr = 0, stops = 0;

	victim_hold();
	while (victim_step()) {
		if (!stage.inside || nr++ % every)
			continue;
		ask((stops % 4 ? STALLS_LIFE : STALLS_PLACE) | (stops % 41 ? 0 : STALLS_ROOM) |
		    (stops % 97 ? 0 : STALLS_FORK));
		stops++;
	}
	victim_let_go();
	print_message("%u stops in %ld steps\n", stops, stage.steps);
	return stops;
}

/* ---- what was recorded ---- */

static const struct recording *of_guest(const struct collection *all)
{
	for (size_t i = 0; i < all->nr; i++)
		if (!(all->items[i]->header->flags & REC_HEADER_FORKED))
			return all->items[i];
	fail_msg("no recording");
	return NULL;
}

static void assert_found(void)
{
	char dir[300];
	struct run report;

	snprintf(dir, sizeof(dir), "%s/run", stage.dir);
	report = run_report(dir);
	assert_has_line(report.out, FINDING);
	assert_has_line(report.out, "socklint: 3 sockets leaked at 1 place");
	run_release(&report);
}

/* Who was refused a walk is not for ever: who leaks was called by someone. */
static void assert_stacks_are_whole(void)
{
	char dir[300];
	struct run report;

	snprintf(dir, sizeof(dir), "%s/run", stage.dir);
	report = run_report(dir);
	assert_non_null(strstr(report.out, " leak_three ("));
	run_release(&report);
}

static void assert_all_recorded(void)
{
	struct collection all = COLLECTION_INIT;
	const struct rec_header *h;
	char dir[300];

	snprintf(dir, sizeof(dir), "%s/run", stage.dir);
	collection_add(&all, dir);
	assert_int_equal(all.nr_complaints, 0);
	h = of_guest(&all)->header;
	assert_int_equal(h->births, stage.stalls->births);
	assert_int_equal(h->deaths, stage.stalls->deaths);
	assert_int_equal(h->lost_lives, 0);
	assert_int_equal(h->lost_sites, 0);
	assert_int_equal(h->lost_modules, 0);
	assert_int_equal(h->lost_outcomes, 0);
	assert_int_equal(h->lost_incidents, 0);
	collection_release(&all);
}

/* ---- a stalled thread ---- */

static void while_one_makes_the_recording(void **state)
{
	(void)state;
	guest_start();
	assert_in_range(step_through(211), 100, STEPS_MAX);
	ask(STALLS_LIFE | STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_found();
}

/* It is waited for once, not by each. */
static void while_one_waits_for_the_disk(void **state)
{
	(void)state;
	guest_start();
	step_to_fallocate();
	ask(STALLS_MANY);
	victim_goes_on();
	ask(STALLS_LIFE | STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_found();
}

/* The others have room without it: and not by so many small pieces that these are used up. */
static void while_one_makes_room(void **state)
{
	(void)state;
	guest_start();
	ask(STALLS_LIFE);
	stage.stalls->victim_needs_room = 1;
	step_to_fallocate();
	for (int i = 0; i < 600; i++)
		ask(STALLS_PLACE | STALLS_ROOM);
	victim_goes_on();
	ask(STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_all_recorded();
	assert_found();
}

/* Its stacks are walked, then they are known. */
static void while_one_opens_uses_and_closes(void **state)
{
	(void)state;
	guest_start();
	ask(STALLS_LIFE);
	assert_in_range(step_through(211), 100, STEPS_MAX);
	assert_in_range(step_through(61), 100, STEPS_MAX);
	assert_in_range(step_through(3), 100, STEPS_MAX);
	ask(STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_all_recorded();
	assert_found();
	assert_stacks_are_whole();
}

/* Whoever it was that was stalled, and wherever: it goes with the program. */
static void while_the_program_ends(void **state)
{
	(void)state;
	for (long i = 0, left; i < 8; i++) {
		guest_start();
		ask(STALLS_LIFE);
		victim_hold();
		for (left = i * i * 1500; left >= 0 && victim_step();)
			left -= stage.inside;
		assert_true(left < 0);
		ask(STALLS_FORK | STALLS_LEAK | STALLS_EXIT);
		guest_ends();
		assert_found();
		clean_up(NULL);
	}
}

/* Not the shim's own: the program's, in the loader, whose lock libunwind takes. */
static void while_one_is_in_the_loader(void **state)
{
	(void)state;
	guest_start();
	ask(STALLS_LIFE);
	stage.stalls->holds_loader = 1;
	__atomic_store_n(&stage.stalls->go, 1, __ATOMIC_RELEASE);
	for (int i = 0; get(&stage.stalls->holds_loader) != 2 && i < LIMIT_S * 1000; i++)
		usleep(1000);
	assert_int_equal(get(&stage.stalls->holds_loader), 2);
	for (int i = 0; i < 50; i++)
		ask(STALLS_LIFE | STALLS_PLACE | STALLS_ROOM | (i % 10 ? 0 : STALLS_FORK));
	__atomic_store_n(&stage.stalls->holds_loader, 0, __ATOMIC_RELEASE);
	victim_wait();
	ask(STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_all_recorded();
	assert_found();
	assert_stacks_are_whole();
}

/* ---- a stalled reader ---- */

/* Its descriptors stay open. */
static bool file_map_and_lock(int dir, const char *name)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && !flock(fd, LOCK_EX) &&
	       !fcntl(fd, F_OFD_SETLK, &whole) &&
	       mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0) !=
		       MAP_FAILED;
}

/* Who opens it to write waits until it is given back; to be had where nobody has it so. */
static bool file_lease(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && !fcntl(fd, F_SETLEASE, F_RDLCK);
}

/* Holds each file of the run's, and stops. */
static _Noreturn void reader_run(bool (*hold)(int dir, const char *name))
{
	char path[300];
	struct dirent *e;
	int nr = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/run", stage.dir);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			nr += hold(dirfd(d), e->d_name) ? 1 : -1000;
	if (nr > 0)
		raise(SIGSTOP);
	_exit(1);
}

static void reader_start(bool (*hold)(int dir, const char *name))
{
	int status;

	fflush(NULL);
	stage.reader = fork();
	if (stage.reader == 0)
		reader_run(hold);
	assert_int_equal(waitpid(stage.reader, &status, WUNTRACED), stage.reader);
	assert_true(WIFSTOPPED(status));
}

static void while_a_reader_has_it_locked(void **state)
{
	(void)state;
	guest_start();
	ask(STALLS_LIFE);
	reader_start(file_map_and_lock);
	for (int i = 0; i < 50; i++)
		ask(STALLS_LIFE | STALLS_PLACE | STALLS_ROOM | (i % 10 ? 0 : STALLS_FORK));
	ask(STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_all_recorded();
	assert_found();
}

/* Another process of the same run comes. */
static void while_a_reader_has_a_lease(void **state)
{
	char dir[300];
	struct run run;

	(void)state;
	stage.dir = scratch_make();
	snprintf(dir, sizeof(dir), "%s/run", stage.dir);
	run = run_guest(dir, "clean", NULL);
	assert_int_equal(run.status, 0);
	run_release(&run);
	reader_start(file_lease);
	guest_start();
	ask(STALLS_LIFE | STALLS_ROOM | STALLS_FORK);
	ask(STALLS_LEAK | STALLS_EXIT);
	guest_ends();
	assert_all_recorded();
	assert_found();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(while_one_makes_the_recording, clean_up),
		cmocka_unit_test_teardown(while_one_waits_for_the_disk, clean_up),
		cmocka_unit_test_teardown(while_one_makes_room, clean_up),
		cmocka_unit_test_teardown(while_one_opens_uses_and_closes, clean_up),
		cmocka_unit_test_teardown(while_the_program_ends, clean_up),
		cmocka_unit_test_teardown(while_one_is_in_the_loader, clean_up),
		cmocka_unit_test_teardown(while_a_reader_has_it_locked, clean_up),
		cmocka_unit_test_teardown(while_a_reader_has_a_lease, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
