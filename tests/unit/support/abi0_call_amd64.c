/* SPDX-License-Identifier: Apache-2.0
 *
 * The ABI0 call on amd64.
 *
 *   stack_end - 8    rbx: where the registers are
 *             - 16   the test's own stack pointer
 *             - 48   the frame: address, bytes, advice, result
 *             - 56   return address
 *
 * Assembly stands in a C file so that it is compiled like the other tests.
 */
#include "tests/unit/support/abi0_call.h"

#include <stddef.h>

_Static_assert(offsetof(struct abi0_registers, rbx) == 8 && offsetof(struct abi0_registers, r15) == 112 &&
                   offsetof(struct abi0_registers, xmm) == 128,
               "as the assembly has it");
_Static_assert(sizeof(struct abi0_frame) == 32, "as the assembly has it");

/* rdi function, rsi frame, rdx registers, rcx stack end */
__asm__(".text\n"
        ".p2align 4\n"
        ".globl abi0_call\n"
        ".type abi0_call, @function\n"
        "abi0_call:\n"
        "    pushq %rbx\n"
        "    pushq %rbp\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    pushq %rsi\n"
        "    movq %rdx, -8(%rcx)\n"
        "    movq %rsp, -16(%rcx)\n"
        "    leaq -48(%rcx), %rsp\n"
        "    movq (%rsi), %rax\n"
        "    movq %rax, (%rsp)\n"
        "    movq 8(%rsi), %rax\n"
        "    movq %rax, 8(%rsp)\n"
        "    movq 16(%rsi), %rax\n"
        "    movq %rax, 16(%rsp)\n"
        "    movq 24(%rsi), %rax\n"
        "    movq %rax, 24(%rsp)\n"
        "    movq %rdi, %rax\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    movdqu 128+16*\\n(%rdx), %xmm\\n\n"
        ".endr\n"
        "    movq 8(%rdx), %rbx\n"
        "    movq 16(%rdx), %rcx\n"
        "    movq 32(%rdx), %rsi\n"
        "    movq 40(%rdx), %rdi\n"
        "    movq 48(%rdx), %rbp\n"
        "    movq 56(%rdx), %r8\n"
        "    movq 64(%rdx), %r9\n"
        "    movq 72(%rdx), %r10\n"
        "    movq 80(%rdx), %r11\n"
        "    movq 88(%rdx), %r12\n"
        "    movq 96(%rdx), %r13\n"
        "    movq 104(%rdx), %r14\n"
        "    movq 112(%rdx), %r15\n"
        "    movq 24(%rdx), %rdx\n"
        "    callq *%rax\n"
        "    movq 40(%rsp), %rax\n"
        "    movq %rbx, 8(%rax)\n"
        "    movq %rcx, 16(%rax)\n"
        "    movq %rdx, 24(%rax)\n"
        "    movq %rsi, 32(%rax)\n"
        "    movq %rdi, 40(%rax)\n"
        "    movq %rbp, 48(%rax)\n"
        "    movq %r8, 56(%rax)\n"
        "    movq %r9, 64(%rax)\n"
        "    movq %r10, 72(%rax)\n"
        "    movq %r11, 80(%rax)\n"
        "    movq %r12, 88(%rax)\n"
        "    movq %r13, 96(%rax)\n"
        "    movq %r14, 104(%rax)\n"
        "    movq %r15, 112(%rax)\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    movdqu %xmm\\n, 128+16*\\n(%rax)\n"
        ".endr\n"
        "    movq %rsp, %rdi\n"
        "    movq 32(%rsp), %rsp\n"
        "    popq %rsi\n"
        "    movq (%rdi), %rax\n"
        "    movq %rax, (%rsi)\n"
        "    movq 8(%rdi), %rax\n"
        "    movq %rax, 8(%rsi)\n"
        "    movq 16(%rdi), %rax\n"
        "    movq %rax, 16(%rsi)\n"
        "    movq 24(%rdi), %rax\n"
        "    movq %rax, 24(%rsi)\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbp\n"
        "    popq %rbx\n"
        "    ret\n"
        ".size abi0_call, .-abi0_call\n");
