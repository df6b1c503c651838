/* SPDX-License-Identifier: Apache-2.0
 *
 * Cores of programs that died, read by the command.
 */
#ifndef SUPPORT_CORE_H
#define SUPPORT_CORE_H

#include <jansson.h>
#include <stdbool.h>

/* Are cores written into the directory of the process, by the name "core"? */
bool has_plain_cores(void);

/* For program_setup.before_exec. */
void allow_core(void);

/* `gopagewatch core EXE DIRECTORY/core`, under AddressSanitizer too, which must say the same; the core is removed. For
 * json_decref. Or fails the test. */
json_t *core_dump(const char *exe, const char *directory);

#endif
