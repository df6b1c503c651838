/* SPDX-License-Identifier: Apache-2.0
 *
 * A number and a unit out of a table.
 */
#include "memory/quantity.h"

#include "memory/text.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static bool parse(const char *value, const struct unit *units, unsigned count, uint64_t *number)
{
    struct text text = text_of(value);
    uint64_t parsed;
    if (!text_take_decimal(&text, &parsed))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!text_equals(text, units[i].name))
            continue;
        if (parsed > UINT64_MAX / units[i].factor)
            return false;
        *number = parsed * units[i].factor;
        return true;
    }
    return false;
}

bool quantity_time_ns(const char *text, uint64_t *ns)
{
    static const struct unit UNITS[] = {{"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}};
    return parse(text, UNITS, sizeof UNITS / sizeof UNITS[0], ns);
}

bool quantity_size_bytes(const char *text, uint64_t *bytes)
{
    static const struct unit UNITS[] = {{"", 1},          {"B", 1},        {"KiB", 1 << 10},  {"MiB", 1 << 20},
                                        {"GiB", 1 << 30}, {"K", 1 << 10},  {"M", 1 << 20},    {"G", 1 << 30},
                                        {"KB", 1000},     {"MB", 1000000}, {"GB", 1000000000}};
    return parse(text, UNITS, sizeof UNITS / sizeof UNITS[0], bytes);
}
