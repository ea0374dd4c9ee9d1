/* SPDX-License-Identifier: MIT */
/*
 * One example from end to end: test_examples SOURCE BINARY
 *
 * The first comment of SOURCE is the specification. It says which clients come ("clients:"), how
 * the program ends ("stop:"), and the findings that socklint must print, no more and no fewer
 * ("finds:"), and what else the report must say ("says:"). A finding must cite a line that is
 * marked "socklint: opened here", or with another word for what was done there. An option that
 * socklint is to be given may be there, too ("options:"), and what the program says before it is
 * stopped ("awaits:").
 *
 * SOCKLINT and CLIENT are the paths of the command and of the client driver.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FINDS    8
#define MAX_LINES    1000
#define MAX_CLIENTS  16
#define PATIENCE_MS  50000
#define GRACE_MS     1300 /* beyond the second in which a socket counts as in use */
#define FOUND_STATUS 23

static const char mark[] = "/* socklint: ";

static const char *source, *binary;

static struct spec {
	char text[65536]; /* the source; lines are cut out of it */
	bool has_clients, has_stop, has_finds;
	char *clients[MAX_CLIENTS + 1]; /* arguments of the client driver */
	char *option;			/* of "socklint run", or NULL */
	bool ends_itself;
	bool handles_signal; /* it ends by SIGTERM, but not of it */
	char *finds[MAX_FINDS];
	int nr_finds;
	bool finds_errors;
	char *says[MAX_FINDS];
	int nr_says;
	char *awaits[MAX_FINDS];
	int nr_awaits;
	bool marked[MAX_LINES + 1]; /* by line number */
} spec;

/* A child in a process group of its own, with pipes to its stdin and from its stdout. */
struct child {
	pid_t pid; /* 0: none */
	int in;
	int out;
	char text[65536]; /* what it has printed */
	size_t nr;
};

static struct child run, client;
static char dir[] = "/tmp/socklint-examples-XXXXXX";

/* ---- the specification ------------------------------------------------------------------- */

/* "3 bad, 20 good" becomes "bad=3", "good=20". */
static void parse_clients(char *value)
{
	char *save, *part = strtok_r(value, ",", &save);
	char mode[16];
	int nr = 0, count;

	if (!strcmp(value, "none"))
		return;
	for (; part; part = strtok_r(NULL, ",", &save)) {
		assert_int_equal(sscanf(part, " %d %15s", &count, mode), 2);
		assert_in_range(nr, 0, MAX_CLIENTS - 1);
		assert_true(asprintf(&spec.clients[nr++], "%s=%d", mode, count) > 0);
	}
}

static void parse_stop(const char *value)
{
	spec.ends_itself = !strcmp(value, "itself");
	spec.handles_signal = !strcmp(value, "SIGTERM handled");
	if (!spec.ends_itself && !spec.handles_signal)
		assert_string_equal(value, "SIGTERM");
}

static void parse_finds(char *value)
{
	if (!strcmp(value, "nothing"))
		return;
	assert_in_range(spec.nr_finds, 0, MAX_FINDS - 1);
	spec.finds[spec.nr_finds++] = value;
	spec.finds_errors |= !strncmp(value, "error: ", 7);
}

static void parse_says(char *value)
{
	assert_in_range(spec.nr_says, 0, MAX_FINDS - 1);
	spec.says[spec.nr_says++] = value;
}

static void parse_awaits(char *value)
{
	assert_in_range(spec.nr_awaits, 0, MAX_FINDS - 1);
	spec.awaits[spec.nr_awaits++] = value;
}

static char *value_of(char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len))
		return NULL;
	return line + len + strspn(line + len, " ");
}

static void parse_comment_line(char *line)
{
	char *value;

	if ((value = value_of(line, " * clients:"))) {
		spec.has_clients = true;
		parse_clients(value);
	} else if ((value = value_of(line, " * options:"))) {
		spec.option = value;
	} else if ((value = value_of(line, " * stop:"))) {
		spec.has_stop = true;
		parse_stop(value);
	} else if ((value = value_of(line, " * finds:"))) {
		spec.has_finds = true;
		parse_finds(value);
	} else if ((value = value_of(line, " * says:"))) {
		parse_says(value);
	} else if ((value = value_of(line, " * awaits:"))) {
		parse_awaits(value);
	}
}

