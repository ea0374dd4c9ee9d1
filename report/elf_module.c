/* SPDX-License-Identifier: MIT */
/* One ELF file as libdw sees it. Each has a Dwfl of its own, so the file's own addresses do. */
#include "elf_module.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

/* Separate debuginfo is looked for in the standard places; debuginfod only if DEBUGINFOD_URLS. */
static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
};

/* A file without a build id cannot be told from a later one of its name: it is believed. */
static bool is_same_file(Dwfl_Module *mod, const struct rec_module *rec)
{
	const unsigned char *id;
	GElf_Addr vaddr;
	int len = dwfl_module_build_id(mod, &id, &vaddr);

	if (len < 0 || !rec->build_id_len)
		return true;
	if (len > REC_BUILD_ID_MAX)
		len = REC_BUILD_ID_MAX;
	return len == rec->build_id_len && !memcmp(id, rec->build_id, (size_t)len);
}

static void report_elf(struct elf_module *m)
{
	dwfl_report_begin(m->dwfl);
	m->mod = dwfl_report_elf(m->dwfl, m->rec->path, m->rec->path, -1, 0, true);
	dwfl_report_end(m->dwfl, NULL, NULL);
}

static char *why_not_open(const struct rec_module *rec)
{
	if (rec->path_cut)
		return xstrfmt("%s...: its path is too long to be kept", rec->path);
	if (access(rec->path, R_OK) < 0)
		return xstrfmt("%s: %s", rec->path, strerror(errno));
	return xstrfmt("%s: %s", rec->path, dwfl_errmsg(-1));
}

void elf_module_open(struct elf_module *m, const struct rec_module *rec)
{
	memset(m, 0, sizeof(*m));
	m->rec = rec;
	if (!rec->path[0] && !rec->is_vdso)
		m->why = xstrfmt(
			"a file of the program is not known (was there no /proc?): no names "
			"for its addresses");
	if (rec->is_vdso || rec->path[0] != '/')
		return;
	m->dwfl = dwfl_begin(&callbacks);
	if (m->dwfl && !rec->path_cut)
		report_elf(m);
	if (!m->mod) {
		m->why = why_not_open(rec);
	} else if (!is_same_file(m->mod, rec)) {
		m->why = xstrfmt("%s: the file has changed since: no names for its addresses",
				 rec->path);
		m->mod = NULL;
	}
	if (m->mod)
		m->index = code_index_new(m->mod);
}

void elf_module_close(struct elf_module *m)
{
	code_index_free(m->index);
	if (m->dwfl)
		dwfl_end(m->dwfl);
	free(m->why);
}
