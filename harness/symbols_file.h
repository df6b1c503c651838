/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that belong to a module of a dump: its own, and one with its debug information. Which they are is told by
 * the build id alone; a path only says where to look.
 */
#ifndef GPW_HARNESS_SYMBOLS_FILE_H
#define GPW_HARNESS_SYMBOLS_FILE_H

#include <limits.h>
#include <stdbool.h>

#include "goruntime/elf_image.h"
#include "harness/error.h"
#include "harness/symbols.h"

enum { SYMBOL_FILE_ID_BYTES = 2 * ELF_GO_BUILD_ID_BYTES + 1 };

struct symbol_file {
    int fd; /* -1: none */
    char path[PATH_MAX];
};

/* Opens the module's own file. False: `error` has why not, a sentence that begins with the module's path. */
bool symbol_file_find(struct symbol_file *file, const struct dump_module *module, const struct symbols_options *options,
                      struct error *error);
/* Opens a file of debug information for it. False: there is none. */
bool symbol_file_find_debug(struct symbol_file *file, const struct dump_module *module,
                            const struct symbols_options *options);
/* The build id of an open file as a module of a dump has it, lower-case digits: GNU's where there is one, else Go's; ""
 * where there is none. */
void symbol_file_read_id(const struct symbol_file *file, char digits[SYMBOL_FILE_ID_BYTES]);
void symbol_file_close(struct symbol_file *file);

#endif
