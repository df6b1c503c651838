/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from a package variable to a map: what a debugger would do for `main.srv.cache[3]`, as data.
 *
 * The command finds it in the program's debug information; the shim, which has none of that, gets it as text in
 * GOPAGEWATCH_WATCH and goes it anew for each dump. Names are for people only: nothing is looked up by them.
 *
 *   text := watch { ";" watch }
 *   watch := name "," type-name "," type "," base { "," step }
 *   type, base := "0x" hex digits: link-time addresses of the type's descriptor (abi.MapType) and of the variable
 *   step := "*"             what is there is a pointer: follow it
 *         | "+" decimal     so many bytes further
 *         | "[" n ":" size  a slice header is there: its element n, of `size` bytes
 *
 * In names every byte but letters, digits and "*._-/()[]" is written %XX.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_GORUNTIME_MAP_PATH_H
#define GPW_GORUNTIME_MAP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/reader.h"

enum { MAP_PATH_STEPS_MAX = 16, MAP_PATH_NAME_BYTES = 512, MAP_PATHS_MAX = 64 };

enum map_step_kind { MAP_STEP_FOLLOW, MAP_STEP_FORWARD, MAP_STEP_ELEMENT };

struct map_step {
    enum map_step_kind kind;
    uint64_t bytes;  /* FORWARD: how far; ELEMENT: an element's size */
    uint64_t number; /* ELEMENT */
};

struct map_path {
    char name[MAP_PATH_NAME_BYTES], type_name[MAP_PATH_NAME_BYTES];
    uintptr_t type;   /* of the type's descriptor: always a link-time address */
    uintptr_t base;   /* of the variable: a link-time address too, unless: */
    bool is_absolute; /* it was given by a person, not found: no load bias is added to `base` */
    bool is_header;   /* `base` is what a map variable holds (and %p prints): the map itself, not a variable */
    struct map_step steps[MAP_PATH_STEPS_MAX];
    uint32_t steps_count;
};

/* Writes the text of one path, with the zero. Its length, or 0: it does not fit. Absolute paths and headers have no
 * text. */
uint64_t map_path_write(const struct map_path *path, char *text, uint64_t text_bytes);

/* Reads the first path of `text`; `rest` is behind it and its ";". False: `text` is none, and `path` and `rest` are
 * undefined. What is read has addresses that are not 0, and names without control characters. */
bool map_path_parse(struct map_path *path, const char *text, const char **rest);

/* Goes the path in a process whose module lies `bias` bytes above its link-time addresses. `place` gets the address of
 * the map variable's word; of a path that `is_header` the map's own (there is no word to read). False: `why` has a
 * sentence (a nil pointer, an index behind the slice's end, memory that cannot be read). */
bool map_path_go(const struct map_path *path, struct reader *reader, uintptr_t bias, uintptr_t *place,
                 const char **why);

/* The same, and then to the map's header; 0: the map is nil. */
bool map_path_go_header(const struct map_path *path, struct reader *reader, uintptr_t bias, uintptr_t *header,
                        const char **why);

#endif
