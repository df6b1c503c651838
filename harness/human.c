/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes and shares for people.
 */
#include "harness/human.h"

#include <inttypes.h>
#include <stdio.h>

/* Products of two uint64_t that must not wrap. */
typedef unsigned __int128 wide;

static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

enum { UNIT_COUNT = sizeof UNITS / sizeof UNITS[0], UNIT_BITS = 10, UNIT_STEP = 1 << UNIT_BITS };

static uint64_t narrow(wide value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* bytes * parts / (bytes of the unit), rounded half up. */
static uint64_t in_parts_of_unit(uint64_t bytes, unsigned unit, unsigned parts)
{
    wide unit_bytes = (wide)1 << (unit * UNIT_BITS);
    return narrow(((wide)bytes * parts + unit_bytes / 2) / unit_bytes);
}

struct human human_count(uint64_t count)
{
    enum { THOUSAND = 1000, GROUPS_MAX = 7 };
    struct human human;
    uint64_t groups[GROUPS_MAX];
    int used = 0, length;
    do
        groups[used++] = count % THOUSAND;
    while ((count /= THOUSAND) > 0);
    length = snprintf(human.text, sizeof human.text, "%" PRIu64, groups[--used]);
    while (used > 0)
        length += snprintf(human.text + length, sizeof human.text - (size_t)length, ",%03" PRIu64, groups[--used]);
    return human;
}

struct human human_bytes(uint64_t bytes)
{
    struct human human;
    unsigned unit = 0;
    while (unit + 1 < UNIT_COUNT && in_parts_of_unit(bytes, unit, 1) >= UNIT_STEP)
        unit++;
    uint64_t whole = in_parts_of_unit(bytes, unit, 1);
    uint64_t tenths = in_parts_of_unit(bytes, unit, 10);
    uint64_t hundredths = in_parts_of_unit(bytes, unit, 100);
    if (unit == 0 || (unit == 1 && bytes % UNIT_STEP == 0) || tenths >= 1000)
        snprintf(human.text, sizeof human.text, "%" PRIu64 " %s", whole, UNITS[unit]);
    else if (hundredths >= 1000)
        snprintf(human.text, sizeof human.text, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, UNITS[unit]);
    else
        snprintf(human.text, sizeof human.text, "%" PRIu64 ".%02" PRIu64 " %s", hundredths / 100, hundredths % 100,
                 UNITS[unit]);
    return human;
}

struct human human_percent(uint64_t part, uint64_t whole)
{
    struct human human = {"-"};
    if (whole == 0)
        return human;
    if (part == 0)
        return (struct human){"0"};
    uint64_t tenths = narrow(((wide)part * 1000 + whole / 2) / whole);
    if (tenths == 0)
        return (struct human){"<0.1"};
    snprintf(human.text, sizeof human.text, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
    return human;
}

struct human human_percent_floor(uint64_t part, uint64_t whole)
{
    struct human human = {"-"};
    if (whole == 0)
        return human;
    uint64_t hundredths = narrow((wide)part * 10000 / whole);
    snprintf(human.text, sizeof human.text, "%" PRIu64 ".%02" PRIu64, hundredths / 100, hundredths % 100);
    return human;
}

struct human human_duration(uint64_t ns)
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
    struct human human;
    uint64_t ms = ns / 1000000, seconds = ms / 1000;
    if (ms < 1000)
        snprintf(human.text, sizeof human.text, "%" PRIu64 " ms", ms);
    else if (seconds < MINUTE)
        snprintf(human.text, sizeof human.text, "%" PRIu64 ".%" PRIu64 " s", seconds, ms / 100 % 10);
    else if (seconds < HOUR)
        snprintf(human.text, sizeof human.text, "%" PRIu64 " min %" PRIu64 " s", seconds / MINUTE, seconds % MINUTE);
    else if (seconds < DAY)
        snprintf(human.text, sizeof human.text, "%" PRIu64 " h %" PRIu64 " min", seconds / HOUR,
                 seconds % HOUR / MINUTE);
    else
        snprintf(human.text, sizeof human.text, "%" PRIu64 " d %" PRIu64 " h", seconds / DAY, seconds % DAY / HOUR);
    return human;
}
