/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of --symbols: the directories that the program's files are looked for in (harness/symbols.h).
 */
#ifndef GPW_HARNESS_SYMBOLS_DIRECTORIES_H
#define GPW_HARNESS_SYMBOLS_DIRECTORIES_H

#include <stdbool.h>

#include "harness/error.h"
#include "harness/symbols.h"

enum { SYMBOLS_DIRECTORIES_MAX = 32 };

struct symbols_directories {
    const char *paths[SYMBOLS_DIRECTORIES_MAX];
    uint64_t count;
};

/* `path` must outlive them. False: it is no directory that can be read, or one too many; `error` says so. */
bool symbols_directories_add(struct symbols_directories *directories, const char *path, struct error *error);
/* Refers to `directories`. */
struct symbols_options symbols_directories_options(const struct symbols_directories *directories);

#endif
