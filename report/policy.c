/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <stddef.h>

#define YEAR_S (UINT64_C(366) * 24 * 3600)

const struct policy policy_default = POLICY_DEFAULT;

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not strtod(): a locale has no say in what stands in a script. */
int policy_seconds(const char *text, uint64_t *ns)
{
	uint64_t seconds = 0, unit = UINT64_C(1000000000);
	const char *p = text;

	for (; is_digit(*p) && seconds <= YEAR_S; p++)
		seconds = seconds * 10 + (uint64_t)(*p - '0');
	if (p == text || seconds > YEAR_S)
		return -1;
	*ns = seconds * unit;
	if (*p == '.' && is_digit(p[1]))
		for (p++; is_digit(*p); p++) {
			unit /= 10;
			*ns += (uint64_t)(*p - '0') * unit;
		}
	return *p ? -1 : 0;
}
