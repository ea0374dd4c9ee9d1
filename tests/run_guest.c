/* SPDX-License-Identifier: MIT */
/* What test_run starts: does as its arguments say. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "exit";
	int nr = argc > 2 ? atoi(argv[2]) : 0;

	if (!strcmp(what, "kill"))
		kill(getpid(), nr);
	if (!strcmp(what, "wait")) {
		puts("ready");
		fflush(stdout);
		sleep(20);
		return 99;
	}
	if (!strcmp(what, "env"))
		printf("%s\n%s\n", getenv("LD_PRELOAD"), getenv("SOCKLINT_OPTIONS"));
	return nr;
}
