/* SPDX-License-Identifier: MIT */
/* The directory that one run's recordings go to: private, and nobody else's trap. */
#include "run_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"

#define TRIES 1000

static int fail(struct strbuf *why, const char *path, const char *what)
{
	strbuf_addf(why, "%s: %s", path, what);
	return -1;
}

/* Whatever the umask is: the program must be able to write there as well. */
static int make_dir(const char *path)
{
	return mkdir(path, 0700) || chmod(path, 0700);
}

/* In /tmp anybody may have made it first, as a link to somewhere or with others let in. */
static int make_private(const char *path, struct strbuf *why)
{
	struct stat st;

	if (make_dir(path) && errno != EEXIST)
		return fail(why, path, strerror(errno));
	if (lstat(path, &st) < 0)
		return fail(why, path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return fail(why, path,
			    "not a directory of yours alone: remove it, or name one with --dir");
	return 0;
}

static char *make_unique(const char *base, const char *program, struct strbuf *why)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		char *path = i ? xstrfmt("%s/%s-%d.%d", base, program, (int)getpid(), i)
			       : xstrfmt("%s/%s-%d", base, program, (int)getpid());

		if (!make_dir(path))
			return path;
		if (errno != EEXIST) {
			fail(why, path, strerror(errno));
			free(path);
			return NULL;
		}
		free(path);
	}
	fail(why, base, "full of old recordings: remove them");
	return NULL;
}

static char *make_temporary(const char *program, struct strbuf *why)
{
	const char *tmp = getenv("TMPDIR");
	char *base = xstrfmt("%s/socklint-%u", tmp && *tmp ? tmp : "/tmp", (unsigned)geteuid());
	char *path = make_private(base, why) ? NULL : make_unique(base, program, why);

	free(base);
	return path;
}

static char *make_asked(const char *path, struct strbuf *why)
{
	if (make_dir(path) && errno != EEXIST) {
		fail(why, path, strerror(errno));
		return NULL;
	}
	if (access(path, W_OK | X_OK) < 0) {
		fail(why, path, strerror(errno));
		return NULL;
	}
	return xstrdup(path);
}

/* The shim needs it absolute, since the program may change its directory. */
static char *make_absolute(char *path, struct strbuf *why)
{
	char *absolute = realpath(path, NULL);

	if (!absolute)
		fail(why, path, strerror(errno));
	free(path);
	if (absolute && strchr(absolute, ':')) {
		fail(why, absolute,
		     "the shim cannot be told a path with ':' in it: name another "
		     "with --dir");
		free(absolute);
		return NULL;
	}
	return absolute;
}

/* Its blocks are there before it is written: a hole on a full disk is SIGBUS. */
static struct rec_summary *map_summary(int fd)
{
	struct rec_summary *s;

	errno = posix_fallocate(fd, 0, REC_SUMMARY_BYTES);
	if (errno)
		return NULL;
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return NULL;
	s->version = REC_VERSION;
	s->bytes = sizeof(*s);
	memcpy(s->magic, REC_SUMMARY_MAGIC, sizeof(s->magic));
	return s;
}

static int make_summary(struct run_dir *d, struct strbuf *why)
{
	char *path = xstrfmt("%s/%s", d->path, REC_SUMMARY_NAME);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && !fchmod(fd, 0600))
		d->summary = map_summary(fd);
	if (!d->summary)
		fail(why, path,
		     errno == EEXIST ? "there are recordings already: name a new directory"
				     : strerror(errno));
	if (fd >= 0 && !d->summary)
		unlink(path);
	if (fd >= 0)
		close(fd);
	if (!d->summary && d->temporary)
		rmdir(d->path);
	free(path);
	return d->summary ? 0 : -1;
}

int run_dir_make(struct run_dir *d, const char *asked, const char *program, struct strbuf *why)
{
	char *path = asked ? make_asked(asked, why) : make_temporary(program, why);

	memset(d, 0, sizeof(*d));
	d->temporary = !asked;
	if (path)
		d->path = make_absolute(path, why);
	if (!d->path)
		return -1;
	return make_summary(d, why);
}

static bool is_ours(const char *name)
{
	return !strcmp(name, REC_SUMMARY_NAME) || text_has_ending(name, REC_SUFFIX);
}

void run_dir_remove(const struct run_dir *d)
{
	DIR *dir = opendir(d->path);
	struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (is_ours(e->d_name))
			unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
	rmdir(d->path);
}

void run_dir_release(struct run_dir *d)
{
	if (d->summary)
		munmap(d->summary, sizeof(*d->summary));
	free(d->path);
	memset(d, 0, sizeof(*d));
}
