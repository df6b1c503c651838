/* SPDX-License-Identifier: Apache-2.0
 *
 * One map in full: what it takes in the first line, then its parts, then a line for each question that follows from
 * them. Lines that would say "nothing" are left out.
 */
#include "harness/map_table.h"

#include <inttypes.h>
#include <string.h>

#include "harness/human.h"
#include "harness/map_sums.h"
#include "harness/table.h"
#include "harness/wrap.h"
#include "memory/units.h"

enum { LABEL_COLUMNS = 11, SENTENCE_COLUMNS = 110 };

static const char *const PART_MEANINGS[MAP_PARTS] = {
#define X(id, name, what) [MAP_PART_##id] = (what),
    GPW_MAP_PARTS(X)
#undef X
};

struct details {
    FILE *out;
    const struct map_answer *answer;
    const struct map_table_options *options;
};

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static struct human pages_bytes(uint64_t go_pages)
{
    return human_bytes(multiply_saturating(go_pages, GO_PAGE_BYTES));
}

/* ---- the first line ---- */

static void write_headline(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    const struct style *style = &details->options->style;
    FILE *out = details->out;
    style_begin(out, style, STYLE_HEADING, STYLE_TEXT);
    fputs(answer->name, out);
    style_end(out, style, STYLE_HEADING);
    fprintf(out, "  %s  ", answer->type_name);
    if (answer->why != NULL) {
        fprintf(out, "not known: %s", answer->why);
        if (answer->address != 0)
            fprintf(out, " (its header is at 0x%" PRIxPTR ")", answer->address);
        fputc('\n', out);
        return;
    }
    if (answer->address == 0) {
        fputs("nil: it takes no memory\n", out);
        return;
    }
    fprintf(out, "%s entr%s -> %s page%s (%s)", human_count(answer->entries).text, answer->entries == 1 ? "y" : "ies",
            human_count(answer->total.go_pages).text, plural(answer->total.go_pages),
            pages_bytes(answer->total.go_pages).text);
    if (details->options->knows_residency)
        fprintf(out, ", %s resident", human_count(answer->resident_go_pages).text);
    fprintf(out, ", %s held alone (%s)\n", human_count(answer->alone_go_pages).text,
            pages_bytes(answer->alone_go_pages).text);
}

/* ---- the parts ---- */

static void add_bytes(struct table *table, uint64_t bytes)
{
    table_add_cell(table, "%s", bytes == 0 ? "0" : human_bytes(bytes).text);
}

static void add_sizes(struct table *table, const char *name, const struct map_part_sizes *sizes, bool knows_residency,
                      const char *meaning)
{
    table_add_row(table);
    table_add_cell(table, "%s", name);
    table_add_cell(table, "%s", human_count(sizes->objects).text);
    add_bytes(table, sizes->asked_bytes);
    add_bytes(table, sizes->allocated_bytes);
    add_bytes(table, sizes->spans_bytes);
    table_add_cell(table, "%s", human_count(sizes->go_pages).text);
    if (knows_residency)
        add_bytes(table, sizes->resident_bytes);
    if (meaning != NULL) {
        table->is_text[table->cells_in_row] = true;
        table_add_cell(table, "%s", meaning);
    }
}

static void add_heads(struct table *table, bool knows_residency)
{
    static const char *const HEADS[] = {"part", "objects", "asked", "allocated", "in spans", "pages", "resident"};
    table_clear(table);
    table_add_row(table);
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0] - !knows_residency; i++)
        table_add_cell(table, "%s", HEADS[i]);
}

static void fill_parts(struct table *table, const struct map_answer *answer, bool knows_residency, bool has_meanings)
{
    add_heads(table, knows_residency);
    for (int part = 0; part < MAP_PARTS; part++) {
        const struct map_part_sizes *sizes = &answer->parts[part];
        if ((sizes->objects | sizes->allocated_bytes) != 0)
            add_sizes(table, MAP_PART_NAMES[part], sizes, knows_residency, has_meanings ? PART_MEANINGS[part] : NULL);
    }
    add_sizes(table, "total", &answer->total, knows_residency,
              has_meanings ? "spans and pages that parts share count once" : NULL);
}

static void write_parts(const struct details *details)
{
    const struct map_table_options *options = details->options;
    struct table table;
    fputc('\n', details->out);
    fill_parts(&table, details->answer, options->knows_residency, true);
    if (table_width_columns(&table) > options->width_columns)
        fill_parts(&table, details->answer, options->knows_residency, false);
    table_print_styled(&table, details->out, &options->style);
    fputc('\n', details->out);
}

/* ---- lines ---- */

