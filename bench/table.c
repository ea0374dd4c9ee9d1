/* SPDX-License-Identifier: MIT */
/*
 * Memory of the table of lives beyond the machine's limit of descriptors: table NR prints the bytes
 * per socket, of the recording and all else that the shim has written, when NR are open. The shim's
 * parts without its hooks, for the numbers are no descriptors.
 */
#include <err.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes in memory that this process has written, and of its recording. */
static double used(void)
{
	unsigned long all = 0, kb;
	char line[4096];
	bool ours = false;
	FILE *f = fopen("/proc/self/smaps", "re");

	if (!f)
		err(1, "bench/table");
	while (fgets(line, sizeof(line), f)) {
		if (strchr("0123456789abcdef", line[0]))
			ours = strstr(line, ".socklint");
		else if (sscanf(line, ours ? "Rss: %lu" : "Anonymous: %lu", &kb) == 1)
			all += kb * 1024;
	}
	fclose(f);
	return (double)all;
}

static void print(double bytes)
{
	printf("%.2f\n", bytes);
}

#include "parts.h" /* after which nothing is printed */

#include "learnt.h"
#include "lives.h"
#include "options.h"
#include "shim.h"
#include "touch.h"

static void open_all(int nr)
{
	struct birth birth = {REC_CALL_ACCEPT, AF_INET, SOCK_STREAM, 0, REC_LIFE_ACCEPTED};

	for (int fd = 0; fd < nr; fd++) {
		struct life_ref ref = life_born(fd, &birth, parts_call(0, 1));

		assert_true(life_is(ref));
		life_touch(ref, REC_CALL_RECV, parts_call(0, 2));
	}
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 1000000;
	double before;

	parts_start();
	options.max_size = UINT64_C(4) << 30;
	open_all(1);
	before = used();
	open_all(nr);
	print((used() - before) / nr);
	parts_stop();
	return 0;
}
