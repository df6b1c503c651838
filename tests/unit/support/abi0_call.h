/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls a function as Go calls runtime.madvise (ABI0): arguments and result on the stack, which is one of the caller's
 * choice, as small as a goroutine's may be; every register holds a pattern before and is looked at after.
 */
#ifndef GPW_TESTS_ABI0_CALL_H
#define GPW_TESTS_ABI0_CALL_H

#include <stdint.h>

struct abi0_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t padding;
    uint8_t xmm[16][16];
};

/* The arguments as they lie on the stack, the return address below them. */
struct abi0_frame {
    uint64_t address, bytes;
    int32_t advice, advice_padding;
    int32_t result, result_padding;
};

/* Puts `registers` into the registers and `frame` on the stack that ends at `stack_end` (a multiple of 16), calls
 * `function`, and takes both back. rax is the call's own; the content before is not passed. */
void abi0_call(void *function, struct abi0_frame *frame, struct abi0_registers *registers, void *stack_end);

/* Stack bytes that the call needs besides those of the function: what it touches lies in
 * [stack_end - ABI0_CALL_STACK_BYTES, stack_end). */
enum { ABI0_CALL_STACK_BYTES = 64 };

#endif
