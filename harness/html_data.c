/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of dumps, as they were read: each was checked when it was loaded. What the page does not show is not taken
 * over.
 *
 * Making JSON fails only for want of memory. NULL is handed on: what is made with a part that is missing is not made.
 */
#include "harness/html_data.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gopagewatch/class.h"
#include "gopagewatch/page_state.h"
#include "gopagewatch/schema.h"
#include "harness/html_sites.h"
#include "memory/units.h"

/* What is not ASCII is escaped: to a script U+2028 is the end of a line. */
enum { FLAGS = JSON_COMPACT | JSON_ENSURE_ASCII };

/* ---- what is the same for all dumps ---- */

#define FORMAT_OF_ROW(...) "{s:s,s:s}"

static json_t *make_class_meanings(void)
{
#define X(id, class_name, class_meaning) , "name", (class_name), "meaning", (class_meaning)
    return json_pack("[" GPW_MEMORY_CLASSES(FORMAT_OF_ROW) "]" GPW_MEMORY_CLASSES(X));
#undef X
}

static json_t *make_page_states(void)
{
#define X(id, state_letter, state_meaning) \
    , "letter", ((const char[]){(state_letter), '\0'}), "meaning", (state_meaning)
    return json_pack("[" GPW_PAGE_STATES(FORMAT_OF_ROW) "]" GPW_PAGE_STATES(X));
#undef X
}

/* ---- the mappings of a dump, and the stacks of its threads ---- */

struct ranked_row {
    json_t *row;
    json_int_t resident_bytes, mapped_bytes;
    size_t index;
};

