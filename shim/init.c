/* SPDX-License-Identifier: MIT */
/*
 * The start of the shim in a process image, and its options. Runs in the constructor, or, all but
 * libunwind, in the first hook that anybody calls before it. Nothing of the guest's is touched here
 * but memory.
 */
#include "shim.h"

struct options options = {
	.report = REPORT_EXIT,
	.on_signal = true,
	.depth = 32,
	.max_files = 4096,
	.max_size = 256u << 20,
};

struct shim shim;
__thread struct thread thread;

enum { START_NOT_YET, START_UNDER_WAY, START_DONE };
static uint32_t start_state;

enum { ALIVE_NO, ALIVE_YES, ALIVE_BEING_REBORN };
static uint32_t alive_without_page;
uint32_t *init_alive = &alive_without_page;

static struct rec_header no_head; /* counts until there is a recording */
static struct rec_life *first_lives[LIVES_L2];

static bool option_is(const char *item, const char *end, const char *key, const char **value)
{
	size_t n = strlen(key);

	if ((size_t)(end - item) < n || memcmp(item, key, n) != 0)
		return false;
	*value = item + n;
	return true;
}

static uint64_t option_number(const char *s, const char *end)
{
	uint64_t n = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	if (s < end && (*s == 'k' || *s == 'K'))
		n <<= 10;
	else if (s < end && (*s == 'm' || *s == 'M'))
		n <<= 20;
	else if (s < end && (*s == 'g' || *s == 'G'))
		n <<= 30;
	return n;
}

static bool value_is(const char *value, const char *end, const char *word)
{
	return (size_t)(end - value) == strlen(word) && !memcmp(value, word, strlen(word));
}

/* A relative path is meant from where the program was started, wherever it goes later. */
static void option_dir(const char *value, size_t n)
{
	struct text t = text_in(options.dir, sizeof(options.dir));

	if (n && *value != '/' && SYS2(SYS_getcwd, options.dir, sizeof(options.dir)) > 0) {
		t.len = strlen(options.dir);
		text_add(&t, "/");
	}
	text_add_n(&t, value, n);
	if (t.cut)
		options.dir[0] = '\0';
}

static void option_set(const char *item, const char *end)
{
	const char *value;
	uint64_t n;

	if (option_is(item, end, "dir=", &value)) {
		option_dir(value, (size_t)(end - value));
	} else if (option_is(item, end, "report=", &value)) {
		options.report = value_is(value, end, "none") ? REPORT_NONE : REPORT_EXIT;
	} else if (option_is(item, end, "on-signal=", &value)) {
		options.on_signal = !value_is(value, end, "none");
	} else if (option_is(item, end, "depth=", &value)) {
		n = option_number(value, end);
		options.depth = n < 1 ? 1 : n > REC_SITE_FRAMES ? REC_SITE_FRAMES : (uint32_t)n;
	} else if (option_is(item, end, "max-files=", &value)) {
		options.max_files = (uint32_t)option_number(value, end);
	} else if (option_is(item, end, "max-size=", &value)) {
		options.max_size = option_number(value, end);
	} else if (value_is(item, end, "help=1")) {
		static const char help[] =
			"socklint: SOCKLINT_OPTIONS=key=value:key=value\n"
			"  dir=PATH         where the recordings go, absolute (default: made in "
			"/tmp)\n"
			"  report=exit|none print findings on stderr when the first process ends\n"
			"  depth=1..60      frames kept of each stack (default 32)\n"
			"  on-signal=none   do not catch SIGTERM, SIGINT, SIGHUP that would kill\n"
			"  max-files=N      recordings per directory (default 4096)\n"
			"  max-size=N[kmg]  bytes per recording (default 256m)\n";
		SYS3(SYS_write, 2, help, sizeof(help) - 1);
	}
}

static void options_read(const char *s)
{
	while (s && *s) {
		const char *end = s + strcspn(s, ":");

		option_set(s, end);
		s = *end ? end + 1 : end;
	}
}

/* A word that every kind of fork sets back to zero: so a child notices, hook or no hook. */
static void alive_page_make(void)
{
	uint32_t *page = sys_mmap(-1, 0, 4096);

	if (page && SYS3(SYS_madvise, page, 4096, MADV_WIPEONFORK) == 0)
		init_alive = page;
}

/* A new process, or one whose recording is gone, counts from zero. */
void init_head_reset(void)
{
	uint64_t fd_limit = shim.head->fd_limit;

	memset(&no_head, 0, sizeof(no_head));
	no_head.fd_limit = fd_limit;
	shim.head = &no_head;
}

void init_alive_again(void)
{
	word_set_release(init_alive, ALIVE_YES);
}

static void start(void)
{
	struct rlimit limit;

	shim.pid = sys_getpid();
	shim.parent_pid = sys_getppid();
	shim.start_ns = now_ns();
	shim.start_real_ns = clock_ns(CLOCK_REALTIME);
	shim.head = &no_head;
	shim.lives[0] = first_lives;
	shim.next_id = 1;
	if (sys_fstat(2, &shim.stderr_at_start) < 0)
		shim.stderr_at_start.st_mode = 0;
	if (sys_getrlimit(RLIMIT_NOFILE, &limit) == 0)
		no_head.fd_limit = limit.rlim_cur;
	options_read(getenv("SOCKLINT_OPTIONS"));
	alive_page_make();
	tell_prepare();
	if (options.dir[0])
		recorder_open_summary(options.dir, false);
	if (options.on_signal)
		signals_arm_all();
	shim.started = true;
}

/* The slow half of hook_enter(): before the start, or in a child whose fork no hook saw. */
COLD bool init_or_reborn(void)
{
	int e = errno;
	bool ok = true;

	if (word_get_acquire(&start_state) == START_DONE) {
		ok = word_cas(init_alive, &(uint32_t){ALIVE_NO}, ALIVE_BEING_REBORN);
		if (ok)
			process_reborn(NULL);
	} else {
		real_resolve();
		/* In .preinit_array the C library knows no environment yet: nor we our options. */
		ok = environ && word_cas(&start_state, &(uint32_t){START_NOT_YET}, START_UNDER_WAY);
		if (ok) {
			start();
			init_alive_again();
			word_set_release(&start_state, START_DONE);
		}
	}
	errno = e;
	return ok;
}

/*
 * libunwind is loaded here and never in a hook: dlopen() allocates, and a hook may be called by an
 * allocator that holds its lock (jemalloc reads a file while it makes itself ready).
 */
__attribute__((constructor(101))) static void constructor(void)
{
	if (!hook_enter())
		return;
	unwinder_load();
	unwinder_warm();
	if (unwinder_present()) /* a socket of an earlier constructor may have made the recording */
		shim.head->flags &= ~(uint32_t)REC_HEADER_NO_UNWINDER;
}

__attribute__((destructor(101))) static void destructor(void)
{
	end_record(REC_END_RETURN, 0);
}
