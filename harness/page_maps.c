/* SPDX-License-Identifier: Apache-2.0
 *
 * Each map is walked as `gopagewatch map` does, with the address to look out for, and no page of it is looked at.
 */
#include "harness/page_maps.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "dump/map_answer.h"
#include "memory/raw.h"

enum { ATTEMPTS = 3 };

/* What a search that nobody asked for may take: a million entries are walked in about 0.15 s. */
#define UNASKED_ENTRIES_MAX (4u << 20)
#define UNASKED_NS 1000000000ull
/* Debug information of larger programs takes longer than that to go through. */
#define SMALL_PROGRAM_BYTES (64ll << 20)

static const char *const UNASKED[] = {"main.*", "*"};

struct search {
    struct page_maps *maps;
    const struct page_maps_question *question;
    struct map_look *look;
    struct map_source source;
    struct map_walk *walk;
    struct bump bump; /* of the walk */
    bool has_bump;
    const struct module *module; /* whose heap `walk` is for */
    uint64_t end_ns;             /* 0: it may take as long as it does */
};

/* ---- one map ---- */

static uint64_t count_of(const struct go_heap *heap, uintptr_t header)
{
    const struct go_layout *layout = heap->layout;
    struct layout_field field = layout->hmap_bytes == 0 ? layout->swiss_used : layout->hmap_count;
    uint64_t count;
    return reader_read(heap->reader, header + field.offset_bytes, &count, sizeof count) ? count : 0;
}

static bool was_searched(const struct page_maps *maps, uintptr_t header)
{
    for (uint32_t i = 0; i < maps->searched; i++) {
        if (maps->headers[i] == header)
            return true;
    }
    return false;
}

static bool is_too_much(const struct search *search, uintptr_t header)
{
    if (search->maps->searched == PAGE_MAPS_SEARCHED_MAX)
        return true;
    return search->end_ns != 0 && (raw_clock_ns(CLOCK_MONOTONIC) >= search->end_ns ||
                                   search->maps->entries + count_of(search->source.heap, header) > UNASKED_ENTRIES_MAX);
}

static void add_owner(struct page_maps *maps, const struct map_path *path, uintptr_t header,
                      const struct map_walk *walk)
{
    if (maps->owners_count == PAGE_MAPS_OWNERS_MAX) {
        maps->owners_left_out++;
        return;
    }
    struct page_owner *owner = &maps->owners[maps->owners_count++];
    memcpy(owner->name, path->name, sizeof owner->name);
    memcpy(owner->type_name, path->type_name, sizeof owner->type_name);
    owner->header = header;
    owner->part = (enum map_part)walk->objects.watched_part;
    owner->place = walk->place;
}

static void note_unread(struct page_maps *maps, const char *why)
{
    if (maps->unread++ == 0)
        maps->unread_why = why;
}

static void note_left_out(struct page_maps *maps, const struct map_path *path)
{
    maps->left_out++;
    memcpy(maps->left_out_name, path->name, sizeof maps->left_out_name);
}

/* Walks until the address is found, or the map stood still meanwhile; a few times. False: it cannot be read. */
static bool walk_map(struct search *search, const struct map_path *path, uintptr_t header, bool *is_changed)
{
    struct map_walk *walk = search->walk;
    const char *why;
    walk->objects.watched = search->question->address;
    for (int i = 0; i < ATTEMPTS; i++) {
        if (!map_walk_run(walk, header, path->type + search->source.bias, search->question->is_deep, &why)) {
            note_unread(search->maps, why);
            return false;
        }
        *is_changed = walk->torn_reads != 0;
        if (walk->objects.is_watched_found || walk->is_spent || !*is_changed)
            break;
    }
    return true;
}

