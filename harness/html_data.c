/* SPDX-License-Identifier: Apache-2.0
 *
 * A struct dump back into JSON, key by key.
 */
#include "harness/html_data.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "dump/json.h"
#include "gopagewatch/page_state.h"
#include "gopagewatch/schema.h"
#include "harness/html_data_go.h"
#include "memory/units.h"

static void write_sizes(struct json *json, const struct dump_sizes *sizes)
{
    json_put_number(json, "mapped", sizes->mapped_bytes);
    json_put_number(json, "resident", sizes->resident_bytes);
    json_put_number(json, "swapped", sizes->swapped_bytes);
    json_put_number(json, "huge", sizes->huge_bytes);
    json_put_number(json, "lazyfree", sizes->lazyfree_bytes);
}

/* ---- what is the same for all dumps ---- */

static void write_class_meanings(struct json *json)
{
    static const struct {
        const char *name, *meaning;
    } CLASSES[] = {
#define X(id, class_name, class_meaning) {(class_name), (class_meaning)},
        GPW_MEMORY_CLASSES(X)
#undef X
    };
    json_begin_array(json, "classes");
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        json_begin_object(json, NULL);
        json_put_string(json, "name", CLASSES[i].name);
        json_put_string(json, "meaning", CLASSES[i].meaning);
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_page_states(struct json *json)
{
    static const struct {
        char letter[2];
        const char *meaning;
    } STATES[] = {
#define X(id, state_letter, state_meaning) {{(state_letter)}, (state_meaning)},
        GPW_PAGE_STATES(X)
#undef X
    };
    json_begin_array(json, "page_states");
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        json_begin_object(json, NULL);
        json_put_string(json, "letter", STATES[i].letter);
        json_put_string(json, "meaning", STATES[i].meaning);
        json_end_object(json);
    }
    json_end_array(json);
}

/* ---- one dump: who, when, what of the whole process ---- */

static void write_head(struct json *json, const struct dump *dump)
{
    json_put_string(json, "schema", GPW_DUMP_SCHEMA);
    json_put_string(json, "reason", dump->reason);
    json_put_number(json, "seq", dump->seq);
    json_put_string(json, "label", dump->label);
    json_put_string(json, "phase", dump->phase);
    json_begin_object(json, "time");
    json_put_string(json, "utc", dump->time.utc);
    json_put_number(json, "unix_ns", dump->time.unix_ns);
    html_data_known(json, "since_start_ns", dump->time.since_start_ns);
    html_data_known(json, "took_ns", dump->time.took_ns);
    json_end_object(json);
    json_begin_object(json, "process");
    json_put_number(json, "pid", dump->process.pid);
    json_put_string_or_null(json, "comm", dump->process.comm);
    json_put_string_or_null(json, "exe", dump->process.exe);
    json_put_string_or_null(json, "host", dump->process.host);
    html_data_known(json, "threads", dump->process.threads);
    json_end_object(json);
}

static void write_environment(struct json *json, const struct dump_environment *environment)
{
    json_begin_object(json, "environment");
    json_put_string_or_null(json, "kernel", environment->kernel);
    json_put_string_or_null(json, "machine", environment->machine);
    html_data_known(json, "cpus", environment->cpus);
    json_put_number(json, "os_page_bytes", environment->os_page_bytes);
    json_begin_object(json, "thp");
    json_put_string_or_null(json, "enabled", environment->thp_enabled);
    json_put_string_or_null(json, "defrag", environment->thp_defrag);
    html_data_known(json, "khugepaged_max_ptes_none", environment->khugepaged_max_ptes_none);
    json_end_object(json);
    html_data_known(json, "cgroup_memory_max_bytes", environment->cgroup_memory_max_bytes);
    json_put_string_or_null(json, "gogc", environment->gogc);
    json_put_string_or_null(json, "gomemlimit", environment->gomemlimit);
    json_put_string_or_null(json, "godebug", environment->godebug);
    json_put_string_or_null(json, "gomaxprocs", environment->gomaxprocs);
    json_put_string_or_null(json, "go_version", environment->go_version);
    json_put_string_or_null(json, "build_id", environment->build_id);
    json_end_object(json);
}

