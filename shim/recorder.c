/* SPDX-License-Identifier: MIT */
/*
 * The recording as a file: made when first needed, by one thread. What cannot be recorded is
 * counted, and the guest runs on.
 */
#include "recorder.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "gate.h"
#include "house.h"
#include "images.h"
#include "inherit.h"
#include "kept.h"
#include "load.h"
#include "modules.h"
#include "recording.h"
#include "room.h"
#include "rundir.h"
#include "shim.h"
#include "sites.h"
#include "summary.h"
#include "sys.h"
#include "text.h"
#include "thread.h"
#include "unwinder.h"
#include "words.h"

#define IMAGES_MAX  1000u /* recordings of one pid */
#define FIRST_UNITS 16u	  /* header, sites, modules, progress, incidents, lives, pollers; 3 spare */

void recorder_lost(uint64_t *counter)
{
	word_add(counter, 1);
}

static void exe_from_start(struct rec_header *h)
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	struct text t = text_in(h->exe, sizeof(h->exe));

	text_add(&t, name ? name : "");
}

/* "32768\t60999\n" */
static void describe_ports(struct rec_header *h)
{
	char text[32];
	long n = text_read_file("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text));
	uint32_t ports[2] = {0, 0}, nr = 0;

	for (long i = 0; i < n && nr < 2; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			ports[nr] = ports[nr] * 10 + (uint32_t)(text[i] - '0');
		else
			nr++;
	}
	h->port_lo = ports[0];
	h->port_hi = ports[1];
}

static void describe_process(struct rec_header *h)
{
	struct process_id id;
	long n = sys_readlink("/proc/self/exe", h->exe, sizeof(h->exe) - 1);

	h->exe[n > 0 ? n : 0] = '\0';
	if (n <= 0) /* no /proc here */
		exe_from_start(h);
	n = text_read_file("/proc/self/cmdline", h->cmdline, sizeof(h->cmdline) - 1);
	h->cmdline_bytes = n > 0 ? (uint32_t)n : 0;
	n = text_read_file("/proc/sys/kernel/hostname", h->host, sizeof(h->host) - 1);
	h->host[n > 0 ? n - 1 : 0] = '\0';
	describe_ports(h);
	if (process_id_read(&id, shim.pid))
		h->starttime = id.starttime;
	h->pid = (uint32_t)shim.pid;
	h->parent_pid = (uint32_t)shim.parent_pid;
	h->start_ns = shim.start_ns;
	h->start_real_ns = shim.start_real_ns;
}

static void head_fill(struct rec_header *h)
{
	const struct rec_header *before = shim.head;

	describe_process(h);
	h->flags = before->flags | (shim.forked ? REC_HEADER_FORKED : 0);
	if (!unwinder_present())
		h->flags |= REC_HEADER_NO_UNWINDER;
	h->fd_limit = before->fd_limit;
	h->births_without_stack = before->births_without_stack;
	h->lost_lives = before->lost_lives;
	h->nr_sites = shim.nr_sites;
	h->version = REC_VERSION;
	h->header_bytes = sizeof(*h);
	h->unit_bytes = REC_UNIT;
	h->file_bytes = (uint64_t)FIRST_UNITS * REC_UNIT;
}

static int file_create(void)
{
	int fd = -EEXIST;

	for (uint32_t image = 0; fd == -EEXIST && image < IMAGES_MAX; image++) {
		struct text t = text_in(shim.path, sizeof(shim.path));

		if (!image_path(&t, image))
			return -ENAMETOOLONG;
		fd = sys_create(shim.path);
		shim.image = image;
	}
	return fd;
}

static bool tables_make(void)
{
	shim.progress = room_chunk(REC_CHUNK_PROGRESS, REC_PROGRESS_UNITS, 0, REC_PROGRESS_NR,
				   sizeof(struct rec_progress));
	shim.incidents = room_chunk(REC_CHUNK_INCIDENTS, 1, 0, REC_INCIDENTS_NR,
				    sizeof(struct rec_incident));
	return shim.progress && shim.incidents;
}

/* Returns 0 or -errno. */
static int file_make(void)
{
	int fd = file_create();
	char *base;
	int error;

	if (fd < 0)
		return fd;
	base = room_map(fd, 0, FIRST_UNITS, &error);
	sys_close(fd);
	if (!base) {
		sys_unlink(shim.path);
		return error;
	}
	head_fill((struct rec_header *)base);
	word_set_release(&shim.head, (struct rec_header *)base);
	room_begin(base, FIRST_UNITS, 1);
	error = tables_make() && sites_inherit() && modules_inherit() && lives_inherit() ? 0
											 : -ENOSPC;
	kept_inherit();
	modules_catch_up();
	memcpy(shim.head->magic, REC_MAGIC, 8);
	return error;
}

/* A guest out of descriptors may have one again later. */
static bool is_passing(int error)
{
	return error == -EMFILE || error == -ENFILE;
}

static int make(void)
{
	int r = shim.run_dir[0] ? 0 : rundir_make();

	if (r) {
		shim.run_dir[0] = '\0';
		return r;
	}
	if (!shim.summary)
		summary_open(shim.run_dir, true);
	blind_tell_summary();
	if (summary_refuses())
		return -ENOSPC;
	r = file_make();
	if (r && !is_passing(r))
		summary_failed(-r);
	else if (!r && shim.summary)
		word_add(&shim.summary->made, 1);
	return r;
}

static uint32_t gave_up_on; /* a thread that makes it, and was waited for in vain */

/* Another thread is at it: it needs well under a millisecond. In its own signal handler: no. */
static bool wait_for_other(void)
{
	uint32_t who = word_get(&shim.attaching_tid);

	for (int i = 0; i < 200 && who != thread_tid() && who != word_get(&gave_up_on); i++) {
		uint32_t state = word_get_acquire(&shim.attach);

		if (state != ATTACHING)
			return state == ATTACHED;
		sys_sleep_ns(50000);
		who = word_get(&shim.attaching_tid);
	}
	word_set(&gave_up_on, who);
	return false;
}

/* Too late: a filter came before the first socket. The run's summary can still be told. */
static bool attach_sealed(void)
{
	uint32_t state = DETACHED;

	if (word_cas(&shim.attach, &state, ATTACH_FAILED))
		summary_failed(EPERM);
	return state == ATTACHED;
}

/* With signals held: a handler that jumped out would leave all threads waiting for this one. */
static bool attach(void)
{
	uint32_t state = DETACHED;
	struct stay stay;
	int r;

	if (!word_cas(&shim.attach, &state, ATTACHING))
		return state == ATTACHED || (state == ATTACHING && wait_for_other());
	word_set(&gave_up_on, 0);
	word_set(&shim.attaching_tid, thread_tid());
	gate_hold(&stay);
	r = make();
	gate_release(&stay);
	shim.head->grow_errno = (uint64_t)-r;
	word_set(&shim.attaching_tid, 0);
	state = !r ? ATTACHED : is_passing(r) ? DETACHED : ATTACH_FAILED;
	word_set_release(&shim.attach, state);
	return state == ATTACHED;
}

COLD bool recorder_attach(void)
{
	struct stay stay;
	bool ok;

	if (shim.sealed)
		return attach_sealed();
	if (word_get(&shim.attach) == ATTACH_FAILED)
		return false;
	ok = stay_begin(&stay) && attach();
	stay_end(&stay);
	return ok;
}
