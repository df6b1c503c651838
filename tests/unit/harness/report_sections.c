/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of a report with more rows than fit, with colours, and with names that somebody made up to break it.
 */
#include "dump_fixture.h"

#include "harness/report.h"
#include "memory/units.h"

#define MIB(count) (KIB(count) * 1024)

static char *write_report(const struct dump *dump, const struct report_options *options)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    report_write_dump(out, dump, "shop.json", options);
    fclose(out);
    return text;
}

/* The report of a document, which is dropped. */
static char *report_of(json_t *document, const struct report_options *options)
{
    struct dump dump;
    struct error error;
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    char *text = write_report(&dump, options);
    dump_free(&dump);
    return text;
}

/* "HEADING" and what follows it up to an empty line, as a text of its own. */
static char *section_of(const char *report, const char *heading)
{
    const char *begin = strstr(report, heading);
    cr_assert_not_null(begin, "no \"%s\" in:\n%s", heading, report);
    const char *end = strstr(begin, "\n\n");
    return strndup(begin, end == NULL ? strlen(begin) : (size_t)(end + 1 - begin));
}

static char *take_section(json_t *document, const struct report_options *options, const char *heading)
{
    char *report = report_of(document, options);
    char *section = section_of(report, heading);
    free(report);
    return section;
}

static const struct report_options PLAIN = {.width_columns = UINT32_MAX};

/* ---- size classes ---- */

static void add_size_class(json_t *document, unsigned slot_bytes, uint64_t resident, uint64_t objects_bytes)
{
    char path[48], json[320];
    snprintf(path, sizeof path, "go/sizeclass/%u", slot_bytes);
    snprintf(json, sizeof json,
             "{\"spans\":1,\"slots\":100,\"objects\":50,\"bytes\":%llu,\"mapped\":%llu,\"resident\":%llu,"
             "\"occupancy\":[1,0,0,0,0,0,0,0,0,0],\"sparse_bytes\":0}",
             (unsigned long long)objects_bytes, (unsigned long long)resident, (unsigned long long)resident);
    fixture_change(document, path, json);
}

/* Of 60 MiB RSS 0.1 % is 61 KiB. */
static json_t *document_with_size_classes(void)
{
    json_t *document = fixture_document();
    add_size_class(document, 16, MIB(2), MIB(1));
    add_size_class(document, 32, MIB(9), MIB(1));
    add_size_class(document, 48, MIB(3), MIB(1));
    add_size_class(document, 96, MIB(4), MIB(1));
    add_size_class(document, 112, MIB(3), MIB(1));
    add_size_class(document, 128, MIB(1), MIB(2)); /* wastes nothing */
    add_size_class(document, 144, KIB(80), KIB(10));
    add_size_class(document, 160, KIB(50), KIB(10));
    return document;
}

Test(report_sections, size_classes_stand_by_what_they_waste)
{
    char *section = take_section(document_with_size_classes(), &PLAIN, "size classes");
    cr_expect_str_eq(section, "size classes, by resident bytes that hold no object\n"
                              " slot  spans  slots  objects  % full  0..100 %    resident    wasted\n"
                              " 32 B      1    100       50    50.0  #.........  9.00 MiB  8.00 MiB\n"
                              " 96 B      1    100       50    50.0  #.........  4.00 MiB  3.00 MiB\n"
                              " 48 B      1    100       50    50.0  #.........  3.00 MiB  2.00 MiB\n"
                              "112 B      1    100       50    50.0  #.........  3.00 MiB  2.00 MiB\n"
                              " 16 B      1    100       50    50.0  #.........  2.00 MiB  1.00 MiB\n"
                              "... 3 more size classes: 163 KiB wasted (--top N)\n"
                              "large objects: 10 of 40.0 MiB together, resident 20.0 MiB (never touched 20.0 MiB)\n");
    free(section);
}

Test(report_sections, top_shows_more_and_less)
{
    struct report_options options = PLAIN;
    options.top_rows = 1;
    char *section = take_section(document_with_size_classes(), &options, "size classes");
    cr_expect_not_null(strstr(section, "\n32 B "));
    cr_expect_null(strstr(section, "\n96 B "));
    cr_expect_not_null(strstr(section, "... 7 more size classes: 8.16 MiB wasted"), "%s", section);
    free(section);
    options.top_rows = 50;
    section = take_section(document_with_size_classes(), &options, "size classes");
    cr_expect_not_null(strstr(section, "\n160 B "));
    cr_expect_null(strstr(section, "128 B"), "it wastes nothing");
    cr_expect_null(strstr(section, "more size classes"));
    free(section);
}

