/* SPDX-License-Identifier: MIT */
/*
 * Strings, functions, locations and mappings are numbered as they come; all but strings from 1,
 * without gaps, as Parca wants it.
 */
#include "profile_make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "names.h"
#include "profile.pb-c.h"
#include "samples.h"
#include "text.h"

#define VALUES 3

/* Each module has a room of its own, so that no address lies in two. */
#define MAPPING_ROOM 40

struct maker {
	struct names strings, functions, locations, mappings;
	Socklint__Function **function;
	Socklint__Location **location;
	Socklint__Mapping **mapping;
	size_t alloc_function, alloc_location, alloc_mapping;
};

static int64_t string(struct maker *m, const char *s)
{
	char *clean = text_cleaned(s);
	size_t number = names_number(&m->strings, clean);

	free(clean);
	return (int64_t)number;
}

#define NEW(name, NAME)                                                                            \
	static Socklint__##name *new_##name(void)                                                  \
	{                                                                                          \
		Socklint__##name *x = xcalloc(1, sizeof(*x));                                      \
                                                                                                   \
		socklint__##NAME##__init(x);                                                       \
		return x;                                                                          \
	}

NEW(Function, function)
NEW(Location, location)
NEW(Mapping, mapping)
NEW(Line, line)
NEW(Label, label)
NEW(Sample, sample)
NEW(ValueType, value_type)
#undef NEW

/* ---- functions, mappings, locations ------------------------------------------------------- */

static uint64_t function(struct maker *m, const struct report_frame *f)
{
	const char *name = sample_frame_name(f);
	const char *file = f->file ? f->file : "";
	char *key = xstrfmt("%s\n%s", name, file);
	size_t before = m->functions.nr, nr = names_number(&m->functions, key);
	Socklint__Function *new;

	free(key);
	if (nr < before)
		return nr + 1;
	new = new_Function();
	new->id = nr + 1;
	new->name = new->system_name = string(m, name);
	new->filename = string(m, file);
	ALLOC_GROW(m->function, nr + 1, m->alloc_function);
	m->function[nr] = new;
	return nr + 1;
}

static uint64_t mapping(struct maker *m, const struct report_frame *f)
{
	const char *id = f->build_id ? f->build_id : "";
	size_t before = m->mappings.nr, nr;
	Socklint__Mapping *new;
	char *key;

	if (!f->module)
		return 0;
	key = xstrfmt("%s\n%s", f->module, id);
	nr = names_number(&m->mappings, key);
	free(key);
	if (nr < before)
		return nr + 1;
	new = new_Mapping();
	new->id = nr + 1;
	new->memory_start = new->id << MAPPING_ROOM;
	new->memory_limit = (new->id + 1) << MAPPING_ROOM;
	new->filename = string(m, f->module);
	new->build_id = string(m, id);
	new->has_functions = new->has_filenames = new->has_line_numbers = true;
	new->has_inline_frames = true;
	ALLOC_GROW(m->mapping, nr + 1, m->alloc_mapping);
	m->mapping[nr] = new;
	return nr + 1;
}

static void add_line(struct maker *m, Socklint__Location *to, const struct report_frame *f)
{
	Socklint__Line *line = new_Line();

	line->function_id = function(m, f);
	line->line = f->line;
	to->line = xcalloc(1, sizeof(*to->line));
	to->line[to->n_line++] = line;
}

/*
 * The format would have calls that were inlined into one another as lines of one location, but
 * speedscope shows the outermost of these alone: not the function that a finding is about. All
 * readers show several locations of one address.
 */
static uint64_t location(struct maker *m, const struct report_frame *f)
{
	uint64_t map = mapping(m, f), address = (map << MAPPING_ROOM) + f->offset;
	char *key = xstrfmt("%" PRIx64 " %d %s\n%s", address, f->line, sample_frame_name(f),
			    f->file ? f->file : "");
	size_t before = m->locations.nr, nr = names_number(&m->locations, key);
	Socklint__Location *new;

	free(key);
	if (nr < before)
		return nr + 1;
	new = new_Location();
	new->id = nr + 1;
	new->mapping_id = map;
	new->address = address;
	add_line(m, new, f);
	ALLOC_GROW(m->location, nr + 1, m->alloc_location);
	m->location[nr] = new;
	return nr + 1;
}

/* ---- samples ------------------------------------------------------------------------------ */

static void add_location(Socklint__Sample *to, uint64_t id)
{
	to->location_id =
		xreallocarray(to->location_id, to->n_location_id + 1, sizeof(*to->location_id));
	to->location_id[to->n_location_id++] = id;
}

static void add_stack(struct maker *m, Socklint__Sample *to, const struct report_stack *st)
{
	struct report_frame none = {.function = (char *)"no stack", .where = (char *)""};
	size_t i;

	for (i = 0; i < st->nr; i++)
		add_location(to, location(m, &st->frames[i]));
	if (!st->nr)
		add_location(to, location(m, &none));
}

static void add_label(struct maker *m, Socklint__Sample *to, const char *key, const char *value)
{
	Socklint__Label *label;

	if (!value)
		return;
	label = new_Label();
	label->key = string(m, key);
	label->str = string(m, value);
	to->label = xreallocarray(to->label, to->n_label + 1, sizeof(*to->label));
	to->label[to->n_label++] = label;
}

