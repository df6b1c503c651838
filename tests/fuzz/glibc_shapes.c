/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what is taken for glibc's memory. The input is a page, behind it nothing; words whose first byte is 0xfe
 * become addresses near the page, so that pointers that agree are found soon.
 *
 * Sources: shim/memory/glibc_shapes.c tests/unit/support/fake_memory.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "memory/glibc_shapes.h"
#include "tests/unit/support/fake_memory.h"

#define HEAP 0x7f0000000000ull

enum { PAGE_BYTES = 4096, POINTER_MARK = 0xfe };

static void make_pointers(uint8_t *page, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t offset = page[i + 1] | (uint64_t)(page[i + 2] & 0x0f) << 8;
        uint64_t pointer = HEAP + offset;
        if (page[i] == POINTER_MARK)
            memcpy(page + i, &pointer, sizeof pointer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    struct fake_memory memory;
    struct glibc_thread thread;
    uint64_t room = 1 + input_take(&input, 4) % (2 * (uint64_t)GLIBC_HEAP_ALIGN_BYTES);
    size_t kept = input.left < PAGE_BYTES ? input.left : PAGE_BYTES;
    uint8_t *page = malloc(kept + 1);
    memcpy(page, input.at, kept);
    make_pointers(page, kept);
    fake_memory_open(&memory);
    fake_memory_add(&memory, HEAP, page, kept);
    MUST(glibc_heap_bytes(&memory.reader, HEAP, HEAP + room, PAGE_BYTES) <= room);
    MUST(glibc_large_block_bytes(&memory.reader, HEAP, HEAP + room, PAGE_BYTES) <= room);
    if (glibc_thread_on_page(&memory.reader, HEAP, PAGE_BYTES, &thread)) {
        MUST(kept == PAGE_BYTES);
        MUST(thread.stack_end == HEAP + PAGE_BYTES);
        MUST(thread.tid <= INT32_MAX);
    }
    free(page);
    return 0;
}