Test(report_sections, numbers_at_their_limit_do_not_wrap)
{
    json_t *document = fixture_document();
    for (unsigned slot = 1; slot <= 200; slot++)
        add_size_class(document, slot, INT64_MAX, 0);
    struct report_options options = PLAIN;
    options.top_rows = UINT32_MAX;
    char *section = take_section(document, &options, "size classes");
    cr_expect_not_null(strstr(section, "... 100 more size classes"), "%s", section);
    cr_expect_not_null(strstr(section, " 8.00 EiB\n"), "%s", section);
    free(section);
}

/* ---- arenas ---- */

static void add_arena(json_t *arenas, unsigned index, const char *pages, uint64_t resident)
{
    char json[256];
    snprintf(json, sizeof json, "{\"start\":\"0x%llx\",\"bytes\":%u,\"resident\":%llu,\"pages\":\"%s\"}",
             0xc000000000ull + index * (unsigned long long)GO_ARENA_BYTES, GO_ARENA_BYTES, (unsigned long long)resident,
             pages);
    cr_assert_eq(json_array_append_new(arenas, json_loads(json, 0, NULL)), 0);
}

/* Number 5 has most idle memory, then 4; 1 and 2 have as much, and 2 more resident memory. */
static json_t *document_with_arenas(void)
{
    json_t *document = fixture_document(), *arenas = json_array();
    add_arena(arenas, 0, "O8192", MIB(64));
    add_arena(arenas, 1, "U64x8128", KIB(512));
    add_arena(arenas, 2, "F64O64x8064", MIB(1));
    add_arena(arenas, 3, "x8192", 0);
    add_arena(arenas, 4, "O4096F2048f2048", MIB(48));
    add_arena(arenas, 5, "R4096r4096", MIB(32));
    cr_assert_eq(json_object_set_new(json_object_get(document, "go"), "arenas", arenas), 0);
    return document;
}

/* The addresses of the arenas that are drawn, by their number: "5 4 2 ". */
static void order_of(const char *section, char order[64])
{
    order[0] = '\0';
    for (const char *at = section; (at = strstr(at, "\n0xc0")) != NULL; at++) {
        unsigned long long start = strtoull(at + 1, NULL, 16);
        snprintf(order + strlen(order), 64 - strlen(order), "%llu ", (start - 0xc000000000ull) / GO_ARENA_BYTES);
    }
}

Test(report_sections, arenas_with_most_idle_memory_come_first)
{
    static const struct {
        uint32_t top_rows;
        bool is_wide;
        const char *order, *rest;
    } CASES[] = {
        {0, false, "5 4 2 ", "\n... 3 more arenas "},
        {1, false, "5 ", "\n... 5 more arenas "},
        {5, false, "5 4 2 1 0 ", "\n... 1 more arena "},
        {6, false, "0 1 2 3 4 5 ", NULL},
        {0, true, "0 1 2 3 4 5 ", NULL},
        {2, true, "5 4 ", "\n... 4 more arenas "},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct report_options options = PLAIN;
        char order[64];
        options.top_rows = CASES[i].top_rows;
        options.is_wide = CASES[i].is_wide;
        char *section = take_section(document_with_arenas(), &options, "6 arenas of 64 MiB");
        order_of(section, order);
        cr_expect_str_eq(order, CASES[i].order, "case %zu: %s", i, section);
        cr_expect_eq(strstr(section, "more arena") != NULL, CASES[i].rest != NULL, "case %zu: %s", i, section);
        cr_expect(CASES[i].rest == NULL || strstr(section, CASES[i].rest) != NULL, "case %zu: %s", i, section);
        free(section);
    }
}

