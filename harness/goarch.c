/* SPDX-License-Identifier: Apache-2.0
 *
 * The machines that have two names.
 */
#include "harness/goarch.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *machine, *goarch;
} MACHINES[] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};

const char *goarch_of(const char *machine)
{
    for (size_t i = 0; i < sizeof MACHINES / sizeof MACHINES[0]; i++) {
        if (strcmp(machine, MACHINES[i].machine) == 0)
            return MACHINES[i].goarch;
    }
    return machine;
}
