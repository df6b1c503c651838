/* SPDX-License-Identifier: Apache-2.0
 *
 * A setting of the whole machine (a file in /sys), changed for one test and put back when the test is over, however it
 * ends (guardian.h).
 */
#ifndef SUPPORT_SETTING_H
#define SUPPORT_SETTING_H

#include <stdbool.h>

#include "tests/e2e/support/guardian.h"

struct setting {
    char path[128];
    char value[64]; /* before; of "always [madvise] never" the chosen word */
    struct guardian guardian;
};

/* False: there is no such setting, or it may not be changed. */
bool setting_change(struct setting *setting, const char *path, const char *value);

/* Puts it back now. Not needed at the end of a test. */
void setting_restore(struct setting *setting);

#endif