Test(report_sections, map_is_as_wide_as_there_is_room)
{
    static const struct {
        uint32_t width_columns;
        bool is_wide;
        uint32_t longest; /* line of the map */
        const char *head;
    } CASES[] = {
        {80, false, 66, "a letter is 64 pages (512 KiB)"},
        {130, false, 130, "a letter is 64 pages (512 KiB)"},
        {10, false, 18, "a letter is 64 pages (512 KiB)"},
        {140, true, 140, "a letter is 72 pages (576 KiB)"}, /* 114 of them */
        {80, true, 80, "a letter is 149 pages (1.16 MiB)"},
        {1, true, 41, "a letter is 512 pages (4.00 MiB)"},
        {9000, true, 8217, "a letter is 1 page (8 KiB)"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct report_options options = {.width_columns = CASES[i].width_columns, .is_wide = CASES[i].is_wide};
        char *section = take_section(document_with_arenas(), &options, "6 arenas of 64 MiB");
        uint32_t longest = 0;
        cr_expect_not_null(strstr(section, CASES[i].head), "case %zu: %s", i, section);
        for (const char *line = strchr(section, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
            uint32_t columns = (uint32_t)strcspn(line + 1, "\n");
            bool is_map = CASES[i].is_wide ? strncmp(line + 1, "0x", 2) == 0 : line[1] == ' ';
            longest = is_map && columns > longest ? columns : longest;
        }
        cr_expect_leq(longest, CASES[i].longest, "case %zu: %u", i, longest);
        cr_expect_geq(longest + 1, CASES[i].longest, "case %zu: %u", i, longest);
        free(section);
    }
}

/* ---- colours ---- */

static void strip_escapes(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\033')
            from += strcspn(from, "m");
        else
            *to++ = *from;
    }
    *to = '\0';
}

Test(report_sections, colours_change_nothing_but_the_colour)
{
    struct report_options options = PLAIN;
    options.style.has_colour = true;
    char *plain = report_of(document_with_arenas(), &PLAIN), *coloured = report_of(document_with_arenas(), &options);
    cr_expect_null(strchr(plain, '\033'));
    cr_expect_not_null(strstr(coloured, "\033[31;7mRRRR"));
    strip_escapes(coloured);
    cr_expect_str_eq(coloured, plain);
    free(plain);
    free(coloured);
}

Test(report_sections, without_unicode_all_is_ascii)
{
    struct report_options options = PLAIN;
    char *ascii = report_of(document_with_size_classes(), &PLAIN);
    for (const char *at = ascii; *at != '\0'; at++)
        cr_assert((*at & 0x80) == 0, "%.20s", at);
    options.style.has_unicode = true;
    char *unicode = report_of(document_with_size_classes(), &options);
    cr_expect_not_null(strstr(unicode, "96.6  ███████████████████▍"), "%s", unicode);
    free(ascii);
    free(unicode);
}

/* ---- findings ---- */

static const char FINDINGS[] =
    "[{\"id\":\"free-resident\",\"bytes\":31457280,\"text\":\"It is free.\",\"advice\":\"Give it back.\","
    "\"evidence\":{\"mapped_bytes\":33554432,\"count\":3,\"thp\":\"always\"}},"
    "{\"id\":\"untouched\",\"bytes\":2097152,\"text\":\"Nobody touched it.\",\"advice\":\"Make it smaller.\","
    "\"evidence\":{}}]";

Test(report_sections, findings_say_how_much_what_and_what_to_do)
{
    json_t *document = fixture_document();
    fixture_change(document, "findings", FINDINGS);
    char *section = take_section(document, &PLAIN, "what stands out");
    cr_expect_str_eq(section, "what stands out\n"
                              "30.0 MiB  free-resident, 50.0 % of the RSS\n"
                              "          It is free.\n"
                              "          -> Give it back.\n"
                              "          (mapped 32.0 MiB, count 3, thp always)\n"
                              "2.00 MiB  untouched, no part of the RSS\n"
                              "          Nobody touched it.\n"
                              "          -> Make it smaller.\n");
    free(section);
}

/* ---- names ---- */

Test(report_sections, hostile_names_cannot_leave_their_line)
{
    static const char *const PATHS[] = {"process/comm",       "process/host", "label",   "environment/go_version",
                                        "go/advice/0/advice", "reason",       "time/utc"};
    static const char NAME[] = "\"\\u001b[2J\\nRSS 1 B\\u0007\\u009b31m%s%n\\u202e\"";
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        json_t *document = fixture_document();
        fixture_change(document, PATHS[i], NAME);
        char *text = report_of(document, &PLAIN);
        cr_expect_null(strchr(text, '\033'), "%s", PATHS[i]);
        cr_expect_null(strchr(text, '\007'), "%s", PATHS[i]);
        cr_expect_null(strstr(text, "\nRSS 1 B"), "%s", PATHS[i]);
        cr_expect_not_null(strstr(text, "?[2J?RSS 1 B???31m%s%n"), "%s: %s", PATHS[i], text);
        free(text);
    }
}

