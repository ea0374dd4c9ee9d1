/* SPDX-License-Identifier: MIT */
/* Which file a program is, and whether the shim can be loaded into it. */
#include "run_target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "options.h"

/* ---- finding ----------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* The first file of that name in PATH that may be executed, else the first that is there. */
static char *search_path(const char *name)
{
	const char *env = getenv("PATH"), *at = env ? env : "/bin:/usr/bin";
	char *second_best = NULL;

	while (at) {
		size_t len = strcspn(at, ":");
		char *path = len ? xstrfmt("%.*s/%s", (int)len, at, name) : xstrfmt("./%s", name);

		at = at[len] ? at + len + 1 : NULL;
		if (is_file(path) && !access(path, X_OK)) {
			free(second_best);
			return path;
		}
		if (is_file(path) && !second_best)
			second_best = path;
		else
			free(path);
	}
	return second_best;
}

int target_find(const char *name, char **path, struct strbuf *why)
{
	struct stat st;

	*path = strchr(name, '/') ? xstrfmt("%s", name) : search_path(name);
	if (!*path || stat(*path, &st) < 0) {
		strbuf_addf(why, "%s: %s", name, *path ? strerror(errno) : "command not found");
		return STATUS_NOT_FOUND;
	}
	if (!S_ISREG(st.st_mode) || access(*path, X_OK) < 0) {
		strbuf_addf(why, "%s: %s", *path,
			    S_ISDIR(st.st_mode) ? "is a directory" : "not executable");
		return STATUS_NOT_EXECUTABLE;
	}
	return 0;
}

/* ---- privileges -------------------------------------------------------------------------- */

/* The dynamic loader ignores LD_PRELOAD in a program that gains privileges by being started. */
static int check_privileges(const char *path, struct strbuf *why)
{
	struct stat st;
	const char *what = NULL;

	if (stat(path, &st) < 0)
		return 0;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		what = "is setuid";
	else if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		what = "is setgid";
	else if (getuid() && getxattr(path, "security.capability", NULL, 0) > 0)
		what = "has file capabilities";
	if (!what)
		return 0;
	strbuf_addf(
		why,
		"%s: %s, so the loader ignores LD_PRELOAD and the shim would not be loaded: run "
		"it as the user that it becomes",
		path, what);
	return STATUS_FAILED;
}

/* ---- ELF --------------------------------------------------------------------------------- */

/* Ours, as the linker laid it: what we were built for is what the shim was built for. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

static bool is_native(const ElfW(Ehdr) * eh)
{
	return eh->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
	       eh->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
	       eh->e_machine == __ehdr_start.e_machine;
}

static bool has_interpreter(int fd, const ElfW(Ehdr) * eh)
{
	ElfW(Phdr) ph;
	unsigned int i;

	for (i = 0; i < eh->e_phnum; i++) {
		off_t at = (off_t)(eh->e_phoff + (uint64_t)i * eh->e_phentsize);

		if (pread(fd, &ph, sizeof(ph), at) != sizeof(ph))
			return false;
		if (ph.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* Does a segment of notes hold one of Go's linker? */
static bool is_go_note(int fd, const ElfW(Phdr) * ph)
{
	char notes[4096];
	ssize_t n = pread(fd, notes, ph->p_filesz < sizeof(notes) ? ph->p_filesz : sizeof(notes),
			  (off_t)ph->p_offset);
	size_t at = 0, len = n > 0 ? (size_t)n : 0;

	while (at + sizeof(ElfW(Nhdr)) + 4 <= len) {
		const ElfW(Nhdr) *note = (const void *)(notes + at);

		if (note->n_namesz == 4 && !memcmp(note + 1, "Go\0", 4))
			return true;
		if (note->n_namesz > len || note->n_descsz > len)
			return false;
		at += sizeof(*note) + ((note->n_namesz + 3u) & ~3u) + ((note->n_descsz + 3u) & ~3u);
	}
	return false;
}

/* Go calls the kernel itself: the shim would be loaded, and see nothing. */
static bool is_made_by_go(int fd, const ElfW(Ehdr) * eh)
{
	ElfW(Phdr) ph;
	unsigned int i;

	for (i = 0; i < eh->e_phnum; i++) {
		off_t at = (off_t)(eh->e_phoff + (uint64_t)i * eh->e_phentsize);

		if (pread(fd, &ph, sizeof(ph), at) != sizeof(ph))
			return false;
		if (ph.p_type == PT_NOTE && is_go_note(fd, &ph))
			return true;
	}
	return false;
}

static int check_elf(const char *path, int fd, struct strbuf *why)
{
	ElfW(Ehdr) eh;

	if (pread(fd, &eh, sizeof(eh), 0) != sizeof(eh)) {
		strbuf_addf(why, "%s: damaged ELF file", path);
		return STATUS_NOT_EXECUTABLE;
	}
	if (!is_native(&eh)) {
		strbuf_addf(why,
			    "%s: made for another machine or word size than socklint's shim: build "
			    "socklint for it",
			    path);
		return STATUS_FAILED;
	}
	if (!has_interpreter(fd, &eh)) {
		strbuf_addf(why,
			    "%s: statically linked, so the shim cannot be loaded: link it "
			    "dynamically",
			    path);
		return STATUS_FAILED;
	}
	if (is_made_by_go(fd, &eh)) {
		strbuf_addf(why,
			    "%s: made by Go, whose sockets are opened by system calls that pass "
			    "libc by: the shim would see none of them",
			    path);
		return STATUS_FAILED;
	}
	return 0;
}

/* ---- scripts ----------------------------------------------------------------------------- */

static int check_file(const char *path, int levels, struct strbuf *why);

/* head starts after "#!". */
static int check_script(const char *path, char *head, int levels, struct strbuf *why)
{
	char *name = head + strspn(head, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	if (!*name || !is_file(name) || access(name, X_OK) < 0) {
		strbuf_addf(why, "%s: its interpreter \"%s\" cannot be executed", path, name);
		return *name && !is_file(name) ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	}
	return levels ? check_file(name, levels - 1, why) : 0;
}

static int check_file(const char *path, int levels, struct strbuf *why)
{
	char head[256] = "";
	int fd, status = check_privileges(path, why);

	if (status)
		return status;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* Executable but not readable: the kernel may start what we may not look at. */
	if (fd < 0)
		return 0;
	if (pread(fd, head, sizeof(head) - 1, 0) < 0)
		head[0] = '\0';
	if (!memcmp(head, ELFMAG, SELFMAG))
		status = check_elf(path, fd, why);
	else if (!memcmp(head, "#!", 2))
		status = check_script(path, head + 2, levels, why);
	close(fd);
	return status;
}

int target_check(const char *path, struct strbuf *why)
{
	return check_file(path, 2, why);
}
