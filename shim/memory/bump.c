/* SPDX-License-Identifier: Apache-2.0
 *
 * The bump allocator of a dump.
 */
#include "memory/bump.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "memory/raw.h"
#include "memory/units.h"

enum {
    PIECE_ALIGN_BYTES = 16,
    /* The largest page size of any Linux on amd64 and arm64: access begins and ends at pages. */
    STEP_ALIGN_BYTES = 64 << 10,
    STEP_BYTES = 192 << 10,
    STEP_PART = 8, /* of what is accessible: few steps, and little that nobody uses */
};

int bump_open(struct bump *bump, uint64_t reserve_bytes)
{
    *bump = (struct bump){0};
    long start = raw_mmap(NULL, reserve_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw_failed(start))
        return (int)start;
    /* Neither mlockall(MCL_FUTURE) nor huge pages must fill more of it than is used: told so before there is access. */
    raw_munlock((void *)start, reserve_bytes);
    raw_madvise((void *)start, reserve_bytes, MADV_NOHUGEPAGE);
    bump->start = (uint8_t *)start;
    bump->reserved_bytes = reserve_bytes;
    return 0;
}

int bump_open_between(struct bump *bump, uint64_t most_bytes, uint64_t least_bytes)
{
    int error = -ENOMEM;
    for (uint64_t bytes = most_bytes; error != 0 && bytes >= least_bytes; bytes /= 4)
        error = bump_open(bump, bytes);
    return error;
}

/* Makes [start, start + until) of `reserved_bytes` accessible and a step more, where that can be had. */
static bool open_until(uint8_t *start, uint64_t reserved_bytes, uint64_t *opened_bytes, uint64_t until)
{
    uint64_t step = max_u64(STEP_BYTES, align_down(until / STEP_PART, STEP_ALIGN_BYTES));
    uint64_t exact = min_u64(align_up(until, STEP_ALIGN_BYTES), reserved_bytes);
    uint64_t wanted = min_u64(exact + step, reserved_bytes);
    uint8_t *from = start + *opened_bytes;
    if (raw_failed(raw_mprotect(from, wanted - *opened_bytes, PROT_READ | PROT_WRITE))) {
        wanted = exact;
        if (raw_failed(raw_mprotect(from, wanted - *opened_bytes, PROT_READ | PROT_WRITE)))
            return false;
    }
    *opened_bytes = wanted;
    return true;
}

void bump_close(struct bump *bump)
{
    if (bump->start != NULL)
        raw_munmap(bump->start, bump->reserved_bytes);
    *bump = (struct bump){0};
}

void *bump_take(struct bump *bump, uint64_t bytes)
{
    uint64_t rounded = align_up(bytes, PIECE_ALIGN_BYTES);
    if (rounded > bump->reserved_bytes - bump->used_bytes)
        return NULL;
    uint64_t until = bump->used_bytes + rounded;
    if (until > bump->opened_bytes && !open_until(bump->start, bump->reserved_bytes, &bump->opened_bytes, until))
        return NULL;
    void *piece = bump->start + bump->used_bytes;
    bump->used_bytes = until;
    return piece;
}

bool bump_take_room(struct bump *bump, struct bump_room *room, uint64_t most_bytes)
{
    uint64_t offset = align_up(bump->used_bytes, STEP_ALIGN_BYTES), bytes = align_up(most_bytes, STEP_ALIGN_BYTES);
    if (offset > bump->reserved_bytes || bytes > bump->reserved_bytes - offset)
        return false;
    uint64_t end = offset + bytes, opened_end = min_u64(bump->opened_bytes, end);
    *room = (struct bump_room){
        .start = bump->start + offset,
        .reserved_bytes = bytes,
        .opened_bytes = opened_end > offset ? opened_end - offset : 0,
    };
    bump->used_bytes = end;
    bump->opened_bytes = max_u64(bump->opened_bytes, end);
    return true;
}

bool bump_room_open(struct bump_room *room, uint64_t bytes)
{
    return bytes <= room->opened_bytes ||
           (bytes <= room->reserved_bytes && open_until(room->start, room->reserved_bytes, &room->opened_bytes, bytes));
}

uint64_t bump_resident_bytes(const struct bump *bump)
{
    enum { PAGES_AT_ONCE = 512 };
    uint8_t is_there[PAGES_AT_ONCE] = {0};
    const uint64_t os_page_bytes = getauxval(AT_PAGESZ), piece_bytes = PAGES_AT_ONCE * os_page_bytes;
    uint64_t pages = 0;
    for (uint64_t offset = 0; offset < bump->used_bytes; offset += piece_bytes) {
        uint64_t bytes = min_u64(piece_bytes, bump->used_bytes - offset);
        if (raw_failed(raw_syscall6(SYS_mincore, (long)(bump->start + offset), (long)bytes, (long)is_there, 0, 0, 0)))
            continue;
        for (uint64_t i = 0; i * os_page_bytes < bytes; i++)
            pages += is_there[i] & 1;
    }
    return pages * os_page_bytes;
}

const char *bump_string(struct bump *bump, const char *text, uint64_t bytes)
{
    char *copy = bump_take(bump, bytes + 1);
    if (copy == NULL)
        return "";
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}
