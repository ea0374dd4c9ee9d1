/* SPDX-License-Identifier: MIT */
/* A server that loads a library, uses it and unloads it, again and again. */
#include "guest.h"

struct library {
	void *handle;
	char *base;
	int (*take)(int listener);
	int (*drain)(int fd);
	int (*open_and_close)(void);
};

static struct library load(const char *path)
{
	struct library l = {.handle = dlopen(path, RTLD_NOW)};
	Dl_info info;

	must(l.handle != NULL, "dlopen");
	*(void **)&l.take = dlsym(l.handle, "take");
	*(void **)&l.drain = dlsym(l.handle, "drain");
	*(void **)&l.open_and_close = dlsym(l.handle, "open_and_close");
	must(l.take && l.drain && l.open_and_close && dladdr((void *)l.take, &info), "dlsym");
	l.base = info.dli_fbase;
	return l;
}

/* The next one is not to come here. */
static void keep_away(char *base)
{
	must(mmap(base, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == base,
	     "a place that is taken");
}

static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0700);
	char buf[65536];
	ssize_t n;

	must(in >= 0 && out >= 0, "files");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		must(write(out, buf, (size_t)n) == n, "copy");
	close(in);
	close(out);
}

/* Another file of the same name, as installing one does. */
static void replace(const char *path, const char *by)
{
	char new_path[500];

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	copy_file(by, new_path);
	must(rename(new_path, path) == 0, "rename");
}

static void leak_in(const struct library *l, int listener, const struct sockaddr_in *addr)
{
	int client = connect_to(addr), server = l->take(listener);

	close(client);
	must(l->drain(server) == 0, "EOF");
	/* The next one is served as it should. */
	client = connect_to(addr);
	server = l->take(listener);
	close(client);
	must(l->drain(server) == 0 && close(server) == 0, "EOF");
}

/* The C library's own, past whoever was preloaded; that handle stays. */
static int (*dlclose_past_hooks(void))(void *)
{
	static int (*past)(void *);

	if (!past)
		*(void **)&past = dlsym(dlopen("libc.so.6", RTLD_NOW), "dlclose");
	must(past != NULL, "dlclose");
	return past;
}

static void unload(const char *how, void *library)
{
	must((strcmp(how, "unseen") ? dlclose : dlclose_past_hooks())(library) == 0, "dlclose");
}

/* reloads HOW ROUNDS PATH ONE OTHER: forgets a socket in the first round, in the middle, in the
 * last. */
int guest_reloads(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 100, nr_moved = 0;
	const char *path = argc > 2 ? argv[2] : RELOADED_ONE, *how = argc > 0 ? argv[0] : "same";
	const char *one = argc > 4 ? argv[3] : RELOADED_ONE;
	const char *other = argc > 4 ? argv[4] : RELOADED_TWO;
	struct sockaddr_in addr;
	int listener = listen_any(&addr);
	char *before = NULL;

	for (int i = 0; i < rounds; i++) {
		char now[400];
		struct library l;

		snprintf(now, sizeof(now), "%s", path);
		if (!strcmp(how, "renamed"))
			snprintf(now, sizeof(now), "%s.%d", path, i);
		if (strcmp(how, "same") && strcmp(how, "moved"))
			replace(now, i % 2 ? other : one);
		l = load(now);
		nr_moved += i && l.base != before;
		before = l.base;
		must(l.open_and_close() == 0, "socket");
		close(socket(AF_UNIX, SOCK_STREAM, 0));
		if (i == 0 || i == rounds / 2 || i == rounds - 1)
			leak_in(&l, listener, &addr);
		unload(how, l.handle);
		if (!strcmp(how, "renamed") && i < rounds - 1)
			unlink(now);
		if (!strcmp(how, "moved"))
			keep_away(l.base);
	}
	printf("moved: %s\n", !nr_moved ? "never" : nr_moved == rounds - 1 ? "each time" : "some");
	serve_one(listener, &addr);
	return 0;
}

/* ---- several threads, each with a copy of its own ---- */

#define COPIES 4

static char copies[COPIES][300];
static int copies_rounds;

static void *reload_copy(void *path)
{
	for (int i = 0; i < copies_rounds; i++) {
		struct library l = load(path);

		must(l.open_and_close() == 0, "socket");
		dlclose(l.handle);
	}
	return NULL;
}

/* reloads_beside ROUNDS DIR: of one build, under several names at once. */
int guest_reloads_beside(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : ".";
	struct sockaddr_in addr;
	int listener = listen_any(&addr);
	pthread_t t[COPIES];
	struct library l;

	copies_rounds = argc > 0 ? atoi(argv[0]) : 100;
	for (int i = 0; i < COPIES; i++) {
		snprintf(copies[i], sizeof(copies[i]), "%s/copy%d.so", dir, i);
		copy_file(RELOADED_ONE, copies[i]);
		pthread_create(&t[i], NULL, reload_copy, copies[i]);
	}
	for (int i = 0; i < COPIES; i++)
		pthread_join(t[i], NULL);
	l = load(copies[0]);
	leak_in(&l, listener, &addr);
	dlclose(l.handle);
	printf("reloaded\n");
	serve_one(listener, &addr);
	return 0;
}
