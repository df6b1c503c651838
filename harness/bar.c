/* SPDX-License-Identifier: Apache-2.0
 *
 * Bars by integers alone: the same number always draws the same.
 */
#include "harness/bar.h"

#include <assert.h>
#include <string.h>

/* Products of a byte count and a few columns must not wrap. */
typedef unsigned __int128 wide;

enum { EIGHTHS = 8 };

static const char *const FROM_LEFT[EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
static const char FULL[] = "█";
static const char *const FROM_BELOW[EIGHTHS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
/* Few, some, many. */
static const char *const FROM_BELOW_ASCII[EIGHTHS] = {"-", "-", "+", "+", "+", "#", "#", "#"};

static char *put(char *at, const char *text)
{
    size_t bytes = strlen(text);
    memcpy(at, text, bytes + 1);
    return at + bytes;
}

struct bar bar_of_share(uint64_t part, uint64_t whole, uint32_t columns, bool has_unicode)
{
    struct bar bar = {""};
    assert(columns <= BAR_COLUMNS_MAX);
    if (whole == 0)
        return bar;
    uint32_t steps = has_unicode ? columns * EIGHTHS : columns;
    if (part > whole)
        part = whole;
    uint32_t filled = (uint32_t)(((wide)part * steps + whole / 2) / whole);
    uint32_t full = has_unicode ? filled / EIGHTHS : filled;
    char *at = bar.text;
    for (uint32_t i = 0; i < full; i++)
        at = put(at, has_unicode ? FULL : "#");
    if (has_unicode)
        put(at, FROM_LEFT[filled % EIGHTHS]);
    return bar;
}

struct bar bar_of_distribution(const uint64_t *values, uint32_t count, bool has_unicode)
{
    struct bar bar = {""};
    uint64_t largest = 0;
    assert(count <= BAR_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++)
        largest = values[i] > largest ? values[i] : largest;
    char *at = bar.text;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] == 0) {
            at = put(at, ".");
            continue;
        }
        uint32_t height = (uint32_t)(((wide)values[i] * EIGHTHS + largest - 1) / largest);
        at = put(at, has_unicode ? FROM_BELOW[height - 1] : FROM_BELOW_ASCII[height - 1]);
    }
    return bar;
}
