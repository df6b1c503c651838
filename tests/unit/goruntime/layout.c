/* SPDX-License-Identifier: Apache-2.0
 *
 * Layouts: which row a version gets and which versions get none; every number of the tables against the data that was
 * taken from DWARF, read by another program.
 */
#include "goruntime/layout.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "goruntime/buildinfo.h"

/* The table that is not built in, under another name. */
#define GO_LAYOUTS ARM64_LAYOUTS
#define GO_LAYOUTS_COUNT ARM64_LAYOUTS_COUNT
#include "goruntime/layouts_arm64.c" /* NOLINT(bugprone-suspicious-include) */
#undef GO_LAYOUTS
#undef GO_LAYOUTS_COUNT

#define DATA "tests/data/go-struct-offsets.json"

enum { VERSIONS = GO_MINOR_NEWEST - GO_MINOR_OLDEST + 1, CANARY = 0x5a };

static char why_text[LAYOUT_WHY_BYTES + 16];
static const char *why;

static const struct go_layout *layout_for(const char *version)
{
    memset(why_text, CANARY, sizeof why_text);
    const struct go_layout *layout = layout_for_version(version, why_text, &why);
    for (unsigned i = LAYOUT_WHY_BYTES; i < sizeof why_text; i++)
        cr_assert_eq(why_text[i], CANARY, "\"%s\": wrote over the end", version);
    cr_assert_neq(layout == NULL, why == NULL, "\"%s\"", version);
    return layout;
}

static void check_is_refused(const char *version, const char *sentence)
{
    cr_expect_null(layout_for(version), "\"%s\"", version);
    cr_expect_str_eq(why, sentence);
}

