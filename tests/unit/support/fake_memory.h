/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader over memory that a test makes up: a handful of segments at addresses of the test's choice, which need not be
 * mapped. What lies in no segment cannot be read, as in a real process.
 *
 * Serves the unit tests and the fuzz targets.
 */
#ifndef GPW_TESTS_FAKE_MEMORY_H
#define GPW_TESTS_FAKE_MEMORY_H

#include <stdint.h>

#include "memory/reader.h"

enum { FAKE_SEGMENTS_MAX = 16 };

struct fake_segment {
    uintptr_t address;
    const uint8_t *bytes;
    uint64_t count;
};

struct fake_memory {
    struct reader reader;
    struct fake_segment segments[FAKE_SEGMENTS_MAX];
    uint32_t segments_count;
    uint64_t reads, longest_read;
};

void fake_memory_open(struct fake_memory *memory);
/* The bytes stay the caller's and may change later. Segments do not overlap. */
void fake_memory_add(struct fake_memory *memory, uintptr_t address, const void *bytes, uint64_t count);

#endif
