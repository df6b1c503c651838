/* SPDX-License-Identifier: Apache-2.0
 *
 * A number with at most three decimals, and a unit.
 */
#include "harness/duration.h"

#include "memory/text.h"

enum { DECIMALS_MAX = 3, THOUSANDTHS = 1000 };

#define MOST_NS (1000ull * 3600 * 1000000000)

static const struct {
    const char *name;
    uint64_t ns;
} UNITS[] = {
    {"ms", 1000000ull},        {"s", 1000000000ull},        {"", 1000000000ull},
    {"m", 60 * 1000000000ull}, {"h", 3600 * 1000000000ull},
};

static bool take_decimals(struct text *text, uint64_t *thousandths)
{
    uint64_t scale = THOUSANDTHS;
    if (!text_take_char(text, '.'))
        return true;
    for (int i = 0; i < DECIMALS_MAX && text->at < text->end && *text->at >= '0' && *text->at <= '9'; i++) {
        scale /= 10;
        *thousandths += scale * (uint64_t)(*text->at++ - '0');
    }
    return scale != THOUSANDTHS;
}

bool duration_read(const char *string, uint64_t *ns)
{
    struct text text = text_of(string);
    uint64_t whole, thousandths = 0;
    if (!text_take_decimal(&text, &whole) || !take_decimals(&text, &thousandths))
        return false;
    for (unsigned i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (!text_equals(text, UNITS[i].name))
            continue;
        if (whole > MOST_NS / UNITS[i].ns)
            return false;
        *ns = whole * UNITS[i].ns + thousandths * (UNITS[i].ns / THOUSANDTHS);
        return true;
    }
    return false;
}