static void read_source(void)
{
	FILE *file = fopen(source, "r");
	size_t nr;

	assert_non_null(file);
	nr = fread(spec.text, 1, sizeof(spec.text) - 1, file);
	assert_true(feof(file));
	fclose(file);
	spec.text[nr] = '\0';
}

static void parse_source(void)
{
	char *rest = spec.text, *line;
	bool in_comment = true;

	read_source();
	for (int nr = 1; (line = strsep(&rest, "\n")); nr++) {
		assert_in_range(nr, 1, MAX_LINES);
		if (in_comment)
			parse_comment_line(line);
		if (strstr(line, mark))
			spec.marked[nr] = true;
		if (strstr(line, "*/"))
			in_comment = false;
	}
	if (!spec.has_clients || !spec.has_stop || !spec.has_finds)
		fail_msg("%s: the first comment must have clients:, stop: and finds:", source);
}

/* ---- children ---------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static void start(struct child *child, char **argv)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		setpgid(0, 0);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	setpgid(child->pid, child->pid);
	close(in[0]);
	close(out[1]);
	child->in = in[1];
	child->out = out[0];
}

/* Reads on. Returns false at the end of the output. */
static bool read_more(struct child *child, int64_t deadline)
{
	struct pollfd pfd = {.fd = child->out, .events = POLLIN};
	int64_t left = deadline - now_ms();
	ssize_t got;

	if (left <= 0 || poll(&pfd, 1, (int)left) <= 0)
		fail_msg("nothing more within %d ms after:\n%s", PATIENCE_MS, child->text);
	got = read(child->out, child->text + child->nr, sizeof(child->text) - 1 - child->nr);
	assert_true(got >= 0);
	child->nr += (size_t)got;
	child->text[child->nr] = '\0';
	return got > 0;
}

static void await_text(struct child *child, const char *text)
{
	int64_t deadline = now_ms() + PATIENCE_MS;

	while (!strstr(child->text, text)) {
		if (!read_more(child, deadline))
			fail_msg("ended before it said \"%s\":\n%s", text, child->text);
	}
}

static void await_end_of_output(struct child *child)
{
	int64_t deadline = now_ms() + PATIENCE_MS;

	while (read_more(child, deadline))
		;
}

