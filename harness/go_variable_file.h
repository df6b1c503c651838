/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that has a Go program's debug information: the program itself or, when that was stripped, another one with
 * the same build id.
 */
#ifndef GPW_HARNESS_GO_VARIABLE_FILE_H
#define GPW_HARNESS_GO_VARIABLE_FILE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/error.h"
#include "harness/symbols_file.h"

struct go_variable_file {
    struct symbol_file file;
    Dwarf *dwarf;
    uintptr_t types; /* what type descriptors are counted from: the symbol runtime.types */
};

/* False: `error`, and nothing is open. `symbols` may be NULL. */
bool go_variable_file_open(struct go_variable_file *file, const char *program_path,
                           const struct symbols_options *symbols, struct error *error);
void go_variable_file_close(struct go_variable_file *file);

#endif
