/* SPDX-License-Identifier: MIT */
/*
 * Makes the manual and the completions while socklint is built: of its own tables of commands,
 * options, rules, formats and keys, so that none can be left out.
 *
 *	document PAGE.in		copies it; a line .\" @options COMMAND, @commands, @rules,
 *@keys or
 *					@formats is replaced by what there is
 *	document --shell FILE.in	copies it; a line @tables is replaced by them
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "format.h"
#include "rules.h"

static const struct library_option {
	const char *key, *value, *what;
} library_options[] = {
#define OPTION(id, key, value, what) {key, value, what},
#include "../shim/options.def"
#undef OPTION
};

/* ---- the options of a command ------------------------------------------------------------ */

typedef void option_fn(const struct argp_option *o);

static void each_option(const struct argp *argp, option_fn *fn)
{
	const struct argp_option *o;
	const struct argp_child *c;

	for (o = argp->options; o && (o->name || o->key); o++)
		if (!(o->flags & OPTION_HIDDEN))
			fn(o);
	for (c = argp->children; c && c->argp; c++)
		each_option(c->argp, fn);
}

static bool has_letter(const struct argp_option *o)
{
	return o->key > 0 && o->key < 128 && isprint(o->key);
}

/* ---- mdoc -------------------------------------------------------------------------------- */

#define COLUMNS 79

static void put_word(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else if (s[i] == '-' && !i && n > 1)
			fputs("\\-", stdout);
		else
			putchar(s[i]);
	}
}

/* Lines that mandoc -T lint likes: short, and with functions marked as such. */
static void put_text(const char *s)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " ");
		size_t name = strcspn(s, "(");

		if (name > 1 && name + 2 <= n && s[name + 1] == ')') {
			printf("%s.Fn %.*s%s%.*s\n", column ? "\n" : "", (int)name, s,
			       n > name + 2 ? " " : "", (int)(n - name - 2), s + name + 2);
			column = 0;
		} else {
			if (column && column + n >= COLUMNS) {
				putchar('\n');
				column = 0;
			}
			if (column)
				putchar(' ');
			else if (*s == '.')
				fputs("\\&", stdout);
			put_word(s, n);
			column += n + 3;
		}
		s += n + strspn(s + n, " ");
	}
	if (column)
		putchar('\n');
}

static void mdoc_option(const struct argp_option *o)
{
	fputs(".It", stdout);
	if (has_letter(o))
		printf(" Fl %c%s%s ,", o->key, o->arg ? " Ar " : "", o->arg ? o->arg : "");
	printf(" Fl Fl %s", o->name);
	if (o->arg)
		printf(" Ns = Ns Ar %s", o->arg);
	putchar('\n');
	put_text(o->doc);
}

static void mdoc_options(const char *name)
{
	const struct command *c = command_by_name(name);

	if (!c) {
		fprintf(stderr, "document: no command \"%s\"\n", name);
		exit(1);
	}
	puts(".Bl -tag -width Ds");
	each_option(c->argp, mdoc_option);
	puts(".El");
}

static void mdoc_commands(const char *unused)
{
	size_t i;

	(void)unused;
	puts(".Bl -tag -width Ds");
	for (i = 0; i < nr_commands; i++) {
		printf(".It Cm %s%s", commands[i].name, *commands[i].arguments ? " Ar " : "\n");
		put_text(commands[i].arguments);
		put_text(commands[i].title);
	}
	puts(".El");
}

static void mdoc_rules(const char *unused)
{
	int i;

	(void)unused;
	puts(".Bl -tag -width Ds");
	for (i = 0; i < RULE_COUNT; i++) {
		const struct rule *r = rule_by_nr((enum rule_nr)i);

		printf(".It Cm %s Pq %s\n", r->id, severity_name(r->severity));
		put_text(r->title);
	}
	puts(".El");
}

static void mdoc_keys(const char *unused)
{
	size_t i;

	(void)unused;
	puts(".Bl -tag -width Ds");
	for (i = 0; i < sizeof(library_options) / sizeof(library_options[0]); i++) {
		printf(".It Cm %s Ns = Ns Ar %s\n", library_options[i].key,
		       library_options[i].value);
		put_text(library_options[i].what);
	}
	puts(".El");
}

