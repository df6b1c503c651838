/* SPDX-License-Identifier: Apache-2.0
 *
 * The maps that every dump is to tell about: the value of GOPAGEWATCH_WATCH.
 *
 *   value := [ "@" hex digits ":" ] text (goruntime/map_path.h)
 *
 * The text holds addresses of one program, but children inherit the variable. So `gopagewatch run` puts the build id of
 * the program in front, and only a Go runtime in a module of that build id is asked. Without one it is the first.
 *
 * Allowed context: constructor, discovery, dumper, command.
 */
#ifndef GPW_PRELOAD_WATCHES_H
#define GPW_PRELOAD_WATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/elf_image.h"
#include "goruntime/map_path.h"

enum { WATCHES_BUILD_ID_BYTES = ELF_GO_BUILD_ID_BYTES };

struct watches {
    struct map_path paths[MAP_PATHS_MAX];
    uint32_t count; /* 0: nothing is watched */
    uint8_t build_id[WATCHES_BUILD_ID_BYTES];
    uint32_t build_id_bytes; /* 0: none was given */
};

/* Fills `watches` from a value. False, and nothing is watched: it is none. */
bool watches_read(struct watches *watches, const char *value);

/* Is it one? Takes little of the stack. */
bool watches_check(const char *value);

/* Whether a module is the program that they are of. */
bool watches_are_of(const struct watches *watches, const struct elf_image *image);

#endif
