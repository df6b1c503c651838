/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as people read them. All arithmetic is on integers: the same number always prints the same.
 */
#ifndef GPW_HARNESS_HUMAN_H
#define GPW_HARNESS_HUMAN_H

#include <stdint.h>

struct human {
    char text[32];
};

/* "1,234,567" */
struct human human_count(uint64_t count);
/* Three significant digits in binary units ("43.2 MiB"); bytes and whole KiB exactly ("512 B", "12 KiB"). */
struct human human_bytes(uint64_t bytes);
/* `part` of `whole` rounded to tenths ("70.5"); "0" for nothing, "<0.1" for what rounds to it, "-" when `whole` is 0.
 */
struct human human_percent(uint64_t part, uint64_t whole);
/* The same in hundredths and rounded down: "100.00" is said only of the whole. */
struct human human_percent_floor(uint64_t part, uint64_t whole);
/* "34 ms", "12.3 s", "5 min 12 s", "3 h 4 min", "2 d 3 h"; rounded down. */
struct human human_duration(uint64_t ns);

#endif