Test(layout, every_form_of_a_known_version_has_its_row)
{
    static const struct {
        const char *version;
        unsigned minor;
        const char *experiment;
    } CASES[] = {
        {"go1.17", 17, NULL},
        {"go1.17.13", 17, NULL},
        {"go1.18.10", 18, NULL},
        {"go1.19.8", 19, NULL},
        {"go1.20rc1", 20, NULL},
        {"go1.21beta1", 21, NULL},
        {"go1.22.5 (Red Hat 1.22.5-2.el9)", 22, NULL},
        {"go1.22.5 (Red Hat 1.22.5-2.el9) X:strictfipsruntime", 22, NULL},
        {"go1.24.4-microsoft", 24, NULL},
        {"go1.27.3", 27, NULL},
        {"devel go1.27-abcdef012 Mon Nov 23 03:26:01 2026 +0000", 27, NULL},
        {"devel go1.21-0123456789 Tue Jan 3 10:00:00 2023 +0000 X:nounified", 21, NULL},
        {"go1.21-20230317-RC01 cl/517336193 +a33ce8228d X:fieldtrack,boringcrypto", 21, NULL},
        {"go1.25.1 X:arenas", 25, NULL},
        {"go1.26.10-X:norandomizedheapbase64,jsonv2", 26, NULL},
        {"go1.22.12 X:noallocheaders", 22, "noallocheaders"},
        {"go1.24.4 X:noswissmap", 24, "noswissmap"},
        {"go1.25.12 X:noswissmap,jsonv2", 25, "noswissmap"},
        {"go1.25.12 X:arenas,greenteagc,jsonv2", 25, "greenteagc"},
        {"go1.26.10-X:nogreenteagc", 26, "nogreenteagc"},
        {"devel go1.27-abc X:nogreenteagc,nojsonv2", 27, "nogreenteagc"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct go_layout *layout = layout_for(CASES[i].version);
        cr_assert_not_null(layout, "\"%s\": %s", CASES[i].version, why);
        cr_expect_eq(layout->go_minor, CASES[i].minor, "\"%s\" gives go1.%u", CASES[i].version, layout->go_minor);
        cr_expect_eq(layout->experiment == NULL, CASES[i].experiment == NULL, "\"%s\"", CASES[i].version);
        if (layout->experiment != NULL && CASES[i].experiment != NULL)
            cr_expect_str_eq(layout->experiment, CASES[i].experiment);
    }
}

Test(layout, an_unknown_version_is_refused_by_name_and_range)
{
    static const char *const VERSIONS_REFUSED[] = {
        "go1.16.15", "go1.28",   "go1.0", "go1.9.7", "go1.170", "go2.5", "devel +a1b2c3d4 Mon Nov 23",
        "unknown",   "X:arenas", "-",
    };
    char sentence[LAYOUT_WHY_BYTES];
    for (unsigned i = 0; i < sizeof VERSIONS_REFUSED / sizeof VERSIONS_REFUSED[0]; i++) {
        snprintf(sentence, sizeof sentence, "Go version \"%s\" is not known: go1.%d to go1.%d are", VERSIONS_REFUSED[i],
                 GO_MINOR_OLDEST, GO_MINOR_NEWEST);
        check_is_refused(VERSIONS_REFUSED[i], sentence);
    }
    check_is_refused("", "the binary does not state its Go version");
}

Test(layout, an_experiment_that_moves_fields_or_that_nobody_knows_is_refused_by_name)
{
    static const struct {
        const char *version, *experiment;
    } CASES[] = {
        {"go1.26.10-X:staticlockranking", "staticlockranking"},
        {"go1.21.13 X:arenas,staticlockranking,loopvar", "staticlockranking"},
        {"go1.22.12 X:noexectracer2", "noexectracer2"},
        {"go1.24.1 X:futurething", "futurething"},
        /* These move fields in other versions; in these they cannot be named, or mean something else. */
        {"go1.24.1 X:greenteagc", "greenteagc"},
        {"go1.26.1-X:greenteagc", "greenteagc"},
        {"go1.23.1 X:noallocheaders", "noallocheaders"},
        {"go1.23.1 X:swissmap", "swissmap"},
        {"go1.26.1-X:noswissmap", "noswissmap"},
        /* Nobody has looked at two together. */
        {"go1.26.1-X:nogreenteagc,staticlockranking", "staticlockranking"},
        {"go1.25.1 X:greenteagc,noswissmap", "noswissmap"},
        {"go1.26.1-X:nogreenteagc,nogreenteagc", "nogreenteagc"},
        /* Hostile. */
        {"go1.26.1-X:", ""},
        {"go1.26.1-X:,", ""},
        {"go1.26.1-X:arenas,", ""},
        {"go1.26.1-X:,arenas", ""},
        {"go1.26.1-X:no", "no"},
        {"go1.26.1-X:nonoarenas", "nonoarenas"},
        {"go1.26.1-X:arena", "arena"},
        {"go1.26.1-X:arenas2", "arenas2"},
        {"go1.26.1-X:ARENAS", "ARENAS"},
        {"go1.26.1-X:arenas (by hand)", "arenas (by hand)"},
        {"go1.26.1-X:arenas X:staticlockranking", "arenas X:staticlockranking"},
        {"go1.26.1X:secret", "secret"},
        {"X:go1.26.1", "go1.26.1"},
        {"go1.26.1-X:a\x1b[31m\n\x7f\xff", "a?[31m???"},
        {"go1.26.1-X:0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789"},
        {"go1.26.1-X:01234567890123456789012345678901234567890", "0123456789012345678901234567890123456789..."},
        {"go1.26.1-X:%s%n%s%n", "%s%n%s%n"},
    };
    char sentence[LAYOUT_WHY_BYTES];
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        snprintf(sentence, sizeof sentence, "experiment \"%s\" may move the fields of the runtime's structs",
                 CASES[i].experiment);
        check_is_refused(CASES[i].version, sentence);
    }
}

/* What is cut may end in a list of experiments that looks harmless. */
Test(layout, a_version_that_may_have_been_cut_is_refused)
{
    char version[4096] = "go1.26.1-";
    memset(version + 9, 'v', sizeof version - 10);
    for (unsigned length = 10; length < sizeof version - 1; length += length < 100 ? 1 : 500) {
        char saved = version[length];
        version[length] = '\0';
        bool is_whole = length < GO_VERSION_TEXT_BYTES - 1;
        cr_expect_eq(layout_for(version) != NULL, is_whole, "%u bytes", length);
        if (!is_whole)
            cr_expect_not_null(strstr(why, "vvv...\" is too long"), "%s", why);
        version[length] = saved;
    }
}

/* ---- the tables against the data ---- */

struct table {
    const char *arch;
    const struct go_layout *rows;
    unsigned count;
};

