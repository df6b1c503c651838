/* SPDX-License-Identifier: Apache-2.0
 *
 * A Go runtime that comes with a shared library (c-shared, loaded or linked).
 *
 * It is found by its first mmap, 256 KiB from its own module, which comes before any madvise.
 */
#include <stddef.h>
#include <string.h>

#include "memory/bump.h"
#include "memory/raw.h"
#include "memory/vma.h"
#include "preload/shim.h"

enum { SCRATCH_BYTES = 64 << 20, SCRATCH_LEAST_BYTES = 1 << 20 };

static bool is_stranger(uintptr_t caller)
{
    for (int i = 0; i < STRANGERS_MAX; i++) {
        if (atomic_load_explicit(&gpw_shim.strangers[i], memory_order_relaxed) == caller)
            return true;
    }
    return false;
}

static void remember_stranger(uintptr_t caller)
{
    uint32_t index = atomic_fetch_add_explicit(&gpw_shim.strangers_count, 1, memory_order_relaxed) % STRANGERS_MAX;
    atomic_store_explicit(&gpw_shim.strangers[index], caller, memory_order_relaxed);
}

/* The mapping that holds the ELF header of the module that holds `address`. */
static const struct vma *module_of(const struct vma_list *list, uintptr_t address)
{
    for (uint64_t i = 0; i < list->count; i++) {
        const struct vma *vma = &list->vmas[i];
        if (address >= vma->start && address < vma->end)
            return vma_is_file(vma) ? vma_front_of_file(list, vma) : NULL;
    }
    return NULL;
}

static struct watched_runtime *watch_module(uintptr_t caller, struct bump *scratch)
{
    struct vma_list list;
    struct go_runtime found;
    struct reader_process reader;
    void *buffer = bump_take(scratch, RUNTIME_FIND_SCRATCH_BYTES);
    if (buffer == NULL || vma_list_read(&list, "/proc/self/maps", scratch) != 0)
        return NULL;
    const struct vma *module = module_of(&list, caller);
    if (module == NULL)
        return NULL;
    reader_process_open(&reader, raw_getpid());
    bool is_go = runtime_find(&found, &reader.reader, module->start, module->name, buffer) && found.has_libc;
    reader_process_close(&reader);
    return is_go ? shim_watch(&found, module->name) : NULL;
}

struct watched_runtime *shim_discover(uintptr_t caller)
{
    struct bump scratch;
    if (atomic_load(&gpw_shim.state) == SHIM_OFF || is_stranger(caller) ||
        bump_open_between(&scratch, SCRATCH_BYTES, SCRATCH_LEAST_BYTES) != 0)
        return NULL;
    struct watched_runtime *runtime = watch_module(caller, &scratch);
    bump_close(&scratch);
    if (runtime == NULL)
        remember_stranger(caller);
    return runtime;
}
