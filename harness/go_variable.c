/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding package variables.
 *
 * Each package has a unit, whose name is the package's path; only units that can have the variable are looked into. A
 * path may have dots, so where the package's name ends and the variable's begins is known when one is found.
 */
#include "harness/go_variable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/go_variable_dwarf.h"
#include "harness/go_variable_file.h"
#include "harness/go_variable_name.h"
#include "harness/go_variable_way.h"

enum { LISTED_MAX = 5, LIST_BYTES = 320 };

/* ---- results ---- */

static bool begin(struct go_maps *maps, const struct go_variable_file *file, uint32_t most, struct error *error)
{
    *maps = (struct go_maps){.types = file->types, .room = most};
    maps->paths = calloc(most, sizeof *maps->paths);
    return maps->paths != NULL || error_set(error, "there is no memory for the paths");
}

static void hand_over(struct go_variables *found, struct go_maps *maps)
{
    *found = (struct go_variables){.paths = maps->paths, .count = maps->count, .left_out = maps->total - maps->count};
    maps->paths = NULL;
}

void go_variables_free(struct go_variables *found)
{
    free(found->paths);
    *found = (struct go_variables){0};
}

/* "main.a, main.b and 3 more" */
static void list_maps(char list[LIST_BYTES], const struct go_maps *maps)
{
    uint32_t i = 0;
    int length = 0;
    list[0] = '\0';
    for (; i < maps->count && i < LISTED_MAX; i++) {
        int more =
            snprintf(list + length, LIST_BYTES - (size_t)length, "%s%s", i == 0 ? "" : ", ", maps->paths[i].name);
        enum { ENOUGH = LIST_BYTES - 32 }; /* for what may follow */
        if (length + more > ENOUGH) {
            list[length] = '\0';
            break;
        }
        length += more;
    }
    if (i < maps->total)
        snprintf(list + length, LIST_BYTES - (size_t)length, "%s%" PRIu64 " more", i == 0 ? "" : " and ",
                 maps->total - i);
}

/* ---- one variable ---- */

/* What a name may mean: the variable itself, or those whose packages end so. */
struct search {
    const char *what;
    struct go_variable variable;
    uint64_t name_bytes; /* of `what`: the rest are selectors */
    bool is_found, is_whole;
    char other[GO_NAME_BYTES]; /* another one that fits as well; "": there is none */
    /* Of the package that was looked into last, should there be none: */
    char package[GO_NAME_BYTES]; /* as in `what`; "": there is no such package */
    char wrong[GO_NAME_BYTES];   /* the variable in it */
    struct go_name_nearest nearest;
    uint64_t variables;
    char some[LIST_BYTES]; /* names of them */
};

/* What the compiler and cgo made (".stmp_1", "_cgo_41a3_Cfunc_free") helps nobody. */
static void name_some(struct search *search, const char *name)
{
    enum { SOME_BYTES = 80 };
    size_t filled = strlen(search->some);
    if (name[0] != '.' && strncmp(name, "_cgo", strlen("_cgo")) != 0 && filled + strlen(name) + 2 < SOME_BYTES)
        snprintf(search->some + filled, sizeof search->some - filled, "%s%s", filled == 0 ? "" : ", ", name);
}

static void consider(struct search *search, const struct go_unit *unit, const struct go_variable *variable)
{
    char plain[GO_NAME_BYTES];
    bool is_whole;
    uint64_t package_bytes = strlen(unit->package);
    go_name_plain(plain, variable->name);
    search->variables++;
    if (strncmp(plain, unit->package, package_bytes) == 0 && plain[package_bytes] == '.') {
        go_name_offer(&search->nearest, plain + package_bytes + 1);
        name_some(search, plain + package_bytes + 1);
    }
    uint64_t bytes = go_name_begins(search->what, plain, ".[", &is_whole);
    if (bytes == 0 || (search->is_found && search->is_whole && !is_whole))
        return;
    bool is_better = !search->is_found || (is_whole && (!search->is_whole || bytes > search->name_bytes));
    if (!is_better) {
        snprintf(search->other, sizeof search->other, "%s", plain);
        return;
    }
    if (is_whole)
        search->other[0] = '\0';
    search->variable = *variable;
    search->name_bytes = bytes;
    search->is_found = true;
    search->is_whole = is_whole;
}

/* The package is the first `bytes` bytes of the name. */
static void search_unit(struct search *search, struct go_unit *unit, uint64_t bytes)
{
    struct go_entries entries = {0};
    struct go_variable variable;
    const char *name = search->what + bytes + (search->what[bytes] == '.');
    snprintf(search->package, sizeof search->package, "%.*s", (int)bytes, search->what);
    snprintf(search->wrong, sizeof search->wrong, "%.*s", (int)strcspn(name, ".["), name);
    search->nearest.wrong = search->wrong;
    while (go_entries_next(&entries, unit)) {
        if (go_variable_of(&variable, &entries.at))
            consider(search, unit, &variable);
    }
}