static json_t *load_data(void)
{
    json_error_t error;
    json_t *data = json_load_file(DATA, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(data, "%s:%d: %s", DATA, error.line, error.text);
    return data;
}

static const json_t *data_of_row(const json_t *data, const struct table *table, const struct go_layout *row)
{
    char version[64];
    snprintf(version, sizeof version, "1.%u%s%s", row->go_minor, row->experiment == NULL ? "" : "+",
             row->experiment == NULL ? "" : row->experiment);
    const json_t *found = json_object_get(json_object_get(data, table->arch), version);
    cr_assert_not_null(found, "%s: %s is not in the data", table->arch, version);
    return found;
}

/* The first of "a|b" that `object` has; NULL: none of them. */
static const json_t *first_of(const json_t *object, const char *list)
{
    const json_t *found = NULL;
    for (const char *at = list; found == NULL && *at != '\0'; at += strspn(at, "|")) {
        char one[64];
        size_t length = strcspn(at, "|");
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        found = json_object_get(object, one);
        at += length;
    }
    return found;
}

/* NULL: a struct that only some versions have ("a|"). */
static const json_t *struct_of(const json_t *structs, const char *type)
{
    const json_t *found = first_of(structs, type);
    cr_assert(found != NULL || type[strlen(type) - 1] == '|', "%s", type);
    return found;
}

static void check_field(const json_t *structs, const struct go_layout *row, const char *type, const char *field,
                        struct layout_field got)
{
    const json_t *type_data = struct_of(structs, type);
    const json_t *place = first_of(json_object_get(type_data, "fields"), field);
    json_int_t offset = json_integer_value(json_array_get(place, 0)),
               bytes = json_integer_value(json_array_get(place, 1));
    cr_expect_eq(got.offset_bytes, offset, "go1.%u: %s.%s is at %u, not %lld", row->go_minor, type, field,
                 got.offset_bytes, offset);
    cr_expect_eq(got.bytes, bytes, "go1.%u: %s.%s has %u bytes, not %lld", row->go_minor, type, field, got.bytes,
                 bytes);
    cr_expect_leq(got.offset_bytes + got.bytes, json_integer_value(json_object_get(type_data, "size")),
                  "go1.%u: %s.%s reaches over the end", row->go_minor, type, field);
}

static void check_row(const json_t *structs, const struct go_layout *row)
{
#define X(member, type, field) check_field(structs, row, type, field, row->member);
    GPW_LAYOUT_FIELDS(X)
#undef X
#define X(member, type)                                                                                      \
    cr_expect_eq(row->member##_bytes, json_integer_value(json_object_get(struct_of(structs, type), "size")), \
                 "go1.%u: %s has %u bytes", row->go_minor, type, row->member##_bytes);
    GPW_LAYOUT_STRUCTS(X)
#undef X
}

static void check_table(const struct table *table)
{
    json_t *data = load_data();
    cr_assert_geq(table->count, VERSIONS);
    for (unsigned i = 0; i < table->count; i++) {
        const struct go_layout *row = &table->rows[i];
        if (i < VERSIONS) {
            cr_expect_eq(row->go_minor, GO_MINOR_OLDEST + i);
            cr_expect_null(row->experiment);
        }
        check_row(data_of_row(data, table, row), row);
    }
    cr_expect_eq(json_object_size(json_object_get(data, table->arch)), table->count, "every row of the data is used");
    json_decref(data);
}

Test(layout, tables_agree_with_what_dwarf_said)
{
    check_table(&(struct table){"amd64", GO_LAYOUTS, GO_LAYOUTS_COUNT});
    check_table(&(struct table){"arm64", ARM64_LAYOUTS, ARM64_LAYOUTS_COUNT});
}

/* Without these nothing can be walked; the runtimes have had them since go1.17. */
Test(layout, what_a_walk_needs_is_in_every_row)
{
    for (unsigned i = 0; i < GO_LAYOUTS_COUNT; i++) {
        const struct go_layout *row = &GO_LAYOUTS[i];
        const struct layout_field needed[] = {row->mheap_arenas,     row->mheap_arena_list, row->page_alloc_chunks,
                                              row->heap_arena_spans, row->mspan_start,      row->mspan_pages,
                                              row->mspan_alloc_bits, row->mspan_slot_bytes, row->p_page_cache};
        for (unsigned j = 0; j < sizeof needed / sizeof needed[0]; j++)
            cr_expect_neq(needed[j].bytes, 0, "go1.%u: field %u", row->go_minor, j);
        cr_expect_eq(row->heap_arena_spans.bytes, 8192 * sizeof(void *));
        cr_expect_eq(row->mspan_slots.bytes, row->go_minor >= 22 ? 2 : 8);
        cr_expect_eq(row->palloc_data_bytes, 128);
    }
}
