/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading values of options.
 */
#include "harness/arguments.h"

#include "memory/text.h"

bool argument_read_count(const char *text, uint32_t *count)
{
    struct text rest = text_of(text);
    uint64_t value;
    if (!text_take_decimal(&rest, &value) || rest.at != rest.end || value == 0 || value > UINT32_MAX)
        return false;
    *count = (uint32_t)value;
    return true;
}