/* "label      the words that follow", broken below their beginning. */
static struct wrap begin_line(const struct details *details, const char *label, enum style_role role)
{
    const struct map_table_options *options = details->options;
    style_begin(details->out, &options->style, role, STYLE_TEXT);
    fputs(label, details->out);
    style_end(details->out, &options->style, role);
    fprintf(details->out, "%*s", LABEL_COLUMNS - (int)strlen(label), "");
    return (struct wrap){
        .out = details->out,
        .width_columns = (uint32_t)min_u64(options->width_columns, SENTENCE_COLUMNS),
        .hang_columns = LABEL_COLUMNS + 1,
        .column = LABEL_COLUMNS,
        .lines = 1,
    };
}

static void write_tables(struct wrap *wrap, const struct map_answer *answer)
{
    if (answer->design == MAP_DESIGN_BUCKETS) {
        wrap_format(wrap, "in %s bucket%s", human_count(answer->buckets).text, plural(answer->buckets));
        if (answer->overflow_buckets != 0)
            wrap_format(wrap, "and %s overflow bucket%s", human_count(answer->overflow_buckets).text,
                        plural(answer->overflow_buckets));
        return;
    }
    wrap_format(wrap, "in %s group%s", human_count(answer->buckets).text, plural(answer->buckets));
    if (answer->tables == 0)
        wrap_text(wrap, "without a table");
    else
        wrap_format(wrap, "of %s table%s (directory of %s)", human_count(answer->tables).text, plural(answer->tables),
                    human_count(answer->directory_slots).text);
    if (answer->tombstones != 0) {
        wrap_glue(wrap, ";");
        wrap_format(wrap, "%s tombstone%s of deleted entries take up slots until their table is rehashed",
                    human_count(answer->tombstones).text, plural(answer->tombstones));
    }
}

static void write_load(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    struct wrap wrap = begin_line(details, "load", STYLE_PLAIN);
    if (answer->capacity == 0) {
        wrap_text(&wrap, "no slots yet: they come with the first entry");
    } else {
        wrap_format(&wrap, "%s of %s slots (%s %%)", human_count(answer->entries).text,
                    human_count(answer->capacity).text, human_percent(answer->entries, answer->capacity).text);
        write_tables(&wrap, answer);
    }
    wrap_end(&wrap);
}

static void write_counter(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->count == answer->entries)
        return;
    struct wrap wrap = begin_line(details, "counter", STYLE_WARNING);
    wrap_format(&wrap, "the map's own counter says %s entries, %s were found: it changed while it was read",
                human_count(answer->count).text, human_count(answer->entries).text);
    wrap_end(&wrap);
}

static void write_growing(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->old_buckets == 0)
        return;
    struct wrap wrap = begin_line(details, "growing", STYLE_WARNING);
    wrap_format(&wrap,
                "%s of %s old buckets are moved; the old ones (%s) stay until all are, and only writes move them",
                human_count(answer->evacuated_buckets).text, human_count(answer->old_buckets).text,
                human_bytes(answer->parts[MAP_PART_OLD_BUCKETS].allocated_bytes).text);
    wrap_end(&wrap);
}

static void write_entry(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->entries == 0)
        return;
    struct wrap wrap = begin_line(details, "an entry", STYLE_PLAIN);
    wrap_format(&wrap, "%s allocated; key and element with what they point to ask for %s",
                human_bytes(answer->total.allocated_bytes / answer->entries).text,
                human_bytes(answer->naive_bytes / answer->entries).text);
    if (answer->naive_bytes != 0 && answer->total.allocated_bytes > answer->naive_bytes) {
        wrap_glue(&wrap, ",");
        wrap_format(&wrap, "so it takes %s times that",
                    map_times(answer->total.allocated_bytes, answer->naive_bytes).text);
    }
    wrap_end(&wrap);
}

static void write_remade(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    uint64_t now_bytes = map_slots_bytes(answer);
    struct wrap wrap = begin_line(details, "made anew", STYLE_PLAIN);
    if (answer->remade_bytes >= now_bytes) {
        wrap_text(&wrap, "for as many entries it would be no smaller");
    } else {
        wrap_format(&wrap, "for as many entries: %s slots, %s instead of %s; it would save %s",
                    human_count(answer->remade_capacity).text, human_bytes(answer->remade_bytes).text,
                    human_bytes(now_bytes).text, human_bytes(now_bytes - answer->remade_bytes).text);
    }
    wrap_end(&wrap);
}

static void write_grown(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    uint64_t now_bytes = map_slots_bytes(answer);
    if (answer->grows_at_entries == 0)
        return;
    struct wrap wrap = begin_line(details, "grows", STYLE_PLAIN);
    /* Which of several tables fills first is up to the hashes; and tombstones are cleared first (go1.25 on). */
    bool is_earliest = answer->design == MAP_DESIGN_SWISS && (answer->tables > 1 || answer->tombstones > 0);
    wrap_format(&wrap, "at %s entries%s: to %s slots, %s", human_count(answer->grows_at_entries).text,
                is_earliest ? " at the earliest" : "", human_count(answer->grown_capacity).text,
                human_bytes(answer->grown_bytes).text);
    if (answer->grown_bytes > now_bytes)
        wrap_format(&wrap, "(%s more than now)", human_bytes(answer->grown_bytes - now_bytes).text);
    if (answer->design == MAP_DESIGN_BUCKETS && now_bytes != 0) {
        wrap_glue(&wrap, ",");
        wrap_text(&wrap, "and both arrays at once until all entries are moved");
    } else if (answer->tables > 1) {
        wrap_glue(&wrap, ",");
        wrap_format(&wrap, "for one of %s tables grows at a time", human_count(answer->tables).text);
    }
    wrap_end(&wrap);
}