static void write_book(struct json *json, const struct dump *dump, const struct dump_book *book)
{
    json_begin_object(json, book->name);
    json_put_string(json, "how", book->how);
    json_begin_array(json, "missing");
    for (uint64_t i = 0; i < dump->missing_count; i++) {
        const struct dump_missing *missing = &dump->missing[i];
        if (strcmp(missing->book, book->name) != 0)
            continue;
        json_begin_object(json, NULL);
        json_put_string(json, "what", missing->what);
        json_put_string(json, "why", missing->why);
        json_end_object(json);
    }
    json_end_array(json);
    json_put_number(json, "untrusted", book->untrusted_reads);
    json_begin_object(json, "counters");
    for (uint64_t i = 0; i < dump->counters_count; i++) {
        if (strcmp(dump->counters[i].book, book->name) == 0)
            json_put_number(json, dump->counters[i].name, dump->counters[i].value);
    }
    json_end_object(json);
    json_end_object(json);
}

static void write_books(struct json *json, const struct dump *dump)
{
    json_begin_object(json, "books");
    for (uint64_t i = 0; i < dump->books_count; i++)
        write_book(json, dump, &dump->books[i]);
    json_end_object(json);
}

static void write_rss(struct json *json, const struct dump_rss *rss)
{
    json_begin_object(json, "rss");
    json_put_number(json, "total", rss->total_bytes);
    html_data_known(json, "peak", rss->peak_bytes);
    html_data_known(json, "swapped", rss->swapped_bytes);
    json_put_number(json, "explained", rss->stated_explained_bytes);
    json_begin_object(json, "classes");
    for (uint32_t i = 0; i < rss->classes_count; i++) {
        json_begin_object(json, rss->classes[i].name);
        write_sizes(json, &rss->classes[i].sizes);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

static void write_findings(struct json *json, const struct dump *dump)
{
    json_begin_array(json, "findings");
    for (uint64_t i = 0; i < dump->findings_count; i++) {
        const struct dump_finding *finding = &dump->findings[i];
        json_begin_object(json, NULL);
        json_put_string(json, "id", finding->id);
        json_put_number(json, "bytes", finding->bytes);
        json_put_string(json, "text", finding->text);
        json_put_string(json, "advice", finding->advice);
        json_begin_object(json, "evidence");
        for (uint64_t k = 0; k < finding->evidence_count; k++) {
            const struct dump_evidence *evidence = &finding->evidence[k];
            if (evidence->text != NULL)
                json_put_string(json, evidence->name, evidence->text);
            else
                json_put_number(json, evidence->name, evidence->number);
        }
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}

/* ---- one dump: its mappings ---- */

static void write_map(struct json *json, const struct dump_map *map)
{
    json_newline(json);
    json_begin_object(json, NULL);
    json_put_address(json, "start", map->start);
    json_put_address(json, "end", map->end);
    json_put_string(json, "perms", map->permissions);
    json_put_string(json, "name", map->name);
    json_put_string(json, "class", map->class_name);
    write_sizes(json, &map->sizes);
    json_end_object(json);
}

/* The mappings with the most resident memory, and the sums of the others. */
struct largest_maps {
    const struct dump_map *maps[HTML_MAPS_MAX];
    uint32_t count;
    uint64_t others, others_mapped_bytes, others_resident_bytes;
};

static bool is_larger(const struct dump_map *a, const struct dump_map *b)
{
    if (a->sizes.resident_bytes != b->sizes.resident_bytes)
        return a->sizes.resident_bytes > b->sizes.resident_bytes;
    return a->sizes.mapped_bytes > b->sizes.mapped_bytes;
}

/* The sum of two numbers below 2^63, or the largest of them. */
static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return min_u64(a + b, INT64_MAX);
}

static void count_other(struct largest_maps *largest, const struct dump_map *map)
{
    largest->others++;
    largest->others_mapped_bytes = add_capped(largest->others_mapped_bytes, map->sizes.mapped_bytes);
    largest->others_resident_bytes = add_capped(largest->others_resident_bytes, map->sizes.resident_bytes);
}

static void keep_if_large(struct largest_maps *largest, const struct dump_map *map)
{
    if (largest->count == HTML_MAPS_MAX) {
        const struct dump_map *last = largest->maps[HTML_MAPS_MAX - 1];
        bool is_kept = is_larger(map, last);
        count_other(largest, is_kept ? last : map);
        if (!is_kept)
            return;
        largest->count--;
    }
    uint32_t at = largest->count++;
    for (; at > 0 && is_larger(map, largest->maps[at - 1]); at--)
        largest->maps[at] = largest->maps[at - 1];
    largest->maps[at] = map;
}

/* What a reader of the page does not see. */
static void write_left_out(struct json *json, const struct dump *dump, const struct largest_maps *largest,
                           bool has_details)
{
    json_begin_object(json, "left_out");
    json_put_number(json, "maps", largest->others);
    json_put_number(json, "maps_mapped", largest->others_mapped_bytes);
    json_put_number(json, "maps_resident", largest->others_resident_bytes);
    json_put_number(json, "arenas", has_details ? 0 : dump->arenas_count);
    json_end_object(json);
}

static void write_maps(struct json *json, const struct dump *dump, bool has_details)
{
    struct largest_maps largest = {.count = 0};
    for (uint64_t i = 0; i < dump->maps_count; i++) {
        if (has_details)
            keep_if_large(&largest, &dump->maps[i]);
        else
            count_other(&largest, &dump->maps[i]);
    }
    json_begin_array(json, "maps");
    for (uint32_t i = 0; i < largest.count; i++)
        write_map(json, largest.maps[i]);
    json_end_array(json);
    write_left_out(json, dump, &largest, has_details);
}

/* ---- all of it ---- */

/* Bytes that the details of a dump take in the page, without the names in them. */
static uint64_t details_bytes(const struct dump *dump)
{
    enum { MAP_ROW_BYTES = 160, ARENA_ROW_BYTES = 80 };
    uint64_t bytes = min_u64(dump->maps_count, HTML_MAPS_MAX) * MAP_ROW_BYTES + dump->arenas_count * ARENA_ROW_BYTES;
    for (uint64_t i = 0; i < dump->arenas_count; i++)
        bytes += strlen(dump->arenas[i].pages);
    return bytes;
}

/* The oldest dump from which on all have their details. */
static uint32_t first_with_details(const struct html_dump *dumps, uint32_t dumps_count)
{
    uint32_t first = dumps_count - 1; /* the newest, whatever it takes */
    for (uint64_t bytes = 0; first > 0; first--) {
        bytes += details_bytes(&dumps[first - 1].dump);
        if (bytes > HTML_DETAILS_BYTES_MAX)
            break;
    }
    return first;
}

static void write_dump(struct json *json, const struct html_dump *html_dump, bool has_details)
{
    const struct dump *dump = &html_dump->dump;
    json_newline(json);
    json_begin_object(json, NULL);
    json_put_string(json, "file", html_dump->file);
    write_head(json, dump);
    write_environment(json, &dump->environment);
    write_books(json, dump);
    write_rss(json, &dump->rss);
    html_data_write_go(json, dump, has_details);
    write_maps(json, dump, has_details);
    write_findings(json, dump);
    json_end_object(json);
}

void html_data_write(struct json *json, const struct html_dump *dumps, uint32_t dumps_count)
{
    uint32_t first = first_with_details(dumps, dumps_count);
    json->escapes_markup = true;
    json_begin_object(json, NULL);
    json_put_string(json, "gopagewatch", GPW_VERSION);
    write_class_meanings(json);
    write_page_states(json);
    json_begin_array(json, "dumps");
    for (uint32_t i = 0; i < dumps_count; i++)
        write_dump(json, &dumps[i], i >= first);
    json_end_array(json);
    json_end_object(json);
}