static bool refuse_variable(const struct search *search, struct error *error)
{
    if (search->wrong[0] == '\0')
        return error_set(error, "%s is no variable: its name is missing, as in main.cache", search->what);
    if (search->nearest.name[0] != '\0')
        return error_set(error, "there is no variable %s.%s; did you mean %s.%s?", search->package, search->wrong,
                         search->package, search->nearest.name);
    return error_set(error,
                     "there is no variable %s.%s: none of the %" PRIu64
                     " in the package%s%s%s is called so; a local one "
                     "has no fixed place (show it by its address: map 0xADDR --type T), one that nothing uses is "
                     "left out by the linker",
                     search->package, search->wrong, search->variables, search->some[0] == '\0' ? "" : " (",
                     search->some, search->some[0] == '\0' ? "" : ")");
}

static bool refuse_package(const char *what, Dwarf *dwarf, struct error *error)
{
    char package[GO_NAME_BYTES];
    struct go_name_nearest nearest = {.wrong = package};
    struct go_unit unit = {0};
    const char *slash = strrchr(what, '/'), *last = slash == NULL ? what : slash + 1;
    uint64_t bytes = strcspn(last, ".[");
    if (last[bytes] != '.' || bytes == 0)
        return error_set(error, "%s is no variable: its package comes first, as in main.cache", what);
    snprintf(package, sizeof package, "%.*s", (int)((uint64_t)(last - what) + bytes), what);
    while (go_unit_next(&unit, dwarf)) {
        slash = strrchr(unit.package, '/');
        go_name_offer(&nearest, unit.package);
        go_name_offer(&nearest, slash == NULL ? unit.package : slash + 1);
    }
    if (nearest.name[0] != '\0')
        return error_set(error, "there is no package %s in it; did you mean %s?", package, nearest.name);
    return error_set(error,
                     "there is no package %s in it; give a package's path or the end of it, as in "
                     "github.com/owner/repo/store.Cache or store.Cache",
                     package);
}

static bool find_variable(struct search *search, Dwarf *dwarf, struct error *error)
{
    struct go_unit unit = {0};
    bool is_whole;
    while (go_unit_next(&unit, dwarf)) {
        uint64_t bytes = go_name_begins(search->what, unit.package, ".", &is_whole);
        if (bytes > 0)
            search_unit(search, &unit, bytes);
    }
    if (!search->is_found)
        return search->package[0] == '\0' ? refuse_package(search->what, dwarf, error) : refuse_variable(search, error);
    if (search->other[0] == '\0')
        return true;
    char plain[GO_NAME_BYTES];
    go_name_plain(plain, search->variable.name);
    return error_set(error, "%s may be %s or %s; give the package's whole path", search->what, plain, search->other);
}

/* ---- what is there ---- */

static void collect_both_rounds(struct go_maps *maps, const struct go_place *place)
{
    maps->is_last_round = false;
    go_maps_collect(maps, place);
    maps->is_last_round = true;
    go_maps_collect(maps, place);
}

/* Looks into an element of a slice, or of slices in it, for maps. */
static void collect_in_slice(struct go_maps *maps, const struct go_place *place)
{
    struct go_place element = *place;
    struct error unused;
    while (element.type.kind == GO_KIND_SLICE) {
        if (!go_place_select(&element, "[0]", &unused))
            return;
    }
    collect_both_rounds(maps, &element);
}

static bool refuse_place(struct go_maps *maps, const struct go_place *place, struct error *error)
{
    char list[LIST_BYTES], type_name[GO_NAME_BYTES];
    const char *name = place->path.name;
    go_name_plain(type_name, place->type.name);
    const char *article = go_name_article(type_name);
    collect_both_rounds(maps, place);
    list_maps(list, maps);
    if (maps->total > 0)
        return error_set(error, "%s is %s %s, no map; its maps: %s", name, article, type_name, list);
    collect_in_slice(maps, place);
    if (maps->total > 0)
        return error_set(error, "%s is %s %s, no map; give one of an element, as in %s", name, article, type_name,
                         maps->paths[0].name);
    if (place->type.kind == GO_KIND_INTERFACE)
        return error_set(error, "%s is %s %s, no map; what it holds only the running program knows", name, article,
                         type_name);
    return error_set(error, "%s is %s %s, no map, and has none in it", name, article, type_name);
}

