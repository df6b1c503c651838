/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands for runtime.madvise and runtime.exit once they are patched (amd64).
 *
 *   caller:  call runtime.madvise      arguments above the return address: 8 address, 16 bytes, 24 advice; 32 result
 *   runtime.madvise:  jmp trampoline   (5 bytes over the first instruction)
 *   trampoline:       jmp *stub        (a page within 2 GiB of the text)
 *   here:    the system call, exactly; the result stored; then the call is recorded; ret to the caller
 *
 * Only the registers that the original clobbers are changed: rax, rcx, rdx, rsi, rdi, r11. The caller's stack may have 800
 * bytes left (a goroutine's), so the C function runs on one of the shim's stacks. It is compiled for general registers
 * only; the three more that it may clobber are kept here. rbp is left alone: the frame pointer chain stays whole.
 *
 * No free stack (16 threads are between these lines at once): the call is counted as unrecorded.
 */
#include "preload/hook_stacks.h"

        .text
        .p2align 5
        .globl  gpw_madvise_stub
        .hidden gpw_madvise_stub
        .type   gpw_madvise_stub, @function
gpw_madvise_stub:
        .cfi_startproc
        endbr64
        movq    8(%rsp), %rdi
        movq    16(%rsp), %rsi
        movl    24(%rsp), %edx
        movl    $28, %eax
        syscall
        movl    %eax, 32(%rsp)

        leaq    gpw_hook_stacks(%rip), %r11
        xorl    %ecx, %ecx
1:      movl    $1, %edi
        xchgb   %dil, HOOK_STACKS_TAKEN_OFFSET(%r11,%rcx)
        testb   %dil, %dil
        jz      2f
        incl    %ecx
        cmpl    $HOOK_STACKS_COUNT, %ecx
        jb      1b
        lock incq HOOK_STACKS_UNRECORDED_OFFSET(%r11)
        ret

2:      leal    1(%rcx), %edi
        shlq    $HOOK_STACK_SHIFT, %rdi
        addq    HOOK_STACKS_BASE_OFFSET(%r11), %rdi
        movq    %rsp, %rsi
        .cfi_def_cfa %rsi, 8
        movq    %rdi, %rsp
        pushq   %rbx
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %rcx
        subq    $8, %rsp
        movq    %rsi, %rbx
        .cfi_def_cfa %rbx, 8
        /* rbx is saved at rsp + 40: DW_CFA_expression, register 3, 2 bytes, DW_OP_breg7 40 */
        .cfi_escape 0x10, 0x03, 0x02, 0x77, 0x28
        movq    8(%rbx), %rdi
        movq    16(%rbx), %rsi
        movl    24(%rbx), %edx
        movl    32(%rbx), %ecx
        movq    %rbx, %r8
        movq    %rbp, %r9
        call    record_go_madvise

        movq    %rbx, %rsi
        .cfi_def_cfa %rsi, 8
        movq    40(%rsp), %rbx
        .cfi_restore %rbx
        movq    32(%rsp), %r8
        movq    24(%rsp), %r9
        movq    16(%rsp), %r10
        movq    8(%rsp), %rcx
        movq    %rsi, %rsp
        .cfi_def_cfa %rsp, 8
        leaq    gpw_hook_stacks(%rip), %r11
        movb    $0, HOOK_STACKS_TAKEN_OFFSET(%r11,%rcx)
        ret
        .cfi_endproc
        .size   gpw_madvise_stub, .-gpw_madvise_stub

/*
 * What stands for runtime.exit: the code lies above the return address. Nothing comes back, so no register is kept; the
 * goroutine's stack may be short, so C runs on one of ours here too. No free stack: the process ends at once.
 */
        .p2align 5
        .globl  gpw_exit_stub
        .hidden gpw_exit_stub
        .type   gpw_exit_stub, @function
gpw_exit_stub:
        .cfi_startproc
        endbr64
        movl    8(%rsp), %edi
        leaq    gpw_hook_stacks(%rip), %r11
        xorl    %ecx, %ecx
1:      movl    $1, %esi
        xchgb   %sil, HOOK_STACKS_TAKEN_OFFSET(%r11,%rcx)
        testb   %sil, %sil
        jz      2f
        incl    %ecx
        cmpl    $HOOK_STACKS_COUNT, %ecx
        jb      1b
        movl    $231, %eax
        syscall

2:      leal    1(%rcx), %esi
        shlq    $HOOK_STACK_SHIFT, %rsi
        addq    HOOK_STACKS_BASE_OFFSET(%r11), %rsi
        movq    %rsp, %rbx
        .cfi_def_cfa %rbx, 8
        movq    %rsi, %rsp
        call    exit_begins
        ud2
        .cfi_endproc
        .size   gpw_exit_stub, .-gpw_exit_stub

        .section .note.GNU-stack,"",@progbits