Test(report_sections, endless_names_are_shown_or_cut)
{
    enum { BYTES = 5000 };
    static const char *const PATHS[] = {"process/comm", "go/heaps/0/gc/phase", "books/shim/how",
                                        "books/goruntime/missing/0/why"};
    char *name = malloc(BYTES + 3);
    memset(name, 'y', BYTES + 2);
    name[0] = name[BYTES + 1] = '"';
    name[BYTES + 2] = '\0';
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        json_t *document = fixture_document();
        struct report_options options = {.width_columns = 80};
        fixture_change(document, PATHS[i], name);
        char *text = report_of(document, &options);
        cr_expect_not_null(strstr(text, "yyyyyyyyyyyy"), "%s", PATHS[i]);
        cr_expect_not_null(strstr(text, "given back by Go"), "%s", PATHS[i]);
        free(text);
    }
    free(name);
}

/* ---- who did it ---- */

#define GROWTH(id, bytes, outer)                                                                          \
    "{\"id\":" id ",\"by\":\"go\",\"op\":\"mmap\",\"detail\":\"rw-\",\"purpose\":\"arenas\",\"calls\":1," \
    "\"errors\":0,\"bytes\":" bytes ",\"unmapped\":0,\"resident\":0,\"first_since_start_ns\":1,"          \
    "\"last_since_start_ns\":2,\"pcs\":[\"0x401001\",\"0x401002\",\"0x401003\",\"0x401004\",\"" outer "\"]}"

/* The frames that are printed by default would be the allocator's. */
Test(report_sections, without_names_stacks_are_told_apart_and_the_reason_is_said)
{
    struct report_options options = PLAIN;
    options.top_rows = 10;
    json_t *document = fixture_document();
    fixture_change(document, "callsites",
                   "[" GROWTH("1", "4194304", "0x401005") "," GROWTH("2", "50331648", "0x401006") "," GROWTH(
                       "3", "4194304", "0x401006") "]");
    fixture_change(document, "modules",
                   "[{\"start\":\"0x400000\",\"end\":\"0x500000\",\"bias\":\"0x0\",\"path\":\"/nowhere/shop\","
                   "\"build_id\":\"00ff\"}]");
    char *section = take_section(document, &options, "who did it");
    cr_expect_str_eq(
        section,
        "who did it\n"
        "   bytes  calls  of           by\n"
        "52.0 MiB      2  heap growth  0x401001 < 0x401002 < 0x401003 < 0x401004 < 0x401006\n"
        "4.00 MiB      1  heap growth  0x401001 < 0x401002 < 0x401003 < 0x401004 < 0x401005\n"
        "without names: /nowhere/shop: cannot be read: No such file or directory; name a directory that has the "
        "right\n  one (--symbols)\n");
    free(section);
}

/* More rows than N can show: no N is asked for. */
Test(report_sections, no_more_rows_are_promised_than_can_be_shown)
{
    json_t *document = fixture_document(), *sites = json_array();
    for (unsigned i = 0; i < 40; i++) {
        char outer[16], json[512];
        snprintf(outer, sizeof outer, "0x%x", 0x402000 + i);
        snprintf(json, sizeof json, GROWTH("%u", "4194304", "%s"), i + 1, outer);
        json_array_append_new(sites, json_loads(json, 0, NULL));
    }
    json_object_set_new(document, "callsites", sites);
    struct report_options options = PLAIN;
    for (options.top_rows = 20; options.top_rows <= 1000; options.top_rows += 980) {
        char *section = take_section(json_deep_copy(document), &options, "who did it");
        const char *rest = options.top_rows == 20 ? "\n... 20 more (--top N)\n" : "\n... 15 more\n";
        cr_expect_not_null(strstr(section, rest), "%s", section);
        free(section);
    }
    json_decref(document);
}
