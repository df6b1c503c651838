/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the module lies in memory that a function of this process is in.
 */
#ifndef GPW_PRELOAD_LOADED_MODULE_H
#define GPW_PRELOAD_LOADED_MODULE_H

#include <stdbool.h>
#include <stdint.h>

struct loaded_module {
    uintptr_t start, end; /* all of the image, .bss included */
};

/* False: the loader knows no module there, or its headers cannot be read. Takes the loader's lock. Allowed context:
 * dumper. */
bool loaded_module_find(struct loaded_module *module, const void *function);

#endif
