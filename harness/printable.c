/* SPDX-License-Identifier: Apache-2.0
 *
 * Control characters become '?'.
 */
#include "harness/printable.h"

#include <stdbool.h>

enum { FIRST_PRINTABLE = 0x20, DELETE = 0x7f, C1_LEAD_BYTE = 0xc2, C1_FIRST = 0x80, C1_LAST = 0x9f };

static bool is_c1_control(unsigned char lead, unsigned char next)
{
    return lead == C1_LEAD_BYTE && next >= C1_FIRST && next <= C1_LAST;
}

void printable_clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (*at < FIRST_PRINTABLE || *at == DELETE) {
            *at = '?';
        } else if (is_c1_control(at[0], at[1])) {
            at[0] = '?';
            at[1] = '?';
        }
    }
}
