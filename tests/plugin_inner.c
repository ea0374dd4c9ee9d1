/* SPDX-License-Identifier: MIT */
int inner(void);

int inner(void)
{
	return 42;
}