/* Returns the exit status, or 128 + the signal. */
static int await_exit(struct child *child)
{
	int64_t deadline = now_ms() + PATIENCE_MS;
	int status;
	pid_t pid;

	while ((pid = waitpid(child->pid, &status, WNOHANG)) == 0) {
		if (now_ms() > deadline)
			fail_msg("has not ended within %d ms", PATIENCE_MS);
		sleep_ms(5);
	}
	assert_int_equal(pid, child->pid);
	child->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void end(struct child *child)
{
	if (child->pid > 0) {
		kill(-child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	close(child->in);
	close(child->out);
}

/* ---- the run ----------------------------------------------------------------------------- */

static void start_clients(void)
{
	char *argv[MAX_CLIENTS + 3] = {CLIENT, NULL};
	char port[16];

	if (!spec.clients[0])
		return;
	if (sscanf(run.text, "listening on 127.0.0.1:%15[0-9]\n", port) != 1)
		fail_msg("no \"listening on 127.0.0.1:PORT\" but:\n%s", run.text);
	argv[1] = port;
	memcpy(argv + 2, spec.clients, sizeof(spec.clients));
	start(&client, argv);
	await_text(&client, "\n");
	assert_string_equal(client.text, "done\n");
}

/* Those who stay connected see the server end, and then they may go. */
static void end_clients(void)
{
	if (!client.pid)
		return;
	close(client.in);
	client.in = -1;
	assert_int_equal(await_exit(&client), 0);
}

/* Leaves socklint's report in run.text and returns its exit status. */
static int run_example(void)
{
	char *option = spec.option ? spec.option : "--fail-on=error"; /* the default */
	char *argv[] = {SOCKLINT, "run", option, "--dir", dir, "--", (char *)binary, "0", NULL};
	int status;

	start(&run, argv);
	await_text(&run, "\n");
	start_clients();
	for (int i = 0; i < spec.nr_awaits; i++)
		await_text(&run, spec.awaits[i]);
	if (!spec.ends_itself) {
		sleep_ms(GRACE_MS);
		assert_int_equal(kill(run.pid, SIGTERM), 0);
	}
	await_end_of_output(&run);
	status = await_exit(&run);
	end_clients();
	return status;
}

/* ---- the comparison ---------------------------------------------------------------------- */

/* SEVERITY ": " RULE [" (" KIND ")"] ": " NUMBER ... */
static bool is_finding(const char *line)
{
	const char *rest = line + strcspn(line, ":");
	size_t id = strspn(rest[0] && rest[1] ? rest + 2 : "", "abcdefghijklmnopqrstuvwxyz-");

	if (strncmp(line, "error: ", 7) && strncmp(line, "warning: ", 9) &&
	    strncmp(line, "note: ", 6))
		return false;
	rest = strstr(rest + 2 + id, ": ");
	return id && rest && rest[2] >= '0' && rest[2] <= '9';
}

/* FIND " (" the source's name ":" a marked line ")" */
static bool is_as_said(const char *line, const char *find)
{
	const char *base = strrchr(source, '/') ? strrchr(source, '/') + 1 : source;
	size_t find_len = strlen(find), base_len = strlen(base);
	int nr, end_of_line = 0;

	if (strncmp(line, find, find_len) || strncmp(line + find_len, " (", 2))
		return false;
	line += find_len + 2;
	if (strncmp(line, base, base_len) ||
	    sscanf(line + base_len, ":%d)%n", &nr, &end_of_line) != 1)
		return false;
	return end_of_line && !line[base_len + (size_t)end_of_line] && nr > 0 && nr <= MAX_LINES &&
	       spec.marked[nr];
}

/* Each finding uses up the line of the specification that it answers to. */
static bool take_find(const char *line)
{
	for (int i = 0; i < spec.nr_finds; i++) {
		if (spec.finds[i] && is_as_said(line, spec.finds[i])) {
			spec.finds[i] = NULL;
			return true;
		}
	}
	return false;
}

/* The report breaks its lines anywhere between words. */
static void unwrap(char *to, const char *from)
{
	for (; *from; from++)
		if (*from != '\n' && (*from != ' ' || from[1] != ' '))
			*to++ = *from;
	*to = '\0';
}

static void compare_says(const char *report)
{
	char *flat = malloc(strlen(report) + 1);

	assert_non_null(flat);
	unwrap(flat, report);
	for (int i = 0; i < spec.nr_says; i++) {
		if (!strstr(flat, spec.says[i]))
			fail_msg("not said: %s\nThe report:\n%s", spec.says[i], report);
	}
	free(flat);
}

static void compare(const char *report)
{
	char *copy = strdup(report), *rest = copy, *line;

	assert_non_null(copy);
	while ((line = strsep(&rest, "\n"))) {
		if (is_finding(line) && !take_find(line))
			fail_msg("%s does not say:\n%s\nThe report:\n%s", source, line, report);
	}
	for (int i = 0; i < spec.nr_finds; i++) {
		if (spec.finds[i])
			fail_msg("not found: %s\nThe report:\n%s", spec.finds[i], report);
	}
	free(copy);
}

/* Without errors the status is the program's own: it died of the signal that stopped it. */
static int wanted_status(void)
{
	if (spec.finds_errors)
		return FOUND_STATUS;
	return spec.ends_itself || spec.handles_signal ? 0 : 128 + SIGTERM;
}

static void test_example(void **state)
{
	int status;

	(void)state;
	parse_source();
	status = run_example();
	compare(run.text);
	compare_says(run.text);
	if (status != wanted_status())
		fail_msg("exit status %d after this report:\n%s", status, run.text);
}

static int make_dir(void **state)
{
	(void)state;
	run.in = run.out = client.in = client.out = -1;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int clean_up(void **state)
{
	(void)state;
	end(&client);
	end(&run);
	for (int i = 0; spec.clients[i]; i++)
		free(spec.clients[i]);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_example, make_dir, clean_up),
	};

	if (argc != 3) {
		fprintf(stderr, "usage: %s SOURCE BINARY\n", argv[0]);
		return 2;
	}
	source = argv[1];
	binary = argv[2];
	tests[0].name = strrchr(binary, '/') ? strrchr(binary, '/') + 1 : binary;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