/* What goes when the map goes. */
static void write_end(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    struct wrap wrap = begin_line(details, "deleted", STYLE_PLAIN);
    if (answer->alone_go_pages == 0) {
        wrap_text(&wrap, "no page would be free without it: objects of others are on all of them");
        wrap_end(&wrap);
        return;
    }
    wrap_format(&wrap, "%s page%s (%s) would hold no object any more", human_count(answer->alone_go_pages).text,
                plural(answer->alone_go_pages), pages_bytes(answer->alone_go_pages).text);
    if (details->options->knows_residency) {
        wrap_glue(&wrap, ",");
        wrap_format(&wrap, "%s of them resident", human_bytes(answer->alone_bytes).text);
    }
    wrap_glue(&wrap, ";");
    if (answer->alone_spans_bytes == 0)
        wrap_text(&wrap, "but no span would be free as a whole, so nothing would go back to the page allocator");
    else
        wrap_format(&wrap, "%s in whole spans would go back to the page allocator after the next collection",
                    human_bytes(answer->alone_spans_bytes).text);
    wrap_end(&wrap);
}

static void write_shared(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->shared_go_pages == 0)
        return;
    struct wrap wrap = begin_line(details, "shared", STYLE_PLAIN);
    wrap_format(&wrap, "%s page%s with objects that are not the map's: they stay in use without it",
                human_count(answer->shared_go_pages).text, plural(answer->shared_go_pages));
    wrap_end(&wrap);
}

static void write_places(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->huge_bytes != 0) {
        struct wrap wrap = begin_line(details, "huge pages", STYLE_PLAIN);
        wrap_format(&wrap, "%s of it is mapped by huge pages", human_bytes(answer->huge_bytes).text);
        wrap_end(&wrap);
    }
    if (answer->total.image_bytes != 0) {
        struct wrap wrap = begin_line(details, "constants", STYLE_PLAIN);
        wrap_format(&wrap, "%s of it lies in the program's file (constant strings), not in the heap",
                    human_bytes(answer->total.image_bytes).text);
        wrap_end(&wrap);
    }
}

static void write_doubts(const struct details *details)
{
    const struct map_answer *answer = details->answer;
    if (answer->torn_reads != 0) {
        struct wrap wrap = begin_line(details, "torn", STYLE_WARNING);
        wrap_format(&wrap,
                    "the program wrote meanwhile: %s read%s changed in between; the map was walked %" PRIu32 " time%s",
                    human_count(answer->torn_reads).text, plural(answer->torn_reads), answer->attempts,
                    plural(answer->attempts));
        wrap_end(&wrap);
    }
    if (answer->spent_bytes != 0) {
        struct wrap wrap = begin_line(details, "cut short", STYLE_WARNING);
        wrap_format(&wrap,
                    "pointers lead to the same values again and again: %s were read, several times what there is; the "
                    "rest is not counted",
                    human_bytes(answer->spent_bytes).text);
        if (answer->is_deep)
            wrap_text(&wrap, "(without --deep there is less to follow)");
        wrap_end(&wrap);
    }
    if (answer->unfollowed != 0) {
        struct wrap wrap = begin_line(details, "left out", STYLE_WARNING);
        wrap_format(
            &wrap,
            "%s value%s with more in them than is followed (interfaces nested too deep, or too many pointers or "
            "types): what only they lead to is not counted",
            human_count(answer->unfollowed).text, plural(answer->unfollowed));
        if (!answer->is_deep)
            wrap_text(&wrap, "(--deep follows interfaces further)");
        wrap_end(&wrap);
    }
    if (answer->unknown_objects != 0) {
        struct wrap wrap = begin_line(details, "not known", STYLE_WARNING);
        wrap_format(&wrap,
                    "%s pointer%s to what is neither in the Go heap nor in the program's file: C's memory, or what was "
                    "allocated or freed while the map was walked; not counted",
                    human_count(answer->unknown_objects).text, plural(answer->unknown_objects));
        wrap_end(&wrap);
    }
}

void map_table_write_details(FILE *out, const struct map_answer *answer, const struct map_table_options *options)
{
    const struct details details = {out, answer, options};
    write_headline(&details);
    if (answer->why != NULL || answer->address == 0)
        return;
    write_parts(&details);
    write_load(&details);
    write_counter(&details);
    write_growing(&details);
    write_entry(&details);
    write_remade(&details);
    write_grown(&details);
    write_end(&details);
    write_shared(&details);
    write_places(&details);
    write_doubts(&details);
}
