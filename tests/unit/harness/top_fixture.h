/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at a process that was never there: a Go program of 100 MiB, and ways to print what top would show of it.
 */
#ifndef GPW_TESTS_TOP_FIXTURE_H
#define GPW_TESTS_TOP_FIXTURE_H

#include <string.h>

#include "harness/top_picture.h"

#define MIB(count) ((uint64_t)(count) << 20)
#define SECONDS(count) ((uint64_t)(count)*1000000000u)
#define MILLISECONDS(count) ((uint64_t)(count)*1000000u)

static inline struct top_sample fixture_sample(void)
{
    struct top_sample sample = {
        .at_ns = SECONDS(100),
        .cost_ns = MILLISECONDS(7),
        .age_ns = SECONDS(192),
        .comm = "shop",
        .go_version = "go1.26.10",
        .runtimes_count = 1,
        .status = {.resident_bytes = MIB(100), .peak_bytes = MIB(120)},
        .explained_bytes = MIB(100),
        .has_gc = true,
        .gc =
            {
                .cycles = 12,
                .has_phase = true,
                .phase = GC_OFF,
                .has_controller = true,
                .percent = 100,
                .has_memory_limit = true,
                .memory_limit_bytes = INT64_MAX,
                .heap_goal_bytes = MIB(80),
                .heap_live_bytes = MIB(45),
                .has_sums = true,
                .released_bytes = MIB(30),
            },
        .reinflated_bytes = MIB(10),
        .findings = {{"released-resident", MIB(10)}, {"free-resident", MIB(20)}},
        .findings_count = 2,
    };
    sample.classes[CLASS_GO_OBJECTS].resident_bytes = MIB(50);
    sample.classes[CLASS_GO_FREE].resident_bytes = MIB(20);
    sample.classes[CLASS_GO_RELEASED].resident_bytes = MIB(10);
    sample.classes[CLASS_C_MMAP].resident_bytes = MIB(19);
    sample.classes[CLASS_OTHER].resident_bytes = MIB(1);
    return sample;
}

/* The same program `seconds` later. */
static inline struct top_sample fixture_sample_after(uint64_t seconds)
{
    struct top_sample sample = fixture_sample();
    sample.at_ns += SECONDS(seconds);
    sample.age_ns += SECONDS(seconds);
    return sample;
}

/* The screen, a line for each row, without blanks at the ends. Valid until the next call. */
static inline const char *fixture_screen(const struct top_model *model, uint32_t columns, uint32_t rows)
{
    static struct top_picture picture;
    static char text[TOP_LINES_MAX * TOP_LINE_BYTES];
    size_t filled = 0;
    top_picture_make(&picture, model, columns, rows);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < picture.count; i++) {
            if (picture.lines[i].row != row)
                continue;
            size_t length = strlen(picture.lines[i].text);
            memcpy(text + filled, picture.lines[i].text, length);
            for (filled += length; length > 0 && text[filled - 1] == ' '; length--)
                filled--;
        }
        text[filled++] = '\n';
    }
    text[filled] = '\0';
    return text;
}

#endif