static Socklint__Sample *make_sample(struct maker *m, const struct report *r,
				     const struct sample *s)
{
	Socklint__Sample *to = new_Sample();

	add_stack(m, to, &r->sites[s->site].stack);
	to->value = xcalloc(VALUES, sizeof(*to->value));
	to->n_value = VALUES;
	to->value[0] = (int64_t)s->nr_sockets;
	to->value[1] = (int64_t)s->nr_close_wait;
	to->value[2] = s->dwell_ns > INT64_MAX ? INT64_MAX : (int64_t)s->dwell_ns;
	add_label(m, to, "state", s->state);
	add_label(m, to, "rule", s->rule);
	add_label(m, to, "local_port", s->port);
	return to;
}

static Socklint__ValueType *value_type(struct maker *m, const char *type, const char *unit)
{
	Socklint__ValueType *to = new_ValueType();

	to->type = string(m, type);
	to->unit = string(m, unit);
	return to;
}

static void add_types(struct maker *m, Socklint__Profile *p)
{
	p->sample_type = xcalloc(VALUES, sizeof(*p->sample_type));
	p->n_sample_type = VALUES;
	p->sample_type[0] = value_type(m, "sockets", "count");
	p->sample_type[1] = value_type(m, "close_wait", "count");
	p->sample_type[2] = value_type(m, "close_wait_dwell", "nanoseconds");
	p->period_type = value_type(m, "sockets", "count");
	p->period = 1;
	p->default_sample_type = string(m, "close_wait");
}

static void add_samples(struct maker *m, Socklint__Profile *p, const struct report *r,
			const struct samples *samples, size_t most)
{
	uint64_t left_out = 0;
	char *text;
	size_t i;

	p->sample = xcalloc(samples->nr, sizeof(*p->sample));
	for (i = 0; i < samples->nr; i++) {
		if (i < most)
			p->sample[p->n_sample++] = make_sample(m, r, &samples->all[i]);
		else
			left_out += samples->all[i].nr_sockets;
	}
	if (!left_out)
		return;
	text = xstrfmt("%" PRIu64 " sockets are left out: there are too many places", left_out);
	p->comment = xcalloc(1, sizeof(*p->comment));
	p->n_comment = 1;
	p->comment[0] = string(m, text);
	free(text);
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* Readers take the first mapping for the program. */
static void map_program(struct maker *m, const struct report *r)
{
	const char *program = r->nr_processes_told ? text_basename(r->processes[0].exe) : "";
	size_t i, j;

	for (i = 0; i < r->nr_sites; i++) {
		const struct report_stack *st = &r->sites[i].stack;

		for (j = 0; j < st->nr; j++) {
			if (!st->frames[j].module || strcmp(st->frames[j].module, program) != 0)
				continue;
			mapping(m, &st->frames[j]);
			return;
		}
	}
}

static void release(struct maker *m)
{
	names_release(&m->strings);
	names_release(&m->functions);
	names_release(&m->locations);
	names_release(&m->mappings);
}

static void set_time(Socklint__Profile *p, const struct report *r, uint64_t time_ns)
{
	p->time_nanos = (int64_t)time_ns;
	if (r->now_at > r->start_at)
		p->duration_nanos = (int64_t)(r->now_at - r->start_at);
}

static uint8_t *pack(const struct report *r, const struct samples *samples, size_t most,
		     uint64_t time_ns, size_t *size)
{
	struct maker m = {NAMES_INIT, NAMES_INIT, NAMES_INIT, NAMES_INIT, NULL,
			  NULL,	      NULL,	  0,	      0,	  0};
	Socklint__Profile *p = xcalloc(1, sizeof(*p));
	uint8_t *bytes;

	socklint__profile__init(p);
	string(&m, "");
	map_program(&m, r);
	add_types(&m, p);
	add_samples(&m, p, r, samples, most);
	set_time(p, r, time_ns);
	p->mapping = m.mapping;
	p->n_mapping = m.mappings.nr;
	p->location = m.location;
	p->n_location = m.locations.nr;
	p->function = m.function;
	p->n_function = m.functions.nr;
	p->string_table = m.strings.all;
	p->n_string_table = m.strings.nr;
	*size = socklint__profile__get_packed_size(p);
	bytes = xcalloc(*size, 1);
	socklint__profile__pack(p, bytes);
	p->string_table = NULL; /* are the names' */
	p->n_string_table = 0;
	socklint__profile__free_unpacked(p, NULL);
	release(&m);
	return bytes;
}

uint8_t *profile_make(const struct report *r, uint64_t time_ns, size_t *size)
{
	struct samples samples;
	size_t most = PROFILE_SAMPLES_MAX;
	uint8_t *bytes;

	samples_make(&samples, r);
	bytes = pack(r, &samples, most, time_ns, size);
	while (*size > PROFILE_BYTES_MAX && most) {
		free(bytes);
		most = (most < samples.nr ? most : samples.nr) / 2;
		bytes = pack(r, &samples, most, time_ns, size);
	}
	samples_release(&samples);
	return bytes;
}
