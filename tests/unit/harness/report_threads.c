/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of thread stacks in a report, and what of it a dump may not say.
 */
#include "dump_fixture.h"

#include "harness/report.h"

#define THREAD(tid, name, end, resident, below)                                                              \
    "{\"tid\":" tid ",\"name\":" name ",\"start\":\"0x10000000\",\"end\":\"" end "\",\"resident\":" resident \
    ",\"stack_pointer\":null,\"resident_below\":" below "}"

/* Of 60 MiB RSS 1 % is 614 KiB. */
static const char ENOUGH[] = "{\"mapped\":8388608,\"resident\":1048576,\"swapped\":0,\"huge\":0,\"lazyfree\":0}";
static const char ROWS[] = "[" THREAD("12", "\"idle\"", "0x10800000", "8192", "0") "," THREAD(
    "11", "\"deep\\u001b[31m\"", "0x10800000", "1032192", "983040") "," THREAD("null", "null", "0x10800000", "12288",
                                                                               "null") "]";

static char *report_with(const char *sizes, const char *rows, uint32_t top_rows)
{
    struct report_options options = {.width_columns = UINT32_MAX, .top_rows = top_rows};
    struct dump dump;
    struct error error;
    char *text = NULL;
    size_t bytes;
    json_t *document = fixture_document();
    fixture_change(document, "rss/classes/thread.stacks", sizes);
    fixture_change(document, "threads", rows);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    FILE *out = open_memstream(&text, &bytes);
    report_write_dump(out, &dump, "shop.json", &options);
    fclose(out);
    dump_free(&dump);
    return text;
}

Test(report_threads, stacks_stand_by_what_is_resident)
{
    char *report = report_with(ENOUGH, ROWS, 0);
    const char *section = strstr(report, "thread.stacks by thread");
    cr_assert_not_null(section, "%s", report);
    const char *deep = strstr(section, "11 deep"), *ended = strstr(section, "its thread has ended"),
               *idle = strstr(section, "12 idle");
    cr_expect(deep != NULL && ended != NULL && idle != NULL && deep < ended && ended < idle, "%s", section);
    cr_expect_not_null(strstr(section, "1008 KiB   960 KiB  8.00 MiB  11 deep"), "%s", section);
    cr_expect_null(strchr(report, '\033'), "a name may not speak to the terminal");
    free(report);
}

Test(report_threads, top_cuts_and_little_is_not_shown)
{
    char *report = report_with(ENOUGH, ROWS, 1);
    cr_expect_not_null(strstr(report, "... 2 more stacks (--top N)"), "%s", report);
    cr_expect_null(strstr(report, "12 idle"));
    free(report);
    report = report_with("{\"mapped\":8388608,\"resident\":65536,\"swapped\":0,\"huge\":0,\"lazyfree\":0}", ROWS, 0);
    cr_expect_null(strstr(report, "by thread"), "%s", report);
    free(report);
}

Test(report_threads, wrong_rows_are_refused)
{
    static const struct {
        const char *rows, *why;
    } CASES[] = {
        {"{}", "threads is"},
        {"[" THREAD("1", "null", "0x10000000", "0", "0") "]", "threads[0].end is not above the start"},
        {"[" THREAD("1", "null", "0x10001000", "8192", "0") "]", "threads[0].resident is more than the stack"},
        {"[" THREAD("1", "null", "0x10004000", "4096", "8192") "]", "threads[0].resident_below is more than"},
        {"[" THREAD("1", "7", "0x10004000", "4096", "0") "]", "threads[0].name is"},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        json_t *document = fixture_document();
        fixture_change(document, "threads", CASES[i].rows);
        cr_expect_not(fixture_load_document(&dump, document, &error), "%s", CASES[i].rows);
        cr_expect_not_null(strstr(error.text, CASES[i].why), "%s: %s", CASES[i].rows, error.text);
    }
}
