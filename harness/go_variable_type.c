/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a map type by its name, for a map of which only the address is known.
 *
 * One type may be written in several ways: as the linker has it, with full package paths, and as Go prints it, with the
 * last part only. The first is taken where there is one, the second where it means one type.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/go_variable.h"
#include "harness/go_variable_dwarf.h"
#include "harness/go_variable_file.h"
#include "harness/go_variable_name.h"

struct type_search {
    char wanted[GO_NAME_BYTES];
    struct go_dwarf_type whole, shortened;
    bool has_whole, has_shortened;
    char other[GO_NAME_BYTES]; /* a second one of the short name; "": none */
    struct go_name_nearest nearest;
    uint64_t types;
};

static void consider(struct type_search *search, const struct go_dwarf_type *type)
{
    char canonical[GO_NAME_BYTES], shortened[GO_NAME_BYTES];
    go_name_type(canonical, type->name);
    go_name_type_short(shortened, canonical);
    search->types++;
    if (strcmp(canonical, search->wanted) == 0) {
        search->whole = *type;
        search->has_whole = true;
    } else if (strcmp(shortened, search->wanted) != 0) {
        go_name_offer(&search->nearest, shortened);
    } else if (search->has_shortened) {
        go_name_plain(search->other, type->name);
    } else {
        search->shortened = *type;
        search->has_shortened = true;
    }
}

static void search_types(struct type_search *search, Dwarf *dwarf)
{
    struct go_unit unit = {0};
    struct go_dwarf_type type;
    while (go_unit_next(&unit, dwarf)) {
        struct go_entries entries = {0};
        while (go_entries_next(&entries, &unit)) {
            if (go_dwarf_map_type_of(&type, &entries.at))
                consider(search, &type);
        }
    }
}

static bool refuse(const struct type_search *search, const char *type_name, struct error *error)
{
    if (search->has_shortened) {
        char plain[GO_NAME_BYTES];
        go_name_plain(plain, search->shortened.name);
        return error_set(error, "%s may be %s or %s; give the package's whole path", type_name, plain, search->other);
    }
    if (search->nearest.name[0] != '\0')
        return error_set(error, "there is no map type %s; did you mean %s?", type_name, search->nearest.name);
    return error_set(error,
                     "there is no map type %s: none of the program's %" PRIu64 " is called so; write it as Go does, "
                     "as in 'map[string]int' or main.Cache",
                     type_name, search->types);
}

static bool make(struct go_variables *found, const struct go_dwarf_type *type, uintptr_t types, uintptr_t address,
                 struct error *error)
{
    uint64_t descriptor = go_dwarf_type_descriptor(type);
    if (descriptor == 0)
        return error_set(error, "nothing in the program makes a map of that type");
    struct map_path *path = calloc(1, sizeof *path);
    if (path == NULL)
        return error_set(error, "there is no memory for the path");
    path->type = types + descriptor;
    path->base = address;
    path->is_absolute = path->is_header = true;
    snprintf(path->name, sizeof path->name, "%#" PRIxPTR, address);
    go_name_plain(path->type_name, type->name);
    *found = (struct go_variables){.paths = path, .count = 1};
    return true;
}

bool go_variable_find_type(struct go_variables *found, const char *program_path, const struct symbols_options *symbols,
                           const char *type_name, uintptr_t address, struct error *error)
{
    struct go_variable_file file;
    struct type_search search = {0};
    if (strlen(type_name) >= sizeof search.wanted)
        return error_set(error, "the type's name is too long");
    go_name_type(search.wanted, type_name);
    search.nearest.wrong = search.wanted;
    if (!go_variable_file_open(&file, program_path, symbols, error))
        return false;
    search_types(&search, file.dwarf);
    const struct go_dwarf_type *type = search.has_whole ? &search.whole : &search.shortened;
    bool is_one = search.has_whole || (search.has_shortened && search.other[0] == '\0');
    bool is_done = is_one ? make(found, type, file.types, address, error) : refuse(&search, type_name, error);
    go_variable_file_close(&file);
    return is_done;
}
