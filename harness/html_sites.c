/* SPDX-License-Identifier: Apache-2.0
 *
 * From call sites to JSON. A part that cannot be made for want of memory makes the whole fail.
 */
#include "harness/html_sites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/dump_decode.h"
#include "harness/html_data.h"
#include "harness/keeper_rows.h"
#include "harness/site_rows.h"

enum { PLACE_BYTES = 512 };

struct maker {
    struct dump dump;
    struct symbols symbols;
    struct stack_trace *trace;
    struct site_row *rows;
};

static json_t *make_place(const struct symbol_frame *frame)
{
    char place[PLACE_BYTES];
    if (frame->file != NULL && frame->line != 0)
        snprintf(place, sizeof place, "%s:%" PRIu64, frame->file, frame->line);
    else
        snprintf(place, sizeof place, "%s", frame->module != NULL ? frame->module : "");
    return html_data_text(place);
}

static json_t *make_frame(const struct trace_place *place, const struct symbol_frame *frame)
{
    char buffer[TRACE_NAME_BYTES];
    return json_pack("{s:o,s:o,s:b}", "function", html_data_text(stack_trace_name(place, frame, buffer)), "place",
                     make_place(frame), "is_inlined", (int)frame->is_inlined);
}

/* Of maker->trace. */
static json_t *make_stack(const struct maker *maker)
{
    const struct stack_trace *trace = maker->trace;
    json_t *stack = json_array();
    for (uint32_t i = 0; i < trace->places_count; i++) {
        const struct trace_place *place = &trace->places[i];
        for (uint32_t k = 0; k < place->count && json_array_size(stack) < HTML_SITE_FRAMES_MAX; k++) {
            if (json_array_append_new(stack, make_frame(place, &trace->frames[place->first + k])) != 0) {
                json_decref(stack);
                return NULL;
            }
        }
    }
    return stack;
}

static json_t *make_row(struct maker *maker, const struct site_row *row)
{
    stack_trace_make_site(maker->trace, &maker->symbols, row->site);
    return json_pack("{s:I,s:I,s:o,s:o}", "bytes", (json_int_t)row->bytes, "calls", (json_int_t)row->calls, "who",
                     html_data_text(row->who), "stack", make_stack(maker));
}

static json_t *make_subject(struct maker *maker, const struct site_subject *subject)
{
    uint64_t count = site_rows_collect(subject, &maker->dump, &maker->symbols, maker->trace, maker->rows);
    uint64_t shown = count < HTML_SITE_ROWS_MAX ? count : HTML_SITE_ROWS_MAX;
    json_t *rows = json_array();
    for (uint64_t i = 0; i < shown; i++) {
        if (json_array_append_new(rows, make_row(maker, &maker->rows[i])) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return json_pack("{s:s,s:b,s:I,s:o}", "of", subject->what, "is_by_purpose", (int)subject->is_by_purpose, "left_out",
                     (json_int_t)(count - shown), "rows", rows);
}

static json_t *make_subjects(struct maker *maker)
{
    json_t *subjects = json_array();
    for (int i = 0; i < SITE_SUBJECTS_COUNT; i++) {
        json_t *subject = make_subject(maker, &SITE_SUBJECTS[i]);
        bool is_empty = subject != NULL && json_array_size(json_object_get(subject, "rows")) == 0;
        if (is_empty)
            json_decref(subject);
        if (!is_empty && json_array_append_new(subjects, subject) != 0) {
            json_decref(subjects);
            return NULL;
        }
    }
    return subjects;
}

static json_t *make_keeper(struct maker *maker, const struct keeper_row *row)
{
    enum { CALLS_SHOWN = 3, WHO_BYTES = 256 };
    char who[WHO_BYTES];
    stack_trace_make(maker->trace, &maker->symbols, &maker->dump, row->stack);
    stack_trace_describe(maker->trace, CALLS_SHOWN, who, sizeof who);
    return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "pinned", (json_int_t)row->estimate.pinned_bytes, "resident",
                     (json_int_t)row->estimate.resident_bytes, "objects", (json_int_t)row->estimate.objects, "size",
                     (json_int_t)row->stack->object_bytes, "who", html_data_text(who), "stack", make_stack(maker));
}

static json_t *make_keepers(struct maker *maker)
{
    struct keeper_row selected[HTML_KEEPER_ROWS_MAX];
    const struct dump_profile *profile = &maker->dump.profile;
    uint64_t count = keeper_rows_select(profile, 0, selected, HTML_KEEPER_ROWS_MAX);
    json_t *rows = json_array();
    for (uint64_t i = 0; i < count; i++) {
        if (json_array_append_new(rows, make_keeper(maker, &selected[i])) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return json_pack("{s:o,s:o}", "rate",
                     profile->rate == DUMP_NOT_KNOWN ? json_null() : json_integer((json_int_t)profile->rate), "rows",
                     rows);
}

static json_t *make_nameless(const struct maker *maker)
{
    json_t *reasons = json_array();
    for (uint64_t i = 0; i < maker->dump.modules_count; i++) {
        const char *why = symbols_module_why(&maker->symbols, i);
        if (why != NULL && json_array_append_new(reasons, html_data_text(why)) != 0) {
            json_decref(reasons);
            return NULL;
        }
    }
    return reasons;
}

/* Which names are missing is known when all the others were looked for. */
static json_t *make_all(struct maker *maker)
{
    json_t *sites = make_subjects(maker), *keepers = make_keepers(maker);
    return json_pack("{s:o,s:o,s:o}", "sites", sites, "keepers", keepers, "nameless", make_nameless(maker));
}

json_t *html_sites_make(const json_t *document, const struct symbols_options *options)
{
    struct maker maker = {0};
    struct error error;
    json_t *made = NULL;
    bool is_decoded = dump_decode(&maker.dump, document, &error);
    if (is_decoded && symbols_open(&maker.symbols, maker.dump.modules, maker.dump.modules_count, options, &error)) {
        maker.trace = malloc(sizeof *maker.trace);
        maker.rows = calloc(maker.dump.callsites_count + 1, sizeof *maker.rows);
        if (maker.trace != NULL && maker.rows != NULL)
            made = make_all(&maker);
        free(maker.rows);
        free(maker.trace);
        symbols_close(&maker.symbols);
    }
    dump_free(&maker.dump);
    return made;
}
