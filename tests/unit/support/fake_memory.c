/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader over made-up memory. A read may run over neighbouring segments, as it may over neighbouring mappings.
 */
#include "tests/unit/support/fake_memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct fake_segment *segment_at(const struct fake_memory *memory, uintptr_t address)
{
    for (uint32_t i = 0; i < memory->segments_count; i++) {
        const struct fake_segment *segment = &memory->segments[i];
        if (address >= segment->address && address - segment->address < segment->count)
            return segment;
    }
    return NULL;
}

static int fake_read(struct reader *reader, uintptr_t address, void *buffer, uint64_t bytes)
{
    struct fake_memory *memory = (struct fake_memory *)reader;
    uint8_t *to = buffer;
    memory->reads++;
    if (bytes > memory->longest_read)
        memory->longest_read = bytes;
    while (bytes > 0) {
        const struct fake_segment *segment = segment_at(memory, address);
        if (segment == NULL)
            return -EFAULT;
        uint64_t offset = address - segment->address;
        uint64_t piece = segment->count - offset < bytes ? segment->count - offset : bytes;
        memcpy(to, segment->bytes + offset, piece);
        to += piece;
        address += piece;
        bytes -= piece;
    }
    return 0;
}

void fake_memory_open(struct fake_memory *memory)
{
    *memory = (struct fake_memory){.reader = {fake_read}};
}

void fake_memory_add(struct fake_memory *memory, uintptr_t address, const void *bytes, uint64_t count)
{
    if (memory->segments_count == FAKE_SEGMENTS_MAX)
        abort();
    memory->segments[memory->segments_count++] = (struct fake_segment){address, bytes, count};
}