static void search_map(struct search *search, const struct map_path *path)
{
    struct page_maps *maps = search->maps;
    struct map_walk *walk = search->walk;
    const char *why;
    uintptr_t header;
    bool is_changed;
    if (!map_path_go_header(path, search->source.heap->reader, search->source.bias, &header, &why)) {
        note_unread(maps, why);
        return;
    }
    if (header == 0 || was_searched(maps, header))
        return;
    if (is_too_much(search, header)) {
        note_left_out(maps, path);
        return;
    }
    if (!walk_map(search, path, header, &is_changed))
        return;
    maps->headers[maps->searched++] = header;
    maps->entries += walk->shape.entries;
    maps->changed += is_changed;
    maps->cut += walk->is_spent && !walk->objects.is_watched_found;
    if (walk->objects.is_watched_found)
        add_owner(maps, path, header, walk);
}

/* ---- all that a name stands for ---- */

static bool open_walk(struct search *search, const struct module *module, struct error *error)
{
    if (search->module == module)
        return true;
    if (search->has_bump)
        bump_close(&search->bump);
    search->module = NULL;
    search->has_bump = map_reserve_open(&search->bump, UINT64_MAX) == 0;
    if (!search->has_bump)
        return error_set(error, "no address space is left to walk its maps; raise the limit (ulimit -v)");
    if (module->heap.layout == NULL)
        return error_set(error, "its heap was not found: %s", module->heap.why);
    if (!map_look_source(search->look, module, search->question->is_deep, &search->source, error))
        return false;
    const char *why = "no address space is left for the walk; raise the limit (ulimit -v)";
    search->walk = bump_take(&search->bump, sizeof *search->walk);
    if (search->walk == NULL || !map_walk_open(search->walk, search->source.heap, search->source.image_start,
                                               search->source.image_end, &search->bump, &why))
        return error_set(error, "%s", why);
    search->module = module;
    return true;
}

static bool search_name(struct search *search, const char *name, struct error *error)
{
    const struct map_question question = {
        .what = name, .program = search->question->program, .symbols = search->question->symbols};
    const struct module *module = map_look_find(search->look, &question, error);
    if (module == NULL || !open_walk(search, module, error))
        return false;
    for (uint32_t i = 0; i < search->look->variables.count; i++)
        search_map(search, &search->look->variables.paths[i]);
    search->maps->left_out += search->look->variables.left_out;
    return true;
}

static bool is_small(const struct map_look *look)
{
    struct stat status;
    char path[PROC_PATH_BYTES];
    live_process_path(&look->live.process, "exe", path);
    return stat(path, &status) == 0 && status.st_size <= SMALL_PROGRAM_BYTES;
}

/* A program without maps in main, or without debug information, is no error when nobody asked. */
static void search_unasked(struct search *search)
{
    struct page_maps *maps = search->maps;
    struct error error;
    unsigned count = is_small(search->look) ? 2 : 1;
    search->end_ns = raw_clock_ns(CLOCK_MONOTONIC) + UNASKED_NS;
    for (unsigned i = 0; i < count; i++) {
        /* The second search comes to the maps of the first again. */
        maps->left_out = maps->unread = 0;
        if (search_name(search, UNASKED[i], &error))
            maps->pattern = UNASKED[i];
    }
    if (maps->pattern == NULL)
        memcpy(maps->why_not, error.text, sizeof maps->why_not);
}

bool page_maps_search(struct page_maps *maps, const char *subcommand, int pid, const char *thing,
                      const struct page_maps_question *question, struct error *error)
{
    struct map_look look;
    struct search search = {.maps = maps, .question = question, .look = &look};
    bool is_good = true;
    *maps = (struct page_maps){.is_deep = question->is_deep};
    if (!map_look_open_process(&look, subcommand, pid, thing, error)) {
        memcpy(maps->why_not, error->text, sizeof maps->why_not);
        return question->names_count == 0;
    }
    for (uint32_t i = 0; i < question->names_count && is_good; i++)
        is_good = search_name(&search, question->names[i], error);
    if (question->names_count == 0)
        search_unasked(&search);
    if (search.has_bump)
        bump_close(&search.bump);
    map_look_close(&look);
    return is_good;
}
