/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory for one test, removed with all that is in it when the test is over, however it ends.
 */
#ifndef SUPPORT_TEMP_DIR_H
#define SUPPORT_TEMP_DIR_H

#include "tests/e2e/support/guardian.h"

struct temp_dir {
    char path[128];
    struct guardian guardian;
};

/* Below $TMPDIR or /tmp. Or fails the test. */
struct temp_dir temp_dir_make(void);

/* Removes it now. Not needed at the end of a test. */
void temp_dir_remove(struct temp_dir *dir);

#endif
