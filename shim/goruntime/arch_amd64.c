/* SPDX-License-Identifier: Apache-2.0
 *
 * amd64. The instructions of runtime.gcTrigger.test that are looked for, all relative to the next instruction:
 *
 *   80 3D disp32 00   CMPB $0, memstats.enablegc(SB)    the function's first use of a global
 *   83 3D disp32 00   CMPL $0, gcphase(SB)              up to go1.19 panicking is asked for in the same way before it
 *   48 8D 05 disp32   LEAQ gcController(SB), AX         the receiver of gcController.trigger, from go1.19 on
 *
 * and of runtime.profilealloc:
 *
 *   48 8B mm disp32       MOVQ global(SB), reg          mm: 00 reg 101
 */
#include "goruntime/arch.h"

#include <stddef.h>
#include <string.h>

enum { COMPARE_BYTES = 7, LEA_BYTES = 7, LOAD_BYTES = 7, LAST_WITH_PLAIN_GC_PERCENT = 18 };

const uint64_t GO_ARENA_BASE_OFFSET = 0xffff800000000000u;

static uintptr_t target(const uint8_t *displacement_at, uintptr_t next)
{
    int32_t displacement;
    memcpy(&displacement, displacement_at, sizeof displacement);
    return next + (uintptr_t)(intptr_t)displacement;
}

static bool is_compare_with_zero(const uint8_t *code, uint8_t opcode)
{
    return code[0] == opcode && code[1] == 0x3d && code[6] == 0;
}

void gc_globals_decode(const uint8_t *code, uint64_t bytes, uintptr_t address, unsigned go_minor,
                       struct gc_globals *globals)
{
    unsigned long_compares = 0;
    *globals = (struct gc_globals){0};
    for (uint64_t at = 0; at + COMPARE_BYTES <= bytes; at++) {
        uintptr_t next = address + at + COMPARE_BYTES;
        if (globals->enable_gc == 0) {
            if (is_compare_with_zero(code + at, 0x80))
                globals->enable_gc = target(code + at + 2, next);
            continue;
        }
        if (is_compare_with_zero(code + at, 0x83)) {
            long_compares++;
            /* Up to go1.18 the third one is gcController.gcPercent. */
            if (go_minor > LAST_WITH_PLAIN_GC_PERCENT || long_compares <= 2)
                globals->phase = target(code + at + 2, next);
        } else if (globals->gc_controller == 0 && code[at] == 0x48 && code[at + 1] == 0x8d && code[at + 2] == 0x05) {
            globals->gc_controller = target(code + at + 3, address + at + LEA_BYTES);
        }
    }
}

static bool is_load_of_global(const uint8_t *code)
{
    return code[0] == 0x48 && code[1] == 0x8b && (code[2] & 0xc7) == 0x05;
}

uintptr_t mem_profile_rate_decode(const uint8_t *code, uint64_t bytes, uintptr_t address)
{
    unsigned loads = 0;
    for (uint64_t at = 0; at + LOAD_BYTES <= bytes; at++) {
        if (is_load_of_global(code + at) && ++loads == 2)
            return target(code + at + 3, address + at + LOAD_BYTES);
    }
    return 0;
}
