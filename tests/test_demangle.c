/* SPDX-License-Identifier: MIT */
/* Names as compilers write them, and names that nobody should write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "demangle.h"

struct name {
	const char *mangled;
	const char *wanted; /* NULL: as it is */
};

static void assert_names(const struct name *names, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		char *name = demangle(names[i].mangled);

		if (names[i].wanted) {
			assert_non_null(name);
			assert_string_equal(name, names[i].wanted);
		} else if (name) {
			fail_msg("%s was made of %s", name, names[i].mangled);
		}
		free(name);
	}
}

#define ASSERT_NAMES(...)                                                                          \
	do {                                                                                       \
		static const struct name names[] = {__VA_ARGS__};                                  \
		assert_names(names, sizeof(names) / sizeof(names[0]));                             \
	} while (0)

static void cplusplus(void **state)
{
	(void)state;
	ASSERT_NAMES({"_ZN3net6Server6acceptEi", "net::Server::accept"},
		     {"_ZN3net6Server3getIiEET_S2_", "net::Server::get<int>"},
		     {"_ZN3net12_GLOBAL__N_16hiddenEv", "net::(anonymous namespace)::hidden"},
		     {"_ZN3net6ServerC1Ev", "net::Server::Server"},
		     {"_ZN3net6ServerC2Ev", "net::Server::Server"},
		     {"_ZN3net6ServerD1Ev", "net::Server::~Server"},
		     {"_ZNK3net6ServerltERKS0_", "net::Server::operator<"},
		     {"_ZNK3net1lMUliE_clEi", "net::l::{lambda(int)#1}::operator()"},
		     {"_ZL5servei", "serve"});
}

static void rust_legacy(void **state)
{
	(void)state;
	ASSERT_NAMES({"_ZN4pool4Conn4open17h53530dae1251b6e9E", "pool::Conn::open"},
		     {"_ZN52_$LT$pool..Conn$LT$T$GT$$u20$as$u20$pool..Closer$GT$4shut17h53530dae"
		      "1251b6e9E",
		      "<pool::Conn<T> as pool::Closer>::shut"});
}

static void rust_v0(void **state)
{
	(void)state;
	ASSERT_NAMES(
		{"_RNvC6_123foo3bar", "123foo::bar"},
		{"_RNvMNtCsjMaewn57Afh_1t4poolINtB2_4ConnhE4openB4_", "<t::pool::Conn<u8>>::open"},
		{"_RNvXs_NtCsjMaewn57Afh_1t4poolINtB4_4ConnhENtB4_6Closer4shutB6_",
		 "<t::pool::Conn<u8> as t::pool::Closer>::shut"},
		{"_RNCNvCs4fqI2P2rA04_4main4main0B3_", "main::main::{closure#0}"},
		{"_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
		 "utf8_idents::\341\203\241\341\203\220\341\203\255\341\203\233\341\203\224"
		 "\341\203\232\341\203\220\341\203\223_\341\203\222\341\203\224\341\203\233"
		 "\341\203\240\341\203\230\341\203\224\341\203\232\341\203\230_\341\203\241"
		 "\341\203\220\341\203\223\341\203\230\341\203\232\341\203\230"});
}

static void what_is_not_mangled_stays(void **state)
{
	(void)state;
	ASSERT_NAMES({"serve", NULL}, {"", NULL}, {"_Z", NULL}, {"_ZN", NULL}, {"_R", NULL},
		     {"_RNvC", NULL}, {"_Z3", NULL}, {"_Zebra", NULL}, {"_Rescue", NULL},
		     {"serve.constprop.0", NULL}, {"_ZN4pool4Conn4open17h53530dae1251b6e9", NULL});
}

/* The tail says which function it is: arguments go first. */
static void a_long_name_loses_its_arguments(void **state)
{
	char mangled[2000] = "_ZN4poolI", number[20];
	char *name;

	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(number, sizeof(number), "11argument_%02d", i);
		strcat(mangled, number);
	}
	strcat(mangled, "ElsEv");
	name = demangle(mangled);
	assert_non_null(name);
	assert_string_equal(name, "pool<...>::operator<<");
	free(name);
}

