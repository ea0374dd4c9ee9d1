/* SPDX-License-Identifier: MIT */
/*
 * Turns the raw addresses of a recording into functions and lines, inlined frames included. Knows
 * libdw; knows nothing of sockets. A file that is not the one that ran (by build id) is not
 * believed.
 */
#ifndef SOCKLINT_SYMBOLIZER_H
#define SOCKLINT_SYMBOLIZER_H

#include "history.h"

struct frame {
	const char *function; /* NULL if it has no name */
	const char *file;     /* full path as the compiler saw it, or NULL */
	int line;	      /* 0 if not known */
	const char *module;   /* name of the ELF file without directories; NULL: code of no file (a
				 JIT's) */
	const struct rec_module *elf; /* the file itself; NULL: code of no file */
	uint64_t offset;	      /* in the file's own terms */
	bool inlined;		      /* into the frame after it */
	bool jit;     /* generated code that its runtime named; line is where it begins */
	bool own;     /* as jit, and the program's: neither the runtime's nor its library's */
	bool runtime; /* in the C library, the loader, a sanitizer, or what C++ and Rust bring */
};

struct stack {
	struct frame *frames; /* innermost first; socklint's own are left out */
	size_t nr, alloc;
	bool truncated;	  /* there were more, further out */
	bool caller_only; /* could not be unwound */
	bool handler;	  /* a signal's: what it interrupted was not taken */
};

struct symbolizer;

struct symbolizer *symbolizer_new(void);
void symbolizer_free(struct symbolizer *sy);
/* The stack of a site: empty when none was taken. Lives as long as the symbolizer. */
const struct stack *symbolizer_site(struct symbolizer *sy, const struct process *p, uint32_t site);
/* A single return address, read in the epoch of a site of the same process. */
const struct stack *symbolizer_pc(struct symbolizer *sy, const struct process *p, uint32_t site,
				  uint64_t pc);
/*
 * The innermost frame in the program's own code, or the innermost of all; NULL if empty. Below a
 * script all native frames are its interpreter's.
 */
const struct frame *stack_own_frame(const struct stack *st);
/* Orders frames by function and file, for grouping: lines and addresses do not count. */
int frame_cmp(const struct frame *a, const struct frame *b);
/* Files whose lines could not be had, each with its reason; NULL after the last. */
const char *symbolizer_complaint(const struct symbolizer *sy, size_t nr);

#endif