static void mdoc_formats(const char *unused)
{
	char *names = format_names();

	(void)unused;
	put_text(names);
	free(names);
}

static void mdoc_line(char *line)
{
	static const struct {
		const char *name;
		void (*put)(const char *argument);
	} makers[] = {
		{"options", mdoc_options}, {"commands", mdoc_commands}, {"rules", mdoc_rules},
		{"keys", mdoc_keys},	   {"formats", mdoc_formats},
	};
	char name[32], argument[32] = "";
	size_t i;

	if (sscanf(line, ".\\\" @%31s %31s", name, argument) < 1) {
		fputs(line, stdout);
		return;
	}
	for (i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (!strcmp(makers[i].name, name)) {
			makers[i].put(argument);
			return;
		}
	fprintf(stderr, "document: nothing is known of @%s\n", name);
	exit(1);
}

/* ---- shells ------------------------------------------------------------------------------ */

static const struct choice {
	const char *name, *words;
} choices[] = {
	{"color", "auto always never"},
	{"html-assets", "inline external"},
	{"pprof-time", "recorded now none"},
};

/* What may follow an option: by its name, or the word that the usage has for it. */
static const char *kind_of(const struct argp_option *o)
{
	size_t i;

	if (!o->arg)
		return "none";
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (!strcmp(choices[i].name, o->name))
			return choices[i].words;
	if (!strncmp(o->arg, "FORMAT", 6))
		return "format";
	if (!strncmp(o->arg, "RULE", 4))
		return "rules";
	if (strstr(o->arg, "DIR"))
		return "dir";
	return strstr(o->arg, "FILE") || strstr(o->arg, "PATH") ? "file" : "word";
}

/* A line for each: kind, option, what it does. */
static void shell_option(const struct argp_option *o)
{
	const char *s;

	if (has_letter(o))
		printf("%s|-%c|\n", kind_of(o), o->key);
	printf("%s|--%s%s|", kind_of(o), o->name, o->arg ? "=" : "");
	for (s = o->doc; *s; s++)
		putchar(strchr("'|:[]\\", *s) ? ' ' : *s);
	putchar('\n');
}

static void shell_tables(void)
{
	size_t i;
	int k;

	puts("_socklint_table()\n{\n\tcase $1 in");
	for (i = 0; i < nr_commands; i++) {
		printf("\t%s) cat <<'END'\n", commands[i].name);
		each_option(commands[i].argp, shell_option);
		puts("none|--help|Give the list of options\nEND\n\t\t;;");
	}
	fputs("\tesac\n}\n\n_socklint_commands='", stdout);
	for (i = 0; i < nr_commands; i++)
		printf("%s%s", i ? " " : "", commands[i].name);
	fputs("'\n_socklint_rules='", stdout);
	for (k = 0; k < RULE_COUNT; k++)
		printf("%s%s", k ? " " : "", rule_by_nr((enum rule_nr)k)->id);
	fputs("'\n_socklint_formats='", stdout);
	for (k = 0; k < FORMAT_COUNT; k++)
		printf("%s%s", k ? " " : "", format_by_nr((enum format_nr)k)->name);
	puts("'");
}

static void shell_line(char *line)
{
	if (strcmp(line, "@tables\n"))
		fputs(line, stdout);
	else
		shell_tables();
}

/* ---- copying ----------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	bool shell = argc == 3 && !strcmp(argv[1], "--shell");
	FILE *in = argc > 1 ? fopen(argv[argc - 1], "re") : NULL;
	char *line = NULL;
	size_t room = 0;

	if (!in) {
		perror(argc > 1 ? argv[argc - 1] : "document");
		return 1;
	}
	while (getline(&line, &room, in) > 0)
		(shell ? shell_line : mdoc_line)(line);
	free(line);
	fclose(in);
	return fflush(stdout) || ferror(stdout);
}
