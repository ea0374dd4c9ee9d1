/* SPDX-License-Identifier: MIT */
/*
 * Hooks that are jumps: they leave stack and registers as they found them, whatever the compiler
 * and its options. For functions that look at their return address, or that return twice.
 */
#ifndef SHIM_JUMP_H
#define SHIM_JUMP_H

/*
 * Exports `name`, which calls `find` with the arguments that it was given (six on x86_64, eight on
 * aarch64, none that is a number with a point) and jumps to what that returns.
 */
#if defined(__x86_64__)
#define JUMP_BEHIND(name, find)                                                                    \
	__asm__(".pushsection .text\n"                                                             \
		".globl " #name "\n"                                                               \
		".type " #name ", @function\n"                                                     \
		".p2align 4\n" #name ":\n"                                                         \
		".cfi_startproc\n"                                                                 \
		"	endbr64\n"                                                                       \
		".irp reg, rax, rdi, rsi, rdx, rcx, r8, r9\n"                                      \
		"	push %\\reg\n"                                                                   \
		"	.cfi_adjust_cfa_offset 8\n"                                                      \
		".endr\n"                                                                          \
		"	call " #find "\n"                                                          \
		"	mov %rax, %r11\n"                                                                \
		".irp reg, r9, r8, rcx, rdx, rsi, rdi, rax\n"                                      \
		"	pop %\\reg\n"                                                                    \
		"	.cfi_adjust_cfa_offset -8\n"                                                     \
		".endr\n"                                                                          \
		"	jmp *%r11\n"                                                                     \
		".cfi_endproc\n"                                                                   \
		".size " #name ", . - " #name "\n"                                                 \
		".popsection\n")
#elif defined(__aarch64__)
#define JUMP_BEHIND(name, find)                                                                    \
	__asm__(".pushsection .text\n"                                                             \
		".globl " #name "\n"                                                               \
		".type " #name ", %function\n"                                                     \
		".p2align 4\n" #name ":\n"                                                         \
		".cfi_startproc\n"                                                                 \
		"	hint 34\n" /* bti c */                                                     \
		"	stp x29, x30, [sp, -80]!\n"                                                      \
		"	.cfi_def_cfa_offset 80\n"                                                        \
		"	.cfi_offset 29, -80\n"                                                           \
		"	.cfi_offset 30, -72\n"                                                           \
		"	stp x0, x1, [sp, 16]\n"                                                          \
		"	stp x2, x3, [sp, 32]\n"                                                          \
		"	stp x4, x5, [sp, 48]\n"                                                          \
		"	stp x6, x7, [sp, 64]\n"                                                          \
		"	bl " #find "\n"                                                            \
		"	mov x16, x0\n"                                                                   \
		"	ldp x6, x7, [sp, 64]\n"                                                          \
		"	ldp x4, x5, [sp, 48]\n"                                                          \
		"	ldp x2, x3, [sp, 32]\n"                                                          \
		"	ldp x0, x1, [sp, 16]\n"                                                          \
		"	ldp x29, x30, [sp], 80\n"                                                        \
		"	.cfi_restore 29\n"                                                               \
		"	.cfi_restore 30\n"                                                               \
		"	.cfi_def_cfa_offset 0\n"                                                         \
		"	br x16\n"                                                                        \
		".cfi_endproc\n"                                                                   \
		".size " #name ", . - " #name "\n"                                                 \
		".popsection\n")
#endif

#endif