static void a_longer_name_loses_its_end(void **state)
{
	char plain[10001], mangled[10100];
	char *name;

	(void)state;
	memset(plain, 'x', sizeof(plain) - 1);
	plain[sizeof(plain) - 1] = '\0';
	name = demangle(plain);
	assert_non_null(name);
	assert_int_equal(strlen(name), NAME_ROOM - 1);
	assert_string_equal(name + strlen(name) - 4, "x...");
	free(name);
	snprintf(mangled, sizeof(mangled), "_Z1000%.1000sv", plain);
	name = demangle(mangled);
	assert_non_null(name);
	assert_int_equal(name[0], 'x');
	assert_true(strlen(name) < NAME_ROOM);
	assert_string_equal(name + strlen(name) - 4, "x...");
	free(name);
}

/* GCC writes such: 1,500 characters are nothing to a library of templates. */
static void a_long_symbol_is_demangled(void **state)
{
	char mangled[4000] = "_ZN4poolI", number[20];
	char *name;

	(void)state;
	for (int i = 0; i < 150; i++) {
		snprintf(number, sizeof(number), "12argument_%03d", i);
		strcat(mangled, number);
	}
	strcat(mangled, "E4findEv");
	assert_true(strlen(mangled) > 2000);
	name = demangle(mangled);
	assert_non_null(name);
	assert_string_equal(name, "pool<...>::find");
	free(name);
}

static void substitution(char *s, int nr)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (nr < 36)
		sprintf(s, "S%c_", digits[nr]);
	else
		sprintf(s, "S%c%c_", digits[nr / 36], digits[nr % 36]);
}

/* Each argument is a pair of the one before: 2^200 names in 2,000 characters. */
static void a_bomb_of_substitutions_is_cut(void **state)
{
	char mangled[4000] = "_Z1fI1AI1BS1_E", sub[8];
	char *name;

	(void)state;
	for (int i = 2; i < 200; i++) {
		substitution(sub, i);
		strcat(strcat(strcat(strcat(mangled, "S0_I"), sub), sub), "E");
	}
	strcat(mangled, "Evv");
	name = demangle(mangled);
	assert_non_null(name);
	assert_string_equal(name, "f<...");
	free(name);
}

/* Nested as deep as the length allows: no way to take the stack away. */
static void deep_nesting_is_survived(void **state)
{
	static const char *const openings[] = {"_Z1f", "_Z1fI", "_RNvC1a1b", "_ZN"};
	static const char *const repeated[] = {"P", "1AI", "I",	   "S", "R",
					       "N", "Xad", "NtB_", "F", "TT"};

	(void)state;
	for (size_t o = 0; o < sizeof(openings) / sizeof(openings[0]); o++)
		for (size_t r = 0; r < sizeof(repeated) / sizeof(repeated[0]); r++)
			for (size_t size = 500; size <= 4000; size += 1750) {
				char mangled[4200];

				strcpy(mangled, openings[o]);
				while (strlen(mangled) < size)
					strcat(mangled, repeated[r]);
				free(demangle(mangled));
				strcat(mangled, "i");
				free(demangle(mangled));
			}
}

/* Whatever stands there, it is over soon and never too long. */
static void noise_is_survived(void **state)
{
	static const char alphabet[] = "_ZNRSKTIELXFJPsv0123456789abcClDtu$.";
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char mangled[64] = "_Z";
		char *name;
		size_t len = 2 + (size_t)i % 60;

		mangled[1] = i % 2 ? 'Z' : 'R';
		for (size_t k = 2; k < len; k++) {
			seed = seed * 1664525 + 1013904223;
			mangled[k] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		name = demangle(mangled);
		assert_true(!name || strlen(name) < NAME_ROOM);
		free(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cplusplus),
		cmocka_unit_test(rust_legacy),
		cmocka_unit_test(rust_v0),
		cmocka_unit_test(what_is_not_mangled_stays),
		cmocka_unit_test(a_long_name_loses_its_arguments),
		cmocka_unit_test(a_longer_name_loses_its_end),
		cmocka_unit_test(a_long_symbol_is_demangled),
		cmocka_unit_test(a_bomb_of_substitutions_is_cut),
		cmocka_unit_test(deep_nesting_is_survived),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
