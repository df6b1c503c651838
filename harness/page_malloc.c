/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the block by the chain of chunks that a dump counts free memory by.
 */
#include "harness/page_malloc.h"

#include <inttypes.h>

#include "harness/human.h"
#include "memory/glibc_shapes.h"

enum { LABEL_COLUMNS = 12 };

/* ---- looking ---- */

static const struct known_range *range_of(const struct snapshot *snapshot, uintptr_t address)
{
    const struct known_range *range = known_ranges_from(&snapshot->known, address);
    return range != NULL && range->start <= address && range->memory_class == CLASS_C_HEAP_USED ? range : NULL;
}

static bool is_large(const struct snapshot_source *source, const struct known_range *range)
{
    return range != NULL &&
           glibc_large_block_bytes(source->reader, range->start, range->end, source->os_page_bytes) != 0;
}

/* The heap as the snapshot has walked it. False: it has changed since. */
static bool find_heap(struct glibc_heap *heap, const struct snapshot_source *source, const struct malloc_heap *walked,
                      const struct known_range *range)
{
    if (range == NULL) {
        *heap = glibc_heap_of_brk(walked->start, walked->end);
        return true;
    }
    return glibc_heap_of_arena(heap, source->reader, walked->start, range->end, source->os_page_bytes);
}

static bool find_chunk(const struct outside *outside, const struct glibc_heap *heap, uintptr_t address,
                       struct glibc_chunk *chunk)
{
    _Alignas(uint64_t) uint8_t buffer[GLIBC_CHUNK_WINDOW_BYTES];
    struct glibc_chunks chunks = {
        .reader = outside->source.reader,
        .buffer = buffer,
        .os_page_bytes = outside->source.os_page_bytes,
        .bytes_left = MALLOC_READ_BYTES_MAX,
    };
    return address < heap->end && glibc_chunks_find(&chunks, heap, address, chunk) == GLIBC_WALKED;
}

void page_malloc_look(const struct outside *outside, struct page_facts *facts)
{
    const struct snapshot *snapshot = &outside->snapshot;
    const struct known_range *range = range_of(snapshot, facts->address);
    const struct malloc_heap *walked = malloc_heaps_at(&snapshot->malloc, facts->address);
    struct malloc_block *block = &facts->block;
    struct glibc_heap heap;
    if (!facts->has_class || facts->memory_class != CLASS_C_HEAP_USED)
        return;
    if (walked == NULL && is_large(&outside->source, range)) {
        block->place = BLOCK_LARGE;
        block->chunk = (struct glibc_chunk){GLIBC_CHUNK_USED, range->start, range->end - range->start};
        return;
    }
    block->place = BLOCK_UNKNOWN;
    block->why_not = "its heap could not be walked: it is partly swapped out, too large, or not glibc's";
    if (walked == NULL)
        return;
    block->why_not = "its heap changes while it is looked at; try again";
    if (!find_heap(&heap, &outside->source, walked, range) ||
        !find_chunk(outside, &heap, facts->address, &block->chunk))
        return;
    block->place = BLOCK_IN_HEAP;
    block->why_not = NULL;
    if (block->chunk.state == GLIBC_CHUNK_FREE || block->chunk.state == GLIBC_CHUNK_TOP)
        facts->memory_class = CLASS_C_HEAP_FREE;
}

/* ---- writing ---- */

static const char *state_sentence(enum glibc_chunk_state state)
{
    switch (state) {
    case GLIBC_CHUNK_NONE:
        break;
    case GLIBC_CHUNK_USED:
        return "in use (or freed, and waiting in a fast bin or a thread's cache)";
    case GLIBC_CHUNK_FREE:
        return "free";
    case GLIBC_CHUNK_TOP:
        return "free, the heap's top: not given out yet";
    }
    return "no block: the arena's own structures, or the end of a heap that has grown";
}

static const char *state_word(enum glibc_chunk_state state)
{
    switch (state) {
    case GLIBC_CHUNK_NONE:
        break;
    case GLIBC_CHUNK_USED:
        return "used";
    case GLIBC_CHUNK_FREE:
        return "free";
    case GLIBC_CHUNK_TOP:
        return "top";
    }
    return "none";
}

void page_malloc_write_text(FILE *out, const struct page_facts *facts)
{
    const struct malloc_block *block = &facts->block;
    const struct glibc_chunk *chunk = &block->chunk;
    if (block->place == BLOCK_NONE)
        return;
    fprintf(out, "%-*s", LABEL_COLUMNS, "block");
    if (block->place == BLOCK_UNKNOWN) {
        fprintf(out, "not known: %s\n", block->why_not);
        return;
    }
    if (chunk->state == GLIBC_CHUNK_NONE) {
        fprintf(out, "%s\n", state_sentence(chunk->state));
        return;
    }
    uintptr_t start = chunk->start + GLIBC_CHUNK_ALIGN_BYTES;
    fprintf(out, "0x%" PRIxPTR "-0x%" PRIxPTR ", chunk of %" PRIu64 " B", start, chunk->start + chunk->bytes,
            chunk->bytes);
    if (chunk->bytes >= 1024)
        fprintf(out, " (%s)", human_bytes(chunk->bytes).text);
    if (facts->address < start)
        fputs(", the address is in its header", out);
    else if (facts->address > start)
        fprintf(out, ", the address is %" PRIu64 " bytes into it", facts->address - start);
    fprintf(out, ": %s\n",
            block->place == BLOCK_LARGE ? "in use, with a mapping of its own" : state_sentence(chunk->state));
}

void page_malloc_write_json(struct json *json, const struct page_facts *facts)
{
    const struct malloc_block *block = &facts->block;
    if (block->place == BLOCK_NONE) {
        json_put_null(json, "block");
        return;
    }
    json_begin_object(json, "block");
    json_put_string_or_null(json, "why_not", block->why_not);
    if (block->place == BLOCK_UNKNOWN) {
        json_put_null(json, "state");
        json_end_object(json);
        return;
    }
    json_put_string(json, "state", state_word(block->chunk.state));
    if (block->chunk.state != GLIBC_CHUNK_NONE) {
        json_put_address(json, "start", block->chunk.start + GLIBC_CHUNK_ALIGN_BYTES);
        json_put_number(json, "chunk_bytes", block->chunk.bytes);
        json_put_bool(json, "own_mapping", block->place == BLOCK_LARGE);
    }
    json_end_object(json);
}
