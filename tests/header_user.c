/* SPDX-License-Identifier: MIT */
/* All of socklint.h, in what C99 and C++98 have in common: compiled with every warning. */
#include <stdio.h>
#include "socklint.h"
#include "socklint.h"

int main(void)
{
	struct socklint_checkpoint before = socklint_checkpoint();
	struct socklint_leak leaks[4];
	int nr = socklint_leaks_since(&before, leaks, 4);

	nr += socklint_open_since(&before, leaks, 4);
	nr += socklint_leaks(&before, SOCKLINT_STUCK, leaks, 4);
	nr += socklint_keep(0, "standard input");
	printf("%s, %d\n", socklint_present() ? "present" : "absent", nr);
	return 0;
}