static int compare_rows(const void *left, const void *right)
{
    const struct ranked_row *a = left, *b = right;
    if (a->resident_bytes != b->resident_bytes)
        return a->resident_bytes > b->resident_bytes ? -1 : 1;
    if (a->mapped_bytes != b->mapped_bytes)
        return a->mapped_bytes > b->mapped_bytes ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* The most resident first; to be freed. */
static struct ranked_row *rank_rows(const json_t *rows)
{
    size_t index;
    json_t *row;
    struct ranked_row *ranked = calloc(json_array_size(rows) + 1, sizeof *ranked);
    if (ranked == NULL)
        return NULL;
    json_array_foreach(rows, index, row)
    {
        ranked[index] = (struct ranked_row){.row = row,
                                            .resident_bytes = json_integer_value(json_object_get(row, "resident")),
                                            .mapped_bytes = json_integer_value(json_object_get(row, "mapped")),
                                            .index = index};
    }
    qsort(ranked, json_array_size(rows), sizeof *ranked, compare_rows);
    return ranked;
}

static json_t *make_rows(const struct ranked_row *ranked, size_t count)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        if (json_array_append(rows, ranked[i].row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

/* The sum of two numbers below 2^63, or the largest of them. */
static json_int_t add_capped(json_int_t a, json_int_t b)
{
    return (json_int_t)min_u64((uint64_t)a + (uint64_t)b, INT64_MAX);
}

/* What a reader of the page does not see. */
static json_t *make_left_out(const struct ranked_row *ranked, size_t maps_count, size_t arenas_count,
                             size_t threads_count)
{
    json_int_t mapped_bytes = 0, resident_bytes = 0;
    for (size_t i = 0; i < maps_count; i++) {
        mapped_bytes = add_capped(mapped_bytes, ranked[i].mapped_bytes);
        resident_bytes = add_capped(resident_bytes, ranked[i].resident_bytes);
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "maps", (json_int_t)maps_count, "maps_mapped", mapped_bytes,
                     "maps_resident", resident_bytes, "arenas", (json_int_t)arenas_count, "threads",
                     (json_int_t)threads_count);
}

/* ---- a dump ---- */

/* A file's name may be any bytes, a JSON text may not. */
json_t *html_data_text(const char *text)
{
    json_t *made = json_stringn(text, strlen(text));
    char *ascii = made != NULL ? NULL : strdup(text);
    if (ascii == NULL)
        return made;
    for (char *at = ascii; *at != '\0'; at++) {
        if ((*at & 0x80) != 0)
            *at = '?';
    }
    made = json_stringn(ascii, strlen(ascii));
    free(ascii);
    return made;
}

static json_t *make_go(json_t *go, bool has_details)
{
    json_t *copy = json_copy(go);
    json_object_del(copy, "profile");
    if (has_details || (json_object_set_new(copy, "arenas", json_array()) == 0 &&
                        json_object_set_new(copy, "maps", json_array()) == 0))
        return copy;
    json_decref(copy);
    return NULL;
}

/* Of a dump without details. */
static json_t *make_no_sites(void)
{
    return json_pack("{s:[],s:{s:n,s:[]},s:[]}", "sites", "keepers", "rate", "rows", "nameless");
}

/* What the page shows as it is; older dumps do not have all of it. */
static bool take_over(json_t *made, const json_t *from)
{
    static const char *const KEYS[] = {"schema",  "reason",      "seq",   "label", "phase",   "time",
                                       "process", "environment", "books", "rss",   "findings"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++) {
        json_t *value = json_object_get(from, KEYS[i]);
        if (value != NULL && json_object_set(made, KEYS[i], value) != 0)
            return false;
    }
    return true;
}

static json_t *make_dump(const struct html_dump *dump, bool has_details)
{
    const json_t *from = dump->document, *maps = json_object_get(from, "maps"),
                 *threads = json_object_get(from, "threads");
    json_t *go = json_object_get(from, "go");
    size_t maps_count = json_array_size(maps), arenas_count = json_array_size(json_object_get(go, "arenas"));
    size_t kept = has_details ? min_u64(maps_count, HTML_MAPS_MAX) : 0;
    size_t threads_count = json_array_size(threads);
    size_t threads_kept = has_details ? min_u64(threads_count, HTML_THREADS_MAX) : 0;
    struct ranked_row *ranked = rank_rows(maps), *ranked_threads = rank_rows(threads);
    json_t *made = NULL;
    if (ranked != NULL && ranked_threads != NULL)
        made =
            json_pack("{s:o, s:o, s:o, s:o, s:o}", "file", html_data_text(dump->file), "go", make_go(go, has_details),
                      "maps", make_rows(ranked, kept), "threads", make_rows(ranked_threads, threads_kept), "left_out",
                      make_left_out(ranked + kept, maps_count - kept, has_details ? 0 : arenas_count,
                                    threads_count - threads_kept));
    json_t *sites = has_details ? html_sites_make(from, dump->symbols) : make_no_sites();
    if (made != NULL && (!take_over(made, from) || json_object_update(made, sites) != 0)) {
        json_decref(made);
        made = NULL;
    }
    json_decref(sites);
    free(ranked);
    free(ranked_threads);
    return made;
}

/* Takes the room for the details of a dump; when there is not enough, nothing is left for older ones. */
static bool take_room(const json_t *dump, uint64_t *room_bytes)
{
    static const char *const DETAILS[] = {"maps", "threads", "sites", "keepers"};
    const json_t *go = json_object_get(dump, "go");
    uint64_t bytes = json_dumpb(json_object_get(go, "arenas"), NULL, 0, FLAGS) +
                     json_dumpb(json_object_get(go, "maps"), NULL, 0, FLAGS);
    for (size_t i = 0; i < sizeof DETAILS / sizeof DETAILS[0]; i++)
        bytes += json_dumpb(json_object_get(dump, DETAILS[i]), NULL, 0, FLAGS);
    bool has_room = bytes <= *room_bytes;
    *room_bytes = has_room ? *room_bytes - bytes : 0;
    return has_room;
}

static json_t *make_dumps(const struct html_dump *dumps, uint32_t dumps_count)
{
    uint64_t room_bytes = HTML_DETAILS_BYTES_MAX;
    json_t *list = json_array();
    for (uint32_t i = dumps_count; i-- > 0;) {
        json_t *made = make_dump(&dumps[i], true);
        if (i + 1 < dumps_count && !take_room(made, &room_bytes)) {
            json_decref(made);
            made = make_dump(&dumps[i], false);
        }
        if (json_array_insert_new(list, 0, made) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* ---- all of it ---- */

/* In JSON these stand in texts only, where any letter may be written as an escape. */
static char *escape_markup(const char *json)
{
    size_t bytes = 1;
    for (const char *at = json; *at != '\0'; at++)
        bytes += strchr("<>&", *at) != NULL ? 6 : 1;
    char *escaped = malloc(bytes), *to = escaped;
    for (const char *at = json; escaped != NULL && *at != '\0'; at++) {
        if (strchr("<>&", *at) != NULL)
            to += sprintf(to, "\\u%04x", (unsigned)*at);
        else
            *to++ = *at;
    }
    if (escaped != NULL)
        *to = '\0';
    return escaped;
}

char *html_data_make(const struct html_dump *dumps, uint32_t dumps_count)
{
    json_t *data = json_pack("{s:s,s:o,s:o,s:o}", "gopagewatch", GPW_VERSION, "classes", make_class_meanings(),
                             "page_states", make_page_states(), "dumps", make_dumps(dumps, dumps_count));
    char *json = json_dumps(data, FLAGS);
    char *escaped = json == NULL ? NULL : escape_markup(json);
    json_decref(data);
    free(json);
    return escaped;
}
