/* SPDX-License-Identifier: MIT */
/* Siblings by places, as they are recorded. A family is found when first asked for, and kept. */
#include "kinship.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

struct kinship {
	const struct recording *rec;
	struct family *families[2]; /* by site: of clients, of accepted sockets; found when asked */
};

struct kinship *kinship_new(const struct recording *r)
{
	struct kinship *k = xcalloc(1, sizeof(*k));

	k->rec = r;
	return k;
}

static void families_release(struct family *families, size_t nr)
{
	size_t i;

	for (i = 0; families && i < nr; i++)
		free(families[i].entries);
	free(families);
}

static size_t nr_families(const struct kinship *k)
{
	return k->rec->nr_sites + 1;
}

void kinship_free(struct kinship *k)
{
	families_release(k->families[false], nr_families(k));
	families_release(k->families[true], nr_families(k));
	free(k);
}

static bool are_copies(const struct rec_site *a, const struct rec_site *b)
{
	uint64_t distance = a->pc[0] > b->pc[0] ? a->pc[0] - b->pc[0] : b->pc[0] - a->pc[0];

	return a->nr == b->nr && a->nr > 1 && a->born_by == b->born_by &&
	       distance <= KIN_DISTANCE &&
	       !memcmp(a->pc + 1, b->pc + 1, (a->nr - 1u) * sizeof(a->pc[0]));
}

bool kinship_are_kin(const struct kinship *k, uint32_t x, uint32_t y, bool accepted)
{
	const struct rec_site *a = recording_site(k->rec, x), *b = recording_site(k->rec, y);

	if (x == y)
		return true;
	if (!a || !b || !a->nr || !b->nr)
		return false;
	return (accepted && a->pc[0] == b->pc[0]) || are_copies(a, b);
}

static void find_family(const struct kinship *k, struct family *f, uint32_t site, bool accepted)
{
	size_t i, alloc = 0;

	f->known = true;
	for (i = 0; i < k->rec->nr_progress; i++) {
		if (!kinship_are_kin(k, k->rec->progress[i]->site, site, accepted))
			continue;
		ALLOC_GROW(f->entries, f->nr + 1, alloc);
		f->entries[f->nr++] = k->rec->progress[i];
	}
}

const struct family *kinship_of(struct kinship *k, uint32_t site, bool accepted)
{
	static const struct family none;

	if (!site || site >= nr_families(k))
		return &none;
	if (!k->families[accepted])
		k->families[accepted] = xcalloc(nr_families(k), sizeof(**k->families));
	if (!k->families[accepted][site].known)
		find_family(k, &k->families[accepted][site], site, accepted);
	return &k->families[accepted][site];
}
