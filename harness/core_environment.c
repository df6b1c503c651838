/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding envp on the stack of a core.
 */
#include "harness/core_environment.h"

#include <string.h>

#include "memory/units.h"

enum {
    SEARCHED_BYTES = 1 << 20, /* pointers to arguments and variables, and what lies between */
    VARIABLES_MAX = SEARCHED_BYTES / 8,
    VARIABLE_BYTES_MAX = 4096,
    WINDOW_BYTES = 4096,
};

/* The auxiliary vector's place on the stack; 0: not there. Downwards: it lies near the random bytes. */
static uintptr_t find_auxv(struct core_file *core, uintptr_t lowest)
{
    const struct core_notes *notes = &core->notes;
    uint8_t window[WINDOW_BYTES + CORE_AUXV_FRONT_BYTES];
    for (uintptr_t end = align_down(notes->random, sizeof(uint64_t)); end >= lowest + sizeof window;
         end -= WINDOW_BYTES) {
        uintptr_t start = end - sizeof window;
        if (!reader_read(&core->reader, start, window, sizeof window))
            return 0;
        for (uint64_t at = WINDOW_BYTES;; at -= sizeof(uint64_t)) {
            if (memcmp(window + at, notes->auxv_front, CORE_AUXV_FRONT_BYTES) == 0)
                return start + at;
            if (at == 0)
                break;
        }
    }
    return 0;
}

/* Appends the variable at `address` when it has the prefix; one that does not fit is left out. */
static void take_variable(struct core_file *core, uintptr_t address, const char *prefix, char *block,
                          uint64_t block_bytes, uint64_t *filled)
{
    uint64_t room = min_u64(block_bytes - *filled, VARIABLE_BYTES_MAX);
    char *to = block + *filled;
    for (uint64_t i = 0; i < room; i++) {
        if (!reader_read(&core->reader, address + i, to + i, 1) || (i < strlen(prefix) && to[i] != prefix[i]))
            return;
        if (to[i] == '\0') {
            *filled += i + 1;
            return;
        }
    }
}

bool core_environment_read(struct core_file *core, const char *prefix, char *block, uint64_t block_bytes,
                           uint64_t *filled)
{
    uint64_t word;
    *filled = 0;
    if (core->notes.random < SEARCHED_BYTES)
        return false;
    uintptr_t lowest = core->notes.random - SEARCHED_BYTES;
    uintptr_t auxv = find_auxv(core, lowest);
    uintptr_t at = auxv - sizeof word;
    if (auxv == 0 || !reader_read(&core->reader, at, &word, sizeof word) || word != 0)
        return false;
    for (uint32_t i = 0; i < VARIABLES_MAX; i++) {
        at -= sizeof word;
        if (at < lowest || !reader_read(&core->reader, at, &word, sizeof word))
            return false;
        if (word == 0)
            return true;
        if (word > auxv)
            take_variable(core, word, prefix, block, block_bytes, filled);
    }
    return false;
}
