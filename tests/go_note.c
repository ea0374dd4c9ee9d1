/* SPDX-License-Identifier: MIT */
/* Linked into a program, it carries the note that Go's linker leaves in each. */
#include <elf.h>

const struct {
	Elf64_Nhdr header;
	char owner[4];
	char id[4];
} go_note __attribute__((section(".note.go.buildid"), used, aligned(4))) = {{4, 4, 4}, "Go", "id"};
