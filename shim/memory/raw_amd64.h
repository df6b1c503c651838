/* SPDX-License-Identifier: Apache-2.0
 *
 * The system call instruction of amd64 (arch/x86/entry/entry_64.S): number in rax, arguments in rdi, rsi, rdx, r10, r8,
 * r9; the kernel clobbers rcx and r11.
 */
#ifndef GPW_MEMORY_RAW_AMD64_H
#define GPW_MEMORY_RAW_AMD64_H

static inline long raw_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
