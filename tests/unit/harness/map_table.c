/* SPDX-License-Identifier: Apache-2.0
 *
 * What `gopagewatch map` says about answers that are made up.
 */
#include "harness/map_table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/made_map.h"

static char *text;
static size_t text_bytes;

static const struct map_table_options PLAIN = {.width_columns = UINT32_MAX, .knows_residency = true};

static const char *details_of(struct map_answer answer, const struct map_table_options *options)
{
    free(text);
    FILE *out = open_memstream(&text, &text_bytes);
    map_table_write_details(out, &answer, options);
    fclose(out);
    return text;
}

static const char *summary_of(const struct map_answer *answers, uint64_t count, uint32_t rows_max,
                              const struct map_table_options *options)
{
    free(text);
    FILE *out = open_memstream(&text, &text_bytes);
    map_table_write_summary(out, answers, count, rows_max, options);
    fclose(out);
    return text;
}

static void expect_in(const char *part)
{
    cr_expect_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

static void expect_not_in(const char *part)
{
    cr_expect_null(strstr(text, part), "'%s' is in:\n%s", part, text);
}

Test(map_table, the_first_line_is_the_answer)
{
    static const char FIRST[] = "main.cache  map[string]string  1,000 entries -> 26 pages (208 KiB), 24 resident, 19 "
                                "held alone (152 KiB)\n\n";
    cr_expect_eq(strncmp(details_of(made_map_swiss(), &PLAIN), FIRST, sizeof FIRST - 1), 0, "%s", text);
}

Test(map_table, each_part_has_a_row_and_each_question_a_line)
{
    details_of(made_map_swiss(), &PLAIN);
    expect_in("part      objects     asked  allocated  in spans  pages  resident\n"
              "header          1      48 B       49 B");
    expect_in("keys          990  11.7 KiB     16 KiB    24 KiB      3  24.0 KiB  what keys point to");
    expect_in("total       2,982   115 KiB    128 KiB   144 KiB     26   192 KiB");
    expect_not_in("overflow");
    expect_in("load        1,000 of 2,048 slots (48.8 %) in 256 groups of 2 tables (directory of 4); 7 tombstones of ");
    expect_in("counter     the map's own counter says 1,001 entries, 1,000 were found");
    expect_in(
        "an entry    131 B allocated; key and element with what they point to ask for 57 B, so it takes 2.3 times");
    expect_in("made anew   for as many entries: 1,024 slots, 40 KiB instead of 80.0 KiB; it would save 40.0 KiB\n");
    expect_in(
        "grows       at 1,792 entries at the earliest: to 4,096 slots, 160 KiB (80.0 KiB more than now), for one of 2");
    expect_in("deleted     19 pages (152 KiB) would hold no object any more, 144 KiB of them resident; 88 KiB in ");
    expect_in("shared      6 pages with objects that are not the map's");
    expect_in("huge pages  64 KiB of it is mapped by huge pages\n");
    expect_in("constants   201 B of it lies in the program's file");
    expect_in("torn        the program wrote meanwhile: 9 reads changed in between; the map was walked 2 times\n");
    expect_in("cut short   pointers lead to the same values again and again: 121 KiB were read, several times what "
              "there is;");
    expect_in("left out    10 values with more in them than is followed");
    expect_in("not known   8 pointers to what is neither");
    expect_not_in("growing");
}

Test(map_table, a_growing_map_says_what_it_keeps)
{
    details_of(made_map_growing(), &PLAIN);
    expect_in("load        14 of 32 slots (43.8 %) in 4 buckets and 3 overflow buckets\n");
    expect_in("growing     1 of 2 old buckets are moved; the old ones (288 B) stay until all are");
    expect_in(
        "grows       at 27 entries: to 64 slots, 1.13 KiB, and both arrays at once until all entries are moved\n");
    expect_in("deleted     no page would be free without it: objects of others are on all of them\n");
    expect_in("shared      4 pages");
    for (const char *const *none =
             (const char *const[]){"torn", "constants", "huge", "counter", "not known", "cut short", "left out", NULL};
         *none != NULL; none++)
        expect_not_in(*none);
}

Test(map_table, nil_empty_and_not_known_say_so)
{
    cr_expect_str_eq(details_of(made_map_nil(), &PLAIN), "main.none  map[int]bool  nil: it takes no memory\n");
    cr_expect_str_eq(details_of(made_map_not_known(), &PLAIN),
                     "main.srv.cache  map[string]int  not known: a pointer on the way to it is nil\n");
    struct map_answer unreadable = {.name = "main.u", .type_name = "map[int]int", .why = "it is none", .address = 0xc0};
    cr_expect_str_eq(details_of(unreadable, &PLAIN),
                     "main.u  map[int]int  not known: it is none (its header is at 0xc0)\n");
    struct map_answer empty = {.name = "main.e",
                               .type_name = "map[int]int",
                               .address = 0xc000000000,
                               .parts = {[MAP_PART_HEADER] = {1, 48, 48, 8192, 1, 8192, 0}},
                               .total = {1, 48, 48, 8192, 1, 8192, 0},
                               .shared_go_pages = 1,
                               .attempts = 1};
    details_of(empty, &PLAIN);
    expect_in("0 entries -> 1 page (8 KiB)");
    expect_in("load        no slots yet");
    expect_in("made anew   for as many entries it would be no smaller\n");
    expect_not_in("an entry");
    expect_not_in("grows");
}

Test(map_table, without_residency_nothing_is_said_about_it)
{
    const struct map_table_options options = {.width_columns = UINT32_MAX};
    const struct map_answer answers[] = {made_map_swiss(), made_map_not_known()};
    details_of(answers[0], &options);
    expect_in("26 pages (208 KiB), 19 held alone");
    expect_not_in("resident");
    summary_of(answers, 2, 10, &options);
    expect_in("pages  entries  an entry  most in           map\n");
    expect_in("   26    1,000     131 B  buckets 80.0 KiB  main.cache map[string]string\n");
    expect_not_in("resident");
}

/* A dump may hold any numbers. */
Test(map_table, huge_numbers_are_written_and_wrap_nowhere)
{
    struct map_answer answer = made_map_growing();
    for (int part = 0; part < MAP_PARTS; part++)
        answer.parts[part] =
            (struct map_part_sizes){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    answer.total = answer.parts[0];
    answer.count = answer.entries = answer.alone_go_pages = answer.resident_go_pages = INT64_MAX;
    answer.naive_bytes = 1;
    details_of(answer, &PLAIN);
    expect_in("9,223,372,036,854,775,807 entries -> 9,223,372,036,854,775,807 pages (16.0 EiB)");
    expect_in("1844674407370955161.5 times that");
    expect_in("instead of 16.0 EiB; it would save 16.0 EiB");
    summary_of(&answer, 1, 10, &PLAIN);
    expect_in("8.00 EiB      0  9,223,372,036,854,775,807  ");
}

Test(map_table, lines_and_tables_fit_the_terminal)
{
    const struct map_table_options narrow = {.width_columns = 80, .knows_residency = true};
    const struct map_answer answers[] = {made_map_swiss(), made_map_growing(), made_map_not_known()};
    for (int i = 0; i < 4; i++) {
        const char *at = i < 3 ? strchr(details_of(answers[i], &narrow), '\n') + 1 : summary_of(answers, 3, 9, &narrow);
        for (const char *end; *at != '\0' && (end = strchr(at, '\n')) != NULL; at = end + 1)
            cr_expect_leq(end - at, 80, "%.*s", (int)(end - at), at);
    }
    details_of(answers[0], &narrow);
    expect_not_in("what keys point to");
}

Test(map_table, what_takes_most_comes_first)
{
    struct map_answer answers[] = {made_map_not_known(), made_map_growing(), made_map_nil(), made_map_swiss(),
                                   made_map_growing()};
    answers[4].name = "main.older";
    answers[4].alone_bytes = 1;
    summary_of(answers, 5, 10, &PLAIN);
    const char *names[] = {"main.cache map", "main.older map", "main.old map", "main.none map[int]bool (nil)",
                           "main.srv.cache: a pointer on the way to it is nil"};
    const char *last = text;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *at = strstr(text, names[i]);
        cr_expect(at != NULL && at > last, "%s in:\n%s", names[i], text);
        last = at;
    }
    expect_in("  32 KiB      1 B      4       14      96 B  buckets 576 B     main.older map[int]int\n");
    summary_of(answers, 5, 2, &PLAIN);
    expect_in("main.older");
    expect_not_in("main.none");
}
