/* SPDX-License-Identifier: MIT */
/*
 * What earlier images of this process left behind. An exec may fail, so a recording that has
 * nothing to tell once it has succeeded cannot go before; it is marked, and goes when a later image
 * of the same process (pid and start time) shows that it did.
 */
#include "images.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "gate.h"
#include "house.h"
#include "options.h"
#include "recording.h"
#include "rundir.h"
#include "shim.h"
#include "summary.h"
#include "sys.h"
#include "text.h"
#include "words.h"

bool image_path(struct text *t, uint32_t image)
{
	text_add(t, shim.run_dir[0] ? shim.run_dir : options.dir);
	text_add(t, "/");
	text_add_number(t, (uint64_t)shim.pid);
	text_add(t, ".");
	text_add_number(t, image);
	text_add(t, REC_SUFFIX);
	return !t->cut;
}

static struct rec_header *header_map(const char *path, bool *is_there)
{
	struct rec_header *h = NULL;
	struct stat st;
	int fd = sys_open_own(path);

	*is_there = fd >= 0;
	if (fd < 0)
		return NULL;
	if (sys_fstat(fd, &st) == 0 && st.st_size >= (off_t)REC_UNIT)
		h = sys_mmap(fd, 0, REC_UNIT);
	sys_close(fd);
	return h;
}

static bool is_marked(const struct rec_header *h, uint32_t marks)
{
	struct process_id id;

	return !memcmp(h->magic, REC_MAGIC, 8) && h->version == REC_VERSION &&
	       h->pid == (uint32_t)shim.pid && h->end_kind == REC_END_EXEC && (h->flags & marks) &&
	       h->starttime && process_id_read(&id, shim.pid) && id.starttime == h->starttime;
}

/* Returns whether there is a recording of that number. */
static bool drop(uint32_t image, uint32_t marks)
{
	char path[sizeof(shim.path)];
	struct text t = text_in(path, sizeof(path));
	bool is_there = false;
	struct rec_header *h = image_path(&t, image) ? header_map(path, &is_there) : NULL;

	if (!h)
		return is_there;
	if (is_marked(h, marks) && sys_unlink(path) == 0)
		summary_folded(h);
	sys_munmap(h, REC_UNIT);
	return true;
}

static void drop_all(uint32_t marks)
{
	struct stay stay;

	if (gate_hold(&stay))
		for (uint32_t image = 0; drop(image, marks); image++)
			;
	gate_release(&stay);
}

/* At the start: what was open is closed now. Where all recordings are gone nobody need look. */
void images_drop_spent(void)
{
	const struct rec_summary *s = shim.summary;

	if (s && word_get(&s->made) != word_get(&s->folded))
		drop_all(REC_HEADER_SPENT);
}

/*
 * At the end, with nothing to tell: nor need anybody be told where the sockets came from that this
 * image was started with, unless it may have passed them on itself.
 */
void images_drop_origins(void)
{
	if (!shim.forked && !shim.forked_ns && !word_get(&shim.programs_started))
		drop_all(REC_HEADER_SPENT | REC_HEADER_ORIGINS);
}
