/* SPDX-License-Identifier: MIT */
/* Turns the raw addresses of a recording into functions and lines. */
#include "symbolizer.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "demangle.h"
#include "inlines.h"
#include "jit_name.h"
#include "perf_map.h"
#include "runtime.h"

struct cached_stack {
	const struct process *process;
	uint32_t site;
	uint64_t pc; /* 0: the whole site */
	struct stack stack;
};

/* An address in a file lies in many stacks, and in those of other processes. */
struct cached_address {
	uint64_t offset;
	struct stack frames;
};

struct process_map {
	const struct process *process;
	struct perf_map *map; /* NULL: none */
	char *why;	      /* it is not believed, or NULL */
};

struct symbolizer {
	struct elf_module **modules; /* each its own memory: libdw keeps pointers */
	size_t nr_modules, alloc_modules;
	void *stacks; /* tsearch() tree of struct cached_stack */
	struct process_map *maps;
	size_t nr_maps, alloc_maps;
	char **strings; /* made for frames */
	size_t nr_strings, alloc_strings;
};

struct symbolizer *symbolizer_new(void)
{
	return xcalloc(1, sizeof(struct symbolizer));
}

static void free_stack(void *node)
{
	struct cached_stack *c = node;

	free(c->stack.frames);
	free(c);
}

static void free_address(void *node)
{
	struct cached_address *c = node;

	free(c->frames.frames);
	free(c);
}

void symbolizer_free(struct symbolizer *sy)
{
	size_t i;

	if (!sy)
		return;
	tdestroy(sy->stacks, free_stack);
	for (i = 0; i < sy->nr_strings; i++)
		free(sy->strings[i]);
	free(sy->strings);
	for (i = 0; i < sy->nr_maps; i++) {
		perf_map_free(sy->maps[i].map);
		free(sy->maps[i].why);
	}
	free(sy->maps);
	for (i = 0; i < sy->nr_modules; i++) {
		tdestroy(sy->modules[i]->addresses, free_address);
		elf_module_close(sy->modules[i]);
		free(sy->modules[i]);
	}
	free(sy->modules);
	free(sy);
}

const char *symbolizer_complaint(const struct symbolizer *sy, size_t nr)
{
	size_t i;

	for (i = 0; i < sy->nr_modules; i++)
		if (sy->modules[i]->why && !nr--)
			return sy->modules[i]->why;
	for (i = 0; i < sy->nr_maps; i++)
		if (sy->maps[i].why && !nr--)
			return sy->maps[i].why;
	return NULL;
}

/* Processes of one program share what libdw knows of its files. */
static bool is_same_module(const struct rec_module *a, const struct rec_module *b)
{
	return !strcmp(a->path, b->path) && a->is_vdso == b->is_vdso &&
	       a->build_id_len == b->build_id_len &&
	       !memcmp(a->build_id, b->build_id, a->build_id_len);
}

static struct elf_module *find_module(struct symbolizer *sy, const struct rec_module *rec)
{
	struct elf_module *m;
	size_t i;

	for (i = 0; i < sy->nr_modules; i++)
		if (is_same_module(sy->modules[i]->rec, rec))
			return sy->modules[i];
	m = xcalloc(1, sizeof(*m));
	elf_module_open(m, rec);
	ALLOC_GROW(sy->modules, sy->nr_modules + 1, sy->alloc_modules);
	sy->modules[sy->nr_modules++] = m;
	return m;
}

/* ---- frames ------------------------------------------------------------------------------ */

static struct frame *add_frame(struct stack *st)
{
	ALLOC_GROW(st->frames, st->nr + 1, st->alloc);
	memset(&st->frames[st->nr], 0, sizeof(*st->frames));
	return &st->frames[st->nr++];
}

/* Takes over s, which may be NULL. */
static const char *keep(struct symbolizer *sy, char *s)
{
	if (!s)
		return NULL;
	ALLOC_GROW(sy->strings, sy->nr_strings + 1, sy->alloc_strings);
	return sy->strings[sy->nr_strings++] = s;
}

/* A name as the report says it: frames of one function are known by it. */
static const char *readable_name(struct symbolizer *sy, const char *name)
{
	const char *made = name ? keep(sy, demangle(name)) : NULL;

	return made ? made : name;
}

struct frame_adder {
	struct symbolizer *sy;
	struct stack *stack;
	const struct rec_module *module;
	uint64_t offset;
};

static void add_named_frame(void *data, const char *function, const char *file, int line,
			    int inlined)
{
	struct frame_adder *a = data;
	struct frame *f = add_frame(a->stack);

	f->function = readable_name(a->sy, function);
	f->file = file;
	f->line = file ? line : 0;
	f->inlined = inlined;
	f->module = text_basename(a->module->path);
	f->elf = a->module;
	f->offset = a->offset;
	f->runtime = is_runtime(f->function, a->module);
}

/* Also a second one, loaded from another path. */
static bool is_shim(const struct rec_module *m)
{
	return m->is_shim || !strcmp(text_basename(m->path), "libsocklint.so");
}

static const struct perf_map *map_of(struct symbolizer *sy, const struct process *p)
{
	struct process_map *m;
	size_t i;

	for (i = 0; i < sy->nr_maps; i++)
		if (sy->maps[i].process == p)
			return sy->maps[i].map;
	ALLOC_GROW(sy->maps, sy->nr_maps + 1, sy->alloc_maps);
	m = &sy->maps[sy->nr_maps++];
	m->process = p;
	m->map = perf_map_of(p, &m->why);
	return m->map;
}

