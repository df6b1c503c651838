/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine code of the functions that are patched, on amd64 (runtime/sys_linux_amd64.s), byte for byte.
 *
 *   runtime.madvise
 *   go1.17 to 1.26 (28 bytes)               go1.27 (26 bytes)
 *    0  48 8b 7c 24 08   mov  8(%rsp),%rdi      the same
 *    5  48 8b 74 24 10   mov 16(%rsp),%rsi
 *   10  8b 54 24 18      mov 24(%rsp),%edx
 *   14  48 c7 c0 1c 0 0 0  mov $28,%rax         b8 1c 00 00 00  mov $28,%eax
 *   21  0f 05            syscall
 *   23  89 44 24 20      mov %eax,32(%rsp)
 *   27  c3               ret
 *
 *   runtime.exit, go1.17 to 1.27 (12 bytes)
 *    0  8b 7c 24 08      mov  8(%rsp),%edi
 *    4  b8 e7 00 00 00   mov $231,%eax
 *    9  0f 05            syscall
 *   11  c3               ret
 */
#include <string.h>

#include "goruntime/runtime_find.h"

static const uint8_t CODE_1_17[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24, 0x18,
                                    0x48, 0xc7, 0xc0, 0x1c, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};
static const uint8_t CODE_1_27[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24,
                                    0x18, 0xb8, 0x1c, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x89, 0x44, 0x24, 0x20, 0xc3};

static const struct {
    const uint8_t *bytes;
    uint64_t count;
} VARIANTS[] = {
    {CODE_1_17, sizeof CODE_1_17},
    {CODE_1_27, sizeof CODE_1_27},
};

bool madvise_code_matches(const uint8_t *code, uint64_t available_bytes, uint64_t *code_bytes)
{
    for (unsigned i = 0; i < sizeof VARIANTS / sizeof VARIANTS[0]; i++) {
        if (VARIANTS[i].count > available_bytes || memcmp(code, VARIANTS[i].bytes, VARIANTS[i].count) != 0)
            continue;
        *code_bytes = VARIANTS[i].count;
        return true;
    }
    return false;
}

bool exit_code_matches(const uint8_t *code, uint64_t available_bytes)
{
    static const uint8_t CODE[] = {0x8b, 0x7c, 0x24, 0x08, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xc3};
    return available_bytes >= sizeof CODE && memcmp(code, CODE, sizeof CODE) == 0;
}
