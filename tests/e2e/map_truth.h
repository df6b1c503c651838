/* SPDX-License-Identifier: Apache-2.0
 *
 * What is true of the maps of tests/apps/maps, by the program itself: its numbers, and where its objects are. And which
 * pages these are in, and which of them are resident, counted here, by nothing but /proc/PID/pagemap.
 */
#ifndef GPW_TESTS_E2E_MAP_TRUTH_H
#define GPW_TESTS_E2E_MAP_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/e2e/support/program.h"

enum { MAP_TRUTH_NAME_BYTES = 64, MAP_TRUTH_LINE_BYTES = 1024 };

/* In the order in which the answer tells of them. */
enum map_truth_part {
    TRUTH_HEADER,
    TRUTH_TABLES,
    TRUTH_BUCKETS,
    TRUTH_OLD_BUCKETS,
    TRUTH_OVERFLOW,
    TRUTH_KEYS,
    TRUTH_ELEMENTS,
    TRUTH_DEEP,
    TRUTH_PARTS
};

struct map_object {
    uint64_t base, slot_bytes, asked_bytes, part;
};

struct map_truth {
    char variable[MAP_TRUTH_NAME_BYTES], type[MAP_TRUTH_NAME_BYTES];
    char line[MAP_TRUTH_LINE_BYTES]; /* for text_number */
    bool is_deep;                    /* one level does not reach all */
    struct map_object *objects;      /* by address, each once */
    size_t objects_count;
    uint64_t asked_bytes[TRUTH_PARTS];
    bool has_shared_objects; /* some belong to two parts: small strings in one tiny block */
};

/* The program's next phase, "end" after the last; `maps` gets how many lines of maps follow. */
void map_truth_next_phase(struct program *program, char phase[MAP_TRUTH_NAME_BYTES], unsigned *maps);

/* The next line and its file of objects in `directory`. Or fails the test. */
void map_truth_read(struct map_truth *truth, struct program *program, const char *directory);
void map_truth_free(struct map_truth *truth);

struct map_pages {
    uint64_t objects, slot_bytes;
    uint64_t go_pages;          /* of 8 KiB, that the slots are in */
    uint64_t resident_go_pages; /* with anything resident in them */
    uint64_t resident_bytes;
};

/* Of the objects of one part, or of all: TRUTH_PARTS. Or fails the test. */
struct map_pages map_truth_pages(const struct map_truth *truth, unsigned part, pid_t pid);

#endif
