/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what is free in a heap of malloc. The input is the headers of chunks: a size and flags each, laid out
 * one after the other, with what a free one repeats at its end mostly right.
 *
 * Sources: shim/memory/glibc_chunks.c shim/memory/glibc_shapes.c tests/unit/support/fake_memory.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "memory/glibc_chunks.h"
#include "tests/unit/support/fake_memory.h"

#define HEAP 0x560000000000ull

enum { PAGE_BYTES = 4096, PAGES = 16, WRONG_FOOT = 0x80 };

static uint8_t buffer[GLIBC_CHUNK_WINDOW_BYTES];

static void lay_out(uint8_t *heap, uint64_t bytes, struct input *input)
{
    uint64_t before = 0;
    for (uint64_t at = 0; at + 16 <= bytes && input->left >= 4;) {
        uint64_t size = input_take(input, 3), flags = input_take(input, 1);
        uint64_t previous = (flags & WRONG_FOOT) != 0 ? size : before;
        uint64_t word = size;
        memcpy(heap + at, &previous, sizeof previous);
        memcpy(heap + at + 8, &word, sizeof word);
        before = size & ~7ull;
        at += before < 16 ? 16 : before - before % 16;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    struct fake_memory memory;
    uint64_t pages = 1 + input_take(&input, 1) % PAGES;
    bool is_main = input_take(&input, 1) % 2 == 0;
    uint8_t *content = calloc(pages, PAGE_BYTES);
    uint16_t *free_units = calloc(pages, sizeof *free_units);
    lay_out(content, pages * PAGE_BYTES, &input);
    fake_memory_open(&memory);
    fake_memory_add(&memory, HEAP, content, pages * PAGE_BYTES);
    struct glibc_chunks chunks = {&memory.reader, buffer, PAGE_BYTES, 1 << 20, 0};
    struct glibc_heap heap = glibc_heap_of_brk(HEAP, HEAP + pages * PAGE_BYTES);
    heap.is_main = is_main;
    enum glibc_walk result = glibc_chunks_walk(&chunks, &heap, free_units);
    for (uint64_t i = 0; i < pages; i++) {
        MUST(free_units[i] <= PAGE_BYTES / GLIBC_CHUNK_ALIGN_BYTES);
        MUST(result == GLIBC_WALKED || free_units[i] == 0);
    }
    free(free_units);
    free(content);
    return 0;
}
