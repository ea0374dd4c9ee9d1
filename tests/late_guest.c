/* SPDX-License-Identifier: MIT */
/* A program with the library late_closer. */
#include <stdio.h>

void late_closer_is_here(void);

int main(void)
{
	late_closer_is_here();
	printf("main is over\n");
	return 4;
}
