/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for numbers, and texts made fit for every format.
 */
#include <criterion/criterion.h>
#include <float.h>

#include "check_made.h"

#include "harness/check_escape.h"
#include "harness/check_words.h"

Test(check_words, values_have_their_units)
{
    static const struct {
        double value;
        enum metric_unit unit;
        const char *words;
    } CASES[] = {
        {0, METRIC_BYTES, "0"},
        {-1, METRIC_BYTES, "0"},
        {0.333, METRIC_BYTES, "0.33 B"},
        {512, METRIC_BYTES, "512 B"},
        {61.2 * MIB, METRIC_BYTES, "61.2 MiB"},
        {0x1p64, METRIC_BYTES, "16.0 EiB"},
        {DBL_MAX, METRIC_BYTES, "16.0 EiB"},
        {0, METRIC_COUNT, "0"},
        {0.004, METRIC_COUNT, "0.004"},
        {1.5, METRIC_COUNT, "1.50"},
        {12.5, METRIC_COUNT, "12.5"},
        {161204, METRIC_COUNT, "161204"},
        {0x1p63, METRIC_COUNT, "9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(check_value(CASES[i].value, CASES[i].unit).text, CASES[i].words);
}

Test(check_words, interval_says_its_unit_once_where_it_has_one)
{
    static const struct {
        struct check_side side;
        const char *interval, *spread;
    } CASES[] = {
        {{NULL, 6, 61.2 * MIB, 60.9 * MIB, 61.4 * MIB, .coverage = 0.97}, "61.2 MiB [60.9, 61.4]", "0.5 %"},
        {{NULL, 6, 1.01 * KIB * MIB, 990 * MIB, 1.02 * KIB * MIB, .coverage = 0.97},
         "1.01 GiB [990 MiB, 1.02 GiB]",
         "4.3 %"},
        {{NULL, 6, MIB, 0, 21 * MIB, .coverage = 0.97}, "1.00 MiB [0, 21.0 MiB]", "2000 %"},
        {{NULL, 6, 0, 0, MIB, .coverage = 0.97}, "0 [0, 1.00 MiB]", ""},
        {{NULL, 6, MIB, MIB - 1, MIB, .coverage = 0.97}, "1.00 MiB [1.00, 1.00]", "<0.1 %"},
        {{NULL, 6, MIB, MIB, MIB, .coverage = 0.97}, "1.00 MiB", ""},
        {{NULL, 1, MIB, 0, 2 * MIB, .coverage = 0}, "1.00 MiB", ""},
        {{0}, "-", ""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        cr_expect_str_eq(check_median_interval(&CASES[i].side, METRIC_BYTES).text, CASES[i].interval);
        cr_expect_str_eq(check_spread(&CASES[i].side).text, CASES[i].spread);
    }
}

Test(check_words, change_has_a_sign_and_no_ratio_to_nothing)
{
    static const struct {
        double baseline, current;
        const char *words;
    } CASES[] = {
        {61 * MIB, 69 * MIB, "+8.00 MiB (+13.1 %)"},
        {69 * MIB, 61 * MIB, "-8.00 MiB (-11.6 %)"},
        {MIB, MIB, "0"},
        {0, 0, "0"},
        {0, MIB, "+1.00 MiB (new)"},
        {MIB, 0, "-1.00 MiB (-100.0 %)"},
        {MIB, 59.1 * MIB, "+58.1 MiB (+5810 %)"},
        {MIB, MIB + 512, "+512 B (+<0.1 %)"},
        {1, 0x1p60, "+1.00 EiB (+>1000000 %)"},
        {0.5, 0x1p64, "+16.0 EiB (+>1000000 %)"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct check_row row = made_growth(CHECK_PASS, "m", METRIC_BYTES, CASES[i].baseline, CASES[i].current, 1);
        struct check_growth growth = {"g", CASES[i].baseline, CASES[i].current};
        cr_expect_str_eq(check_change_both(&row).text, CASES[i].words);
        cr_expect_str_eq(check_growth_both(&growth).text, CASES[i].words);
    }
}

Test(check_words, slope_is_for_each_dump_and_a_limit_has_no_change)
{
    struct check_result made = made_regression();
    for (uint64_t i = 0; i < made.rows_count; i++) {
        const struct check_row *row = &made.rows[i];
        if (row->kind == CHECK_SLOPE)
            cr_expect_str_eq(check_change_both(row).text, "+12 KiB/dump");
        if (row->kind == CHECK_LIMIT)
            cr_expect_str_eq(check_change_both(row).text, "-");
    }
}

Test(check_words, p_has_three_digits_and_an_end)
{
    static const struct {
        double p;
        const char *words;
    } CASES[] = {{1, "1.000"}, {0.012, "0.012"}, {0.001, "0.001"}, {0.000999, "<0.001"}, {0, "<0.001"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(check_p(&(struct check_row){.has_p = true, .p = CASES[i].p}).text, CASES[i].words);
    cr_expect_str_eq(check_p(&(struct check_row){0}).text, "-");
}

Test(check_words, headline_names_the_worst_and_what_grew)
{
    struct check_result made = made_regression();
    cr_expect_str_eq(check_headline(&made).text,
                     "regression: 3 of 14 metrics, 1 inconclusive; rss.go.unused.resident +8.20 MiB (+67.8 %); "
                     "grew most: go.unused +8.20 MiB (+67.8 %)");
    made.rows += 2;
    made.rows_count = 1;
    made.classes_count = 0;
    made_count(&made);
    cr_expect_str_eq(check_headline(&made).text, "regression: 1 of 1 metric; rss.total 69.4 MiB, allowed 64 MiB");
    made.rows++;
    made_count(&made);
    cr_expect_str_eq(check_headline(&made).text, "inconclusive: 1 of 1 metric");
    made.rows++;
    made.rows_count = 10;
    made_count(&made);
    cr_expect_str_eq(check_headline(&made).text, "pass: 10 metrics");
    made.rows_count = 0;
    made_count(&made);
    cr_expect_str_eq(check_headline(&made).text, "pass: no metric was checked");
}

Test(check_words, subject_leaves_out_what_is_not_known)
{
    struct check_result made = made_regression();
    cr_expect_str_eq(check_subject(&made).text, "etcd, go1.26.10, x86_64; 6 baseline samples, 6 current");
    made.go_version = made.machine = NULL;
    made.baseline_samples = 0;
    made.current_samples = 1;
    cr_expect_str_eq(check_subject(&made).text, "etcd; 1 current sample");
    made.program = NULL;
    made.current_samples = 2;
    cr_expect_str_eq(check_subject(&made).text, "2 current samples");
}

Test(check_words, names_of_verdicts_and_kinds)
{
    cr_expect_str_eq(check_verdict_name(CHECK_PASS), "pass");
    cr_expect_str_eq(check_verdict_name(CHECK_INCONCLUSIVE), "inconclusive");
    cr_expect_str_eq(check_verdict_name(CHECK_REGRESSION), "regression");
    cr_expect_str_eq(check_kind_name(CHECK_LIMIT), "limit");
    cr_expect_str_eq(check_kind_name(CHECK_EXACT), "exact");
}

Test(check_words, rows_beyond_what_is_shown_are_counted)
{
    struct check_result made = made_many();
    uint64_t shown[CHECK_VERDICT_COUNT] = {0};
    for (uint64_t i = 0; i < made.rows_count; i++)
        shown[made.rows[i].verdict] += check_is_shown(&made, i);
    cr_expect_eq(shown[CHECK_REGRESSION], 100);
    cr_expect_eq(shown[CHECK_INCONCLUSIVE], 0);
    cr_expect_eq(shown[CHECK_PASS], 20);
    cr_expect_str_eq(check_not_shown(&made).text, "20 more regressions, 10 more inconclusive, 50 more passed");
    made = made_regression();
    cr_expect_str_empty(check_not_shown(&made).text);
}

Test(check_words, rows_share_a_reason_when_rule_and_verdict_are_the_same)
{
    struct check_row rows[4];
    for (int i = 0; i < 4; i++)
        rows[i] = made_growth(CHECK_REGRESSION, "m", METRIC_BYTES, MIB, 2 * MIB, 0);
    struct check_result made = {.rows = rows, .rows_count = 4};
    made_count(&made);
    cr_expect_eq(check_same_reason(&made, 0), 4);
    cr_expect_eq(check_same_reason(&made, 3), 1);
    rows[3].verdict = CHECK_INCONCLUSIVE;
    cr_expect_eq(check_same_reason(&made, 0), 3);
    rows[2].why = "another";
    cr_expect_eq(check_same_reason(&made, 0), 2);
    rows[1].kind = CHECK_EXACT;
    cr_expect_eq(check_same_reason(&made, 0), 1);
}

Test(check_words, sentence_longer_than_its_place_is_cut)
{
    static char name[4096];
    memset(name, 'x', sizeof name - 1);
    struct check_result made = made_regression();
    struct check_row row = made.rows[0];
    row.metric = row.bound = name;
    made.rows = &row;
    made.rows_count = 1;
    made_count(&made);
    cr_expect_eq(strlen(check_headline(&made).text), sizeof(struct check_sentence) - 1);
    cr_expect_eq(strlen(check_facts(&row).text), sizeof(struct check_sentence) - 1);
}

/* ---- escapes ---- */

Test(check_escape, characters_are_valid_utf8_that_every_format_takes)
{
    static const struct {
        const char *text;
        uint32_t bytes;
    } CASES[] = {
        {"a", 1},
        {" ", 1},
        {"", 0},
        {"\n", 0},
        {"\x7f", 0},
        {"\xc3\xb6", 2},
        {"\xc2\x9f", 0}, /* a C1 control */
        {"\xc2\xa0", 2},
        {"\xc3", 0},
        {"\xc3(", 0},
        {"\x80", 0},
        {"\xc0\xaf", 0}, /* '/', too long */
        {"\xe2\x82\xac", 3},
        {"\xe2\x82", 0},
        {"\xe0\x80\xaf", 0},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0}, /* a surrogate */
        {"\xef\xbf\xbd", 3},
        {"\xef\xbf\xbe", 0}, /* U+FFFE */
        {"\xf0\x9f\x92\xa5", 4},
        {"\xf4\x8f\xbf\xbd", 4},
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf8\x88\x80\x80\x80", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(check_character_bytes(CASES[i].text), CASES[i].bytes, "case %zu", i);
}

Test(check_escape, what_is_no_character_becomes_a_question_mark)
{
    static const struct check_escape ESCAPES[] = {{'(', "[left]"}, {0}};
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    check_write_escaped(out, BROKEN_NAME, (const struct check_escape[]){{0}});
    fputc('\n', out);
    check_write_escaped(out, "(\xc3\xb6(", ESCAPES);
    fclose(out);
    cr_expect_str_eq(text, BROKEN_NAME_CLEAN "\n[left]\xc3\xb6[left]");
    free(text);
}
