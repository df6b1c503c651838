/* SPDX-License-Identifier: Apache-2.0
 *
 * From the name of a package variable to the map in it: by the debug information (DWARF) of the program, as ways that
 * can be gone in any process that runs it (goruntime/map_path.h).
 *
 * A variable is written as in Go: "main.cache", "pkg/path.name", a field "main.srv.cache" (through pointers and
 * embedded structs, as Go selects them), an element "main.shards[3].m" of an array or a slice. The package may be given
 * by the end of its path ("store.Cache"), as long as that is one package. At the end is a map or a pointer to one.
 * "main.*" is every map of a package, "*" of all packages but the runtime's and internal ones, "main.srv.*" of one
 * variable: maps, those in structs and arrays, and those behind one pointer. What is in slices, interfaces and other
 * maps only the running program knows. Maps in long arrays, of which there may be hundreds, come last.
 *
 * All addresses are link-time addresses: what must be added in a process is the load bias of the module, `bias` of
 * struct elf_image (goruntime/elf_image.h; modules_find reads it for each module of a process or a core).
 *
 * The sentence in `error` is about the program, whose path it does not repeat.
 */
#ifndef GPW_HARNESS_GO_VARIABLE_H
#define GPW_HARNESS_GO_VARIABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/map_path.h"
#include "harness/error.h"
#include "harness/symbols.h"

struct go_variables {
    struct map_path *paths; /* at least one */
    uint32_t count;         /* at most as many as were asked for */
    uint64_t left_out;      /* maps for which there was no room */
};

/* Finds `what`, of several maps the first `most`, in the program (or library) of that path: "/proc/PID/exe" will do.
 * Where the file itself has no debug information it is looked for by the build id, as names are (`symbols`, which may
 * be NULL): an unstripped copy in a directory, or DIR/.build-id/xx/yyyy.debug. False: `error`, and there is nothing to
 * be freed. */
bool go_variable_find(struct go_variables *found, const char *program_path, const struct symbols_options *symbols,
                      const char *what, uint32_t most, struct error *error);

/* The map that lies at `address` (its header, as %p prints a map), of a type that the program has: "map[string]int", or
 * a name, "main.Cache". Spaces, any for interface {}, and the front of package paths do not matter. */
bool go_variable_find_type(struct go_variables *found, const char *program_path, const struct symbols_options *symbols,
                           const char *type_name, uintptr_t address, struct error *error);

void go_variables_free(struct go_variables *found);

#endif
