/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "commanding.h"
#include "forge.h"
#include "text.h"

int command_setup(void **state)
{
	struct command *x = calloc(1, sizeof(*x));

	x->dir = forge_directory();
	x->home = xstrfmt("%s/tmp", x->dir);
	x->out_path = xstrfmt("%s/out", x->dir);
	x->err_path = xstrfmt("%s/err", x->dir);
	assert_int_equal(mkdir(x->home, 0700), 0);
	*state = x;
	return 0;
}

int command_teardown(void **state)
{
	struct command *x = *state;

	forge_remove(x->dir);
	free(x->home);
	free(x->out_path);
	free(x->err_path);
	free(x->out);
	free(x->err);
	free(x->file);
	free(x);
	return 0;
}

static void redirect(const char *path, int to)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		_exit(98);
	close(fd);
}

pid_t command_start(struct command *x, char **argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	redirect(x->out_path, 1);
	redirect(x->err_path, 2);
	setenv("TMPDIR", x->home, 1);
	unsetenv("SOCKLINT_OPTIONS");
	alarm(30);
	execv(argv[0], argv);
	_exit(98);
}

char *read_file(const char *path)
{
	char *text = calloc(1, 65536);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_non_null(text);
	if (fd >= 0) {
		assert_true(read(fd, text, 65535) >= 0);
		close(fd);
	}
	return text;
}

int command_finish(struct command *x, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(x->out);
	free(x->err);
	x->out = read_file(x->out_path);
	x->err = read_file(x->err_path);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int command_run(struct command *x, char **argv)
{
	return command_finish(x, command_start(x, argv));
}

char *command_file(struct command *x, const char *name, const char *text)
{
	free(x->file);
	x->file = forge_write_bytes(text, strlen(text), x->dir, name);
	return x->file;
}
