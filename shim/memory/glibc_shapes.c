/* SPDX-License-Identifier: Apache-2.0
 *
 * Recognising glibc's memory.
 */
#include "memory/glibc_shapes.h"

#include <string.h>

#include "memory/units.h"

enum {
    HEAP_INFO_BYTES_MAX = 0x60,
    CHUNK_IS_MMAPPED = 2,
    CHUNK_FLAGS = 7,
    MMAP_THRESHOLD_BYTES = 4096,
    /* nptl/descr.h:struct pthread: a header of 704 bytes, a list node, then the tid; the whole is aligned to 64. The
     * header begins with tcbhead_t {tcb, dtv, self} (x86_64/nptl/tls.h). */
    THREAD_ALIGN_BYTES = 64,
    THREAD_SELF_OFFSET = 16,
    THREAD_TID_OFFSET = 720,
    PAGE_BYTES_MAX = 4096,
};

uint64_t glibc_heap_bytes(struct reader *reader, uintptr_t address, uintptr_t end, uint64_t os_page_bytes)
{
    struct glibc_heap_info info;
    if (!reader_read(reader, address, &info, sizeof info))
        return 0;
    uintptr_t first_heap = align_down(info.arena, GLIBC_HEAP_ALIGN_BYTES);
    bool is_first = info.previous_heap == 0 && first_heap == address;
    bool is_later =
        info.previous_heap != 0 && info.previous_heap % GLIBC_HEAP_ALIGN_BYTES == 0 && first_heap != address;
    if ((!is_first && !is_later) || info.arena - first_heap > HEAP_INFO_BYTES_MAX || info.arena == first_heap)
        return 0;
    if (info.accessible_bytes == 0 || info.accessible_bytes > GLIBC_HEAP_ALIGN_BYTES ||
        info.accessible_bytes % os_page_bytes != 0 || info.size_bytes > info.accessible_bytes)
        return 0;
    /* A heap may have grown since the mappings were read. */
    return min_u64(info.accessible_bytes, end - address);
}

uint64_t glibc_large_block_bytes(struct reader *reader, uintptr_t address, uintptr_t end, uint64_t os_page_bytes)
{
    struct {
        uint64_t padding_bytes, size;
    } chunk;
    if (!reader_read(reader, address, &chunk, sizeof chunk))
        return 0;
    uint64_t bytes = chunk.size & ~(uint64_t)CHUNK_FLAGS;
    if ((chunk.size & CHUNK_FLAGS) != CHUNK_IS_MMAPPED || chunk.padding_bytes != 0 || bytes < MMAP_THRESHOLD_BYTES ||
        bytes % os_page_bytes != 0 || bytes > end - address)
        return 0;
    return bytes;
}

bool glibc_thread_on_page(struct reader *reader, uintptr_t page, uint64_t os_page_bytes, struct glibc_thread *thread)
{
    uint8_t content[PAGE_BYTES_MAX];
    uint64_t bytes = min_u64(os_page_bytes, sizeof content);
    uintptr_t start = page + os_page_bytes - bytes;
    if (!reader_read(reader, start, content, bytes))
        return false;
    for (uint64_t i = 0; i + THREAD_TID_OFFSET + sizeof thread->tid <= bytes; i += THREAD_ALIGN_BYTES) {
        uintptr_t tcb, self;
        memcpy(&tcb, content + i, sizeof tcb);
        memcpy(&self, content + i + THREAD_SELF_OFFSET, sizeof self);
        if (tcb != start + i || self != tcb)
            continue;
        int32_t tid;
        memcpy(&tid, content + i + THREAD_TID_OFFSET, sizeof tid);
        thread->tid = tid > 0 ? (uint32_t)tid : 0;
        thread->stack_end = page + os_page_bytes;
        return true;
    }
    return false;
}
