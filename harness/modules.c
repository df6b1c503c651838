/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking through the mappings for Go modules.
 */
#include "harness/modules.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "memory/reader_cache.h"

/* A module in a process that was cut into more is not looked for: each costs a search. */
enum { CANDIDATES_MAX = 4096 };

static bool is_candidate(const struct vma *vma, struct reader *reader)
{
    char magic[SELFMAG];
    return vma_is_file(vma) && vma->file_offset_bytes == 0 && vma->is_readable &&
           reader_read(reader, vma->start, magic, sizeof magic) && memcmp(magic, ELFMAG, sizeof magic) == 0;
}

/* The second thing that has to agree (heap_find.h): the arena map is memory as the runtime maps it. */
static void confirm_heap(struct go_heap *heap, const struct vma_list *vmas)
{
    uintptr_t end = heap->arena_map + GO_ARENA_MAP_BYTES;
    if (end < heap->arena_map || !vma_list_is_private_anonymous(vmas, heap->arena_map, end))
        go_heap_refuse(heap, "the arena map that was found at ", heap->arena_map,
                       " is not 32 MiB of private anonymous memory, as the Go runtime maps it");
}

/* Searches read many small pieces that lie together. The heap is left with the reader that sees every change. In place:
 * the reason why a heap was not found lies in the module itself. */
static bool examine(struct module *module, const struct vma *vma, const struct modules_source *source,
                    struct reader_cache *cache, void *scratch)
{
    const char *path = source->file_path(source->context, vma);
    *module = (struct module){.vma = vma};
    if (!runtime_find(&module->runtime, &cache->reader, vma->start, path == NULL ? "" : path, scratch))
        return false;
    if (heap_find(&module->heap, &module->runtime, &cache->reader, scratch))
        confirm_heap(&module->heap, source->vmas);
    module->heap.reader = source->reader;
    return true;
}

bool modules_find(struct modules *modules, const struct modules_source *source, struct bump *bump)
{
    struct reader_cache cache;
    uint32_t candidates = 0;
    struct module *beyond = bump_take(bump, sizeof *beyond);
    void *scratch = bump_take(bump, RUNTIME_FIND_SCRATCH_BYTES);
    modules->count = modules->dropped = 0;
    if (beyond == NULL || scratch == NULL || !reader_cache_open(&cache, source->reader, bump))
        return false;
    for (uint64_t i = 0; i < source->vmas->count && candidates < CANDIDATES_MAX; i++) {
        const struct vma *vma = &source->vmas->vmas[i];
        if (!is_candidate(vma, &cache.reader))
            continue;
        candidates++;
        bool has_room = modules->count < HEAPS_MAX;
        struct module *module = has_room ? &modules->modules[modules->count] : beyond;
        bool is_go = examine(module, vma, source, &cache, scratch);
        modules->count += is_go && has_room;
        modules->dropped += is_go && !has_room;
    }
    return true;
}
