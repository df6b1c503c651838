/* SPDX-License-Identifier: Apache-2.0
 *
 * A Go runtime that comes with a shared library (c-shared, loaded or linked).
 *
 * It is found by its first mmap, 256 KiB from its own module, which comes before any madvise. Any thread of any process
 * may make such a call (Python's allocator up to 3.9 does nothing else), on a small stack too: what is large lies in
 * memory that is mapped for the search, and a module is looked at once.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <sys/uio.h>

#include "memory/bump.h"
#include "memory/raw.h"
#include "memory/vma.h"
#include "preload/shim.h"

enum { SCRATCH_BYTES = 64 << 20, SCRATCH_LEAST_BYTES = 1 << 20 };

/* Of the ELF header at `start`, whose offsets and counts hardly two modules share. False: it cannot be read, and
 * `is_forbidden` says whether nothing can (seccomp). */
static bool read_fingerprint(uintptr_t start, uint64_t *fingerprint, bool *is_forbidden)
{
    Elf64_Ehdr header = {0};
    struct iovec here = {&header, sizeof header}, there = {(void *)start, sizeof header};
    long bytes = raw_syscall6(SYS_process_vm_readv, raw_getpid(), (long)&here, 1, (long)&there, 1, 0);
    *is_forbidden = bytes == -EPERM || bytes == -ENOSYS;
    *fingerprint = bytes != sizeof header ? 0 : header.e_shoff ^ header.e_entry << 1 ^ (uint64_t)header.e_phnum << 56;
    return bytes == sizeof header;
}

static bool is_stranger(uintptr_t caller)
{
    for (int i = 0; i < STRANGERS_MAX; i++) {
        const struct stranger *stranger = &gpw_shim.strangers[i];
        uint64_t fingerprint;
        bool is_forbidden;
        if (atomic_load_explicit(&stranger->end, memory_order_acquire) <= caller ||
            atomic_load_explicit(&stranger->start, memory_order_relaxed) > caller)
            continue;
        if (read_fingerprint(stranger->start, &fingerprint, &is_forbidden) ? fingerprint == stranger->fingerprint
                                                                           : is_forbidden)
            return true;
    }
    return false;
}

static void remember_stranger(uintptr_t start, uintptr_t end)
{
    bool is_forbidden;
    uint32_t index = atomic_load_explicit(&gpw_shim.strangers_count, memory_order_relaxed);
    do {
        if (index >= STRANGERS_MAX)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&gpw_shim.strangers_count, &index, index + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    struct stranger *stranger = &gpw_shim.strangers[index];
    read_fingerprint(start, &stranger->fingerprint, &is_forbidden);
    atomic_store_explicit(&stranger->start, start, memory_order_relaxed);
    atomic_store_explicit(&stranger->end, end, memory_order_release);
}

static const struct vma *mapping_of(const struct vma_list *list, uintptr_t address)
{
    for (uint64_t i = 0; i < list->count; i++) {
        if (address >= list->vmas[i].start && address < list->vmas[i].end)
            return &list->vmas[i];
    }
    return NULL;
}

static struct watched_runtime *watch_module(uintptr_t caller, struct bump *scratch)
{
    struct vma_list list;
    struct reader_process reader;
    struct go_runtime *found = bump_take(scratch, sizeof *found);
    void *buffer = bump_take(scratch, RUNTIME_FIND_SCRATCH_BYTES);
    if (found == NULL || buffer == NULL || vma_list_read(&list, "/proc/self/maps", scratch) != 0)
        return NULL;
    const struct vma *mapping = mapping_of(&list, caller);
    if (mapping == NULL)
        return NULL;
    /* The ELF header is at the file's front; code that was made at run time has none. */
    const struct vma *front = vma_is_file(mapping) ? vma_front_of_file(&list, mapping) : NULL;
    uintptr_t start = front == NULL ? mapping->start : front->start;
    reader_process_open(&reader, raw_getpid());
    bool is_go = front != NULL && runtime_find(found, &reader.reader, start, front->name, buffer) && found->has_libc;
    reader_process_close(&reader);
    if (is_go)
        return shim_watch(found, front->name);
    remember_stranger(start, mapping->end);
    return NULL;
}

struct watched_runtime *shim_discover(uintptr_t caller)
{
    struct bump scratch;
    if (atomic_load(&gpw_shim.state) == SHIM_OFF || is_stranger(caller) ||
        bump_open_between(&scratch, SCRATCH_BYTES, SCRATCH_LEAST_BYTES) != 0)
        return NULL;
    struct watched_runtime *runtime = watch_module(caller, &scratch);
    bump_close(&scratch);
    return runtime;
}