static void add_generated_frame(struct symbolizer *sy, const struct process *p, uint64_t pc,
				struct stack *st)
{
	const struct perf_map *map = map_of(sy, p);
	struct frame *f = add_frame(st);
	struct jit_name name;
	const char *text;
	size_t len;

	f->offset = pc;
	text = map ? perf_map_find(map, pc - 1, &len) : NULL;
	if (!text)
		return;
	jit_name_parse(&name, text, len);
	f->function = keep(sy, name.function);
	f->file = keep(sy, name.file);
	f->line = name.line;
	f->own = name.own;
	f->jit = true;
}

static int cmp_addresses(const void *a, const void *b)
{
	const struct cached_address *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A return address is that of the instruction after the call: one less lies inside the call. */
static const struct stack *frames_at(struct symbolizer *sy, const struct rec_module *rec,
				     uint64_t offset)
{
	struct elf_module *m = find_module(sy, rec);
	struct cached_address key = {offset, {.nr = 0}}, **found, *c;
	struct frame_adder a = {sy, NULL, rec, offset};

	found = tfind(&key, &m->addresses, cmp_addresses);
	if (found)
		return &(*found)->frames;
	c = xcalloc(1, sizeof(*c));
	c->offset = offset;
	a.stack = &c->frames;
	if (!m->mod || !for_each_frame_at(m, offset - 1, add_named_frame, &a))
		add_named_frame(&a, NULL, NULL, 0, 0);
	if (!tsearch(c, &m->addresses, cmp_addresses))
		out_of_memory();
	return &c->frames;
}

static void add_frames(struct symbolizer *sy, const struct process *p, uint64_t pc,
		       struct stack *st)
{
	uint64_t offset;
	const struct rec_module *rec = process_module(p, pc - 1, &offset);
	const struct stack *known;
	size_t i;

	if (!rec) {
		add_generated_frame(sy, p, rec_place_offset(pc), st);
		return;
	}
	if (is_shim(rec))
		return;
	known = frames_at(sy, rec, offset + 1);
	for (i = 0; i < known->nr; i++)
		*add_frame(st) = known->frames[i];
}

/* ---- stacks ------------------------------------------------------------------------------ */

static int cmp_stacks(const void *a, const void *b)
{
	const struct cached_stack *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->pc < y->pc ? -1 : x->pc > y->pc;
}

static void fill_stack(struct symbolizer *sy, struct cached_stack *c)
{
	const struct rec_site *site = recording_site(c->process->rec, c->site);
	int i;

	if (c->pc) {
		add_frames(sy, c->process, c->pc, &c->stack);
		return;
	}
	if (!site)
		return;
	c->stack.truncated = site->flags & REC_SITE_TRUNCATED;
	c->stack.caller_only = site->flags & REC_SITE_CALLER_ONLY;
	c->stack.handler = site->flags & REC_SITE_HANDLER;
	/* A handler returns to the C library's way back into the kernel, which has no name. */
	for (i = 0; i < site->nr - (c->stack.handler && site->nr > 1); i++)
		add_frames(sy, c->process, site->pc[i], &c->stack);
}

const struct stack *symbolizer_pc(struct symbolizer *sy, const struct process *p, uint32_t site,
				  uint64_t pc)
{
	struct cached_stack key = {p, site, pc, {.nr = 0}};
	struct cached_stack **found, *c;

	found = tfind(&key, &sy->stacks, cmp_stacks);
	if (found)
		return &(*found)->stack;
	c = xcalloc(1, sizeof(*c));
	*c = key;
	fill_stack(sy, c);
	if (!tsearch(c, &sy->stacks, cmp_stacks))
		abort();
	return &c->stack;
}

const struct stack *symbolizer_site(struct symbolizer *sy, const struct process *p, uint32_t site)
{
	return symbolizer_pc(sy, p, site, 0);
}

const struct frame *stack_own_frame(const struct stack *st)
{
	size_t i;

	for (i = 0; i < st->nr; i++)
		if (st->frames[i].own)
			return &st->frames[i];
	for (i = 0; i < st->nr; i++)
		if (!st->frames[i].runtime)
			return &st->frames[i];
	return st->nr ? &st->frames[0] : NULL;
}

static int cmp_names(const char *a, const char *b)
{
	if (!a || !b)
		return !!a - !!b;
	return strcmp(a, b);
}

/* Scripts are full of functions of one name, or none: file and line of the beginning tell. */
static int cmp_scripts(const struct frame *a, const struct frame *b)
{
	if (!a->jit || !b->jit)
		return !!a->jit - !!b->jit;
	if (cmp_names(a->file, b->file))
		return cmp_names(a->file, b->file);
	return a->line < b->line ? -1 : a->line > b->line;
}

int frame_cmp(const struct frame *a, const struct frame *b)
{
	if (!a || !b)
		return !!a - !!b;
	if (!a->function != !b->function)
		return a->function ? -1 : 1;
	if (a->function && strcmp(a->function, b->function))
		return strcmp(a->function, b->function);
	if (cmp_scripts(a, b))
		return cmp_scripts(a, b);
	if (!a->function && a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return strcmp(a->module ? a->module : "", b->module ? b->module : "");
}
