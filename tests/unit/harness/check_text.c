/* SPDX-License-Identifier: Apache-2.0
 *
 * The text for people: it fits, it says each thing once, and it ends with the verdict.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "check_made.h"

#include "harness/check_words.h"
#include "harness/table.h"

static uint32_t count_of(const char *text, const char *what)
{
    uint32_t count = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        count++;
    return count;
}

static char *write_wide(const struct check_result *result, uint32_t width_columns)
{
    return made_written("text", result, &(struct check_view){.width_columns = width_columns});
}

/* The last line but for its end. */
static const char *last_line(char *text)
{
    size_t bytes = strlen(text);
    cr_assert(bytes > 0 && text[bytes - 1] == '\n');
    text[bytes - 1] = '\0';
    const char *line = strrchr(text, '\n');
    return line != NULL ? line + 1 : text;
}

static uint32_t widest_columns_before_the_last_line(const char *text)
{
    uint32_t widest = 0;
    for (const char *end; (end = strchr(text, '\n')) != NULL && end[1] != '\0'; text = end + 1) {
        uint32_t columns = text_columns(text, (uint64_t)(end - text));
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

/* What a reader needs most stays longest: at 80 columns p has no room beside such names. */
Test(check_text, fits_the_width_and_shows_what_there_is_room_for)
{
    static const struct {
        uint32_t width_columns;
        const char *shows[4], *does_not_show;
    } CASES[] = {
        {200, {"61.2 MiB [61.1, 61.4]", "  growth  ", "  +13.4  0.030  regression    +5 % and +8.00 MiB\n"}, "+-"},
        {UINT32_MAX, {"61.2 MiB +-0.4 %", "  growth  ", "  +13.4  0.030  regression    +5 % and +8.00 MiB\n"}, "["},
        {120, {"  +13.4  0.030  regression    +5 % and +8.00 MiB\n"}, "  growth  "},
        {105, {"  growth  ", "  +13.4  0.030  regression\n"}, "allowed\n"},
        {96, {"  +13.4  0.030  regression\n"}, "  growth  "},
        {88, {"  0.030  regression\n"}, "  +13.4"},
        {80, {"  61.2 MiB  69.4 MiB     +8.20 MiB  regression\n"}, "0.030"},
    };
    struct check_result made = made_regression();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char *text = write_wide(&made, CASES[i].width_columns);
        uint32_t widest = widest_columns_before_the_last_line(text);
        cr_expect_leq(widest, CASES[i].width_columns == UINT32_MAX ? 140 : CASES[i].width_columns);
        for (int part = 0; part < 4 && CASES[i].shows[part] != NULL; part++)
            cr_expect_not_null(strstr(text, CASES[i].shows[part]), "%u: no %s in\n%s", CASES[i].width_columns,
                               CASES[i].shows[part], text);
        cr_expect_null(strstr(text, CASES[i].does_not_show), "%u: %s in\n%s", CASES[i].width_columns,
                       CASES[i].does_not_show, text);
        free(text);
    }
}

Test(check_text, says_why_what_grew_and_what_to_keep_in_mind)
{
    struct check_result made = made_regression();
    char *text = write_wide(&made, 200);
    cr_expect_eq(strncmp(text, "etcd, go1.26.10, x86_64; 6 baseline samples, 6 current\n\nmetric ", 63), 0);
    cr_expect_not_null(strstr(text, "\nrss.go.unused.resident, rss.total (growth): it grew by more than 5 % and "));
    cr_expect_not_null(strstr(text, "\nrss.total (limit): the median is above the limit of 64 MiB\n"));
    cr_expect_not_null(strstr(text, "\ngo.unused      12.1 MiB  20.3 MiB  +8.20 MiB  +67.8\n"));
    cr_expect_not_null(strstr(text, "\n4096        2.50 MiB  9.75 MiB  +7.25 MiB  +290.0\n"));
    cr_expect_not_null(strstr(text, "with a confidence of 96.9 % or more\n"));
    cr_expect_not_null(strstr(text, "\nnote: the environment differs: "));
    cr_expect_str_eq(last_line(text), check_headline(&made).text);
    free(text);
}

/* No baseline that is not there. */
Test(check_text, growth_without_a_baseline_is_from_the_first_to_the_last)
{
    struct check_result made = made_regression();
    char *text = write_wide(&made, 200);
    cr_expect_not_null(strstr(text, "\nclass          baseline   current     change "), "%s", text);
    free(text);
    made.baseline_samples = 0;
    text = write_wide(&made, 200);
    cr_expect_not_null(strstr(text, "\nclass             first      last     change "), "%s", text);
    free(text);
}

Test(check_text, pass_says_no_why)
{
    struct check_result made = made_regression();
    made.rows += 4;
    made.rows_count -= 4;
    made.classes_count = made.size_classes_count = made.notes_count = 0;
    made_count(&made);
    char *text = write_wide(&made, 80);
    cr_expect_null(strstr(text, "\nwhy\n"));
    cr_expect_null(strstr(text, "what grew"));
    cr_expect_str_eq(last_line(text), "pass: 10 metrics");
    free(text);
    made.rows_count = made.baseline_samples = made.current_samples = 0;
    made_count(&made);
    text = write_wide(&made, 80);
    cr_expect_str_eq(text, "etcd, go1.26.10, x86_64; 0 current samples\n\npass: no metric was checked\n");
    free(text);
}

Test(check_text, rows_beyond_the_first_are_folded)
{
    struct check_result made = made_many();
    char *text = write_wide(&made, 200);
    cr_expect_eq(count_of(text, "\ngo.sizeclass."), 100 + 20 + 1, "the table and one reason");
    cr_expect_not_null(strstr(text, "\n... and 20 more regressions, 10 more inconclusive, 50 more passed "));
    cr_expect_not_null(strstr(text, "\ngo.sizeclass.0.resident, go.sizeclass.1.resident, go.sizeclass.2.resident, "
                                    "go.sizeclass.3.resident and 96\n  more (growth): "));
    free(text);
}

Test(check_text, reasons_are_no_more_than_a_screen)
{
    static struct check_row rows[MANY_ROWS];
    static char whys[MANY_ROWS][16];
    struct check_result made = made_many();
    memcpy(rows, made.rows, sizeof rows);
    for (int i = 0; i < MANY_ROWS; i++) {
        snprintf(whys[i], sizeof whys[i], "because %d", i);
        rows[i].why = whys[i];
    }
    made.rows = rows;
    char *text = write_wide(&made, 200);
    cr_expect_eq(count_of(text, "because"), 20);
    free(text);
}

/* Chance moves every metric, so a change has a colour where it is held to be one. */
Test(check_text, colours_are_for_a_terminal_and_for_regressions)
{
    struct check_result made = made_regression();
    char *text = write_wide(&made, 200);
    cr_expect_null(strchr(text, '\033'));
    free(text);
    text = made_written("text", &made, &(struct check_view){200, {.has_colour = true}});
    cr_expect_eq(count_of(text, "\033[31m+8.20 MiB\033[0m"), 2);
    cr_expect_null(strstr(text, "m+7.25 MiB\033[0m"));
    cr_expect_eq(count_of(text, "\033[1;31mregression\033[0m"), 3);
    cr_expect_eq(count_of(text, "\033[32mpass\033[0m"), 10);
    cr_expect_eq(strncmp(last_line(text), "\033[1;31mregression: ", 19), 0);
    free(text);
}