static bool add_one(struct go_maps *maps, struct go_place *place, const char *selectors, struct error *error)
{
    if (!go_place_select(place, selectors, error) || !go_place_follow(place, error))
        return false;
    if (place->type.kind != GO_KIND_MAP)
        return refuse_place(maps, place, error);
    return go_maps_add(maps, place) ||
           error_set(error, "%s is nil forever: nothing in the program makes a map of its type", place->path.name);
}

static bool add_all(struct go_maps *maps, struct go_place *place, const char *selectors, struct error *error)
{
    if (!go_place_select(place, selectors, error) || !go_place_follow(place, error))
        return false;
    collect_both_rounds(maps, place);
    return maps->total > 0 || error_set(error, "%s has no maps in it", place->path.name);
}

/* `is_all`: what followed was ".*". */
static bool find_one(struct go_maps *maps, Dwarf *dwarf, const char *what, bool is_all, struct error *error)
{
    struct search search = {.what = what};
    struct go_place place;
    if (!find_variable(&search, dwarf, error))
        return false;
    go_place_begin(&place, &search.variable);
    return is_all ? add_all(maps, &place, what + search.name_bytes, error)
                  : add_one(maps, &place, what + search.name_bytes, error);
}

/* ---- all of a package ---- */

static bool is_of_runtime(const char *package)
{
    return strcmp(package, "runtime") == 0 || strncmp(package, "runtime/", strlen("runtime/")) == 0 ||
           strncmp(package, "internal/", strlen("internal/")) == 0 ||
           strncmp(package, "vendor/", strlen("vendor/")) == 0;
}

/* What the compiler made has a dot before its name: "main..stmp_1". */
static bool is_made(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strstr(slash == NULL ? name : slash, "..") != NULL;
}

static void collect_unit(struct go_maps *maps, struct go_unit *unit)
{
    struct go_entries entries = {0};
    struct go_variable variable;
    struct go_place place;
    while (go_entries_next(&entries, unit)) {
        if (!go_variable_of(&variable, &entries.at) || is_made(variable.name))
            continue;
        go_place_begin(&place, &variable);
        go_maps_collect(maps, &place);
    }
}

static bool is_meant(const char *package, const struct go_unit *unit)
{
    bool is_whole;
    return package == NULL ? !is_of_runtime(unit->package) : go_name_begins(package, unit->package, "", &is_whole) > 0;
}

/* `package` is its path or the end of it; NULL: all. How many there are. */
static uint64_t collect_packages(struct go_maps *maps, Dwarf *dwarf, const char *package)
{
    uint64_t count = 0;
    for (unsigned round = 0; round < 2; round++) {
        struct go_unit unit = {0};
        maps->is_last_round = round == 1;
        while (go_unit_next(&unit, dwarf)) {
            if (!is_meant(package, &unit))
                continue;
            collect_unit(maps, &unit);
            count++;
        }
    }
    return count;
}

static bool find_all(struct go_maps *maps, Dwarf *dwarf, const char *what, struct error *error)
{
    char package[GO_NAME_BYTES];
    if (strcmp(what, "*") == 0) {
        collect_packages(maps, dwarf, NULL);
        return maps->total > 0 || error_set(error, "no package of the program keeps a map in a variable");
    }
    snprintf(package, sizeof package, "%.*s", (int)(strlen(what) - strlen(".*")), what);
    if (collect_packages(maps, dwarf, package) == 0)
        return find_one(maps, dwarf, package, true, error);
    return maps->total > 0 || error_set(error, "package %s keeps no map in a variable", package);
}

static bool is_wildcard(const char *what)
{
    size_t bytes = strlen(what);
    return strcmp(what, "*") == 0 || (bytes > 2 && strcmp(what + bytes - 2, ".*") == 0);
}

bool go_variable_find(struct go_variables *found, const char *program_path, const struct symbols_options *symbols,
                      const char *what, uint32_t most, struct error *error)
{
    struct go_variable_file file;
    struct go_maps maps;
    char plain[GO_NAME_BYTES];
    if (what[0] == '\0' || strlen(what) >= sizeof plain)
        return error_set(error, "%s; give a variable, as in main.cache",
                         what[0] == '\0' ? "the name is empty" : "the name is too long");
    go_name_plain(plain, what);
    if (!go_variable_file_open(&file, program_path, symbols, error))
        return false;
    bool is_done =
        begin(&maps, &file, most, error) && (is_wildcard(plain) ? find_all(&maps, file.dwarf, plain, error)
                                                                : find_one(&maps, file.dwarf, plain, false, error));
    if (is_done)
        hand_over(found, &maps);
    free(maps.paths);
    go_variable_file_close(&file);
    return is_done;
}
