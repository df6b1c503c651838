/* SPDX-License-Identifier: Apache-2.0
 *
 * The screen of top. Whole screens are compared: what people read is the interface here.
 */
#include <criterion/criterion.h>

#include "top_fixture.h"

static struct top_model model;

static void open_with(struct top_sample first)
{
    top_model_open(&model, 4711, SECONDS(1));
    top_model_add(&model, &first);
}

static void expect_screen(uint32_t columns, uint32_t rows, const char *expected)
{
    const char *text = fixture_screen(&model, columns, rows);
    cr_expect_str_eq(text, expected, "%u x %u:\n%s", columns, rows, text);
}

static void expect_text(const char *expected, const char *what)
{
    const char *text = fixture_screen(&model, 120, 30);
    cr_expect_not_null(strstr(text, expected), "%s: no \"%s\" in:\n%s", what, expected, text);
}

Test(top_picture, second_look_shows_what_changes)
{
    open_with(fixture_sample());
    struct top_sample next = fixture_sample_after(2);
    next.status.resident_bytes = MIB(104);
    next.gc.cycles = 13;
    next.gc.phase = GC_MARK;
    next.gc.released_bytes = MIB(26);
    next.classes[CLASS_GO_OBJECTS].resident_bytes = MIB(58);
    next.classes[CLASS_GO_FREE].resident_bytes = MIB(16);
    top_model_add(&model, &next);
    expect_screen(80, 20,
                  "shop (pid 4711), go1.26.10, up 3 min 14 s                            every 1.0 s\n"
                  "RSS 104 MiB (+2.00 MiB/s), peak 120 MiB, explained 96.15 %\n"
                  "GC cycle 13 (0.5/s), phase mark, live 45.0 MiB of goal 80.0 MiB, GOGC 100\n"
                  "given back by Go 26.0 MiB (-2.00 MiB/s), of it resident 10.0 MiB\n"
                  "\n"
                  "class          resident         change  % RSS  by resident\n"
                  "go.objects     58.0 MiB    +4.00 MiB/s   55.8  ##################\n"
                  "c.mmap         19.0 MiB              0   18.3  ######\n"
                  "go.free        16.0 MiB    -2.00 MiB/s   15.4  =====\n"
                  "go.released    10.0 MiB              0    9.6  !!!\n"
                  "other          1.00 MiB              0    1.0\n"
                  "total           104 MiB    +2.00 MiB/s  100.0\n"
                  "\n"
                  "stands out: released-resident 10.0 MiB, free-resident 20.0 MiB\n"
                  "\n"
                  "\n"
                  "\n"
                  "\n"
                  "a look takes 7 ms of CPU\n"
                  "q quit  d dump  s sort  ? help\n");
}

Test(top_picture, first_look_claims_no_rates)
{
    open_with(fixture_sample());
    const char *text = fixture_screen(&model, 80, 24);
    cr_expect_null(strstr(text, "/s"), "%s", text);
    cr_expect_not_null(strstr(text, "\nRSS 100 MiB, peak 120 MiB,"), "%s", text);
    cr_expect_not_null(strstr(text, "\nGC cycle 12, phase off,"), "%s", text);
}

Test(top_picture, small_terminal_keeps_what_matters)
{
    open_with(fixture_sample());
    expect_screen(40, 9,
                  "shop (pid 4711), go1.26.10, up 3 min 12\n"
                  "RSS 100 MiB, peak 120 MiB, explained 100\n"
                  "GC cycle 12, phase off, live 45.0 MiB of\n"
                  "given back by Go 30.0 MiB, of it residen\n"
                  "class          resident         change\n"
                  "go.objects     50.0 MiB\n"
                  "4 others       50.0 MiB\n"
                  "stands out: released-resident 10.0 MiB,\n"
                  "q quit  d dump  s sort  ? help\n");
    expect_screen(9, 2,
                  "shop (pid\n"
                  "q quit  d\n");
    expect_screen(9, 1, "shop (pid\n");
    expect_screen(1, 1, "s\n");
    expect_screen(0, 0, "");
}

/* Every size up to a large one: no line is longer than the terminal, none lies below it, none has two places. */
Test(top_picture, any_size_is_kept_to)
{
    static struct top_picture picture;
    open_with(fixture_sample());
    for (int is_help = 0; is_help < 2; is_help++) {
        model.shows_help = is_help != 0;
        for (uint32_t columns = 0; columns < 140; columns++) {
            for (uint32_t rows = 0; rows < 50; rows++) {
                bool is_taken[50] = {false};
                top_picture_make(&picture, &model, columns, rows);
                for (uint32_t i = 0; i < picture.count; i++) {
                    const struct top_line *line = &picture.lines[i];
                    cr_assert_leq(strlen(line->text), columns);
                    cr_assert_leq(line->bar_start + line->bar_bytes, columns);
                    cr_assert(line->row < rows && !is_taken[line->row], "row %u of %ux%u", line->row, columns, rows);
                    is_taken[line->row] = true;
                }
            }
        }
    }
    top_picture_make(&picture, &model, UINT32_MAX, UINT32_MAX);
    cr_expect_gt(picture.count, 0u);
}

Test(top_picture, order_is_as_asked)
{
    static const char *const FIRST[TOP_SORT_COUNT] = {"go.objects ", "go.free ", "go.objects "};
    static const char *const LAST[TOP_SORT_COUNT] = {"go.released ", "go.released ", "c.mmap "};
    open_with(fixture_sample());
    struct top_sample next = fixture_sample_after(1);
    next.classes[CLASS_GO_FREE].resident_bytes = MIB(18);
    next.classes[CLASS_C_MMAP].resident_bytes = MIB(20);
    next.classes[CLASS_OTHER].resident_bytes = MIB(200);
    top_model_add(&model, &next);
    for (int i = 0; i < TOP_SORT_COUNT; i++) {
        const char *text = fixture_screen(&model, 80, 24);
        const char *head = strchr(strstr(text, "class "), '\n') + 1, *other = strstr(text, "\nother ");
        cr_expect_eq(strncmp(head, FIRST[i], strlen(FIRST[i])), 0, "%s", text);
        const char *last = strstr(text, LAST[i]);
        cr_expect(last != NULL && strchr(last, '\n') == other, "%s", text);
        top_model_sort_next(&model);
    }
    cr_expect_eq(model.sort, TOP_BY_RESIDENT);
}

Test(top_picture, bar_is_as_long_as_the_share)
{
    static struct top_picture picture;
    open_with(fixture_sample());
    top_picture_make(&picture, &model, 147, 24);
    bool is_seen = false;
    for (uint32_t i = 0; i < picture.count; i++) {
        const struct top_line *line = &picture.lines[i];
        if (strncmp(line->text, "go.objects", 10) != 0)
            continue;
        is_seen = true;
        cr_expect_eq(line->bar_bytes, (147 - line->bar_start) / 2);
        cr_expect_eq(line->bar_style, TOP_USED);
        cr_expect_eq(strspn(line->text + line->bar_start, "#"), line->bar_bytes);
    }
    cr_expect(is_seen);
}

Test(top_picture, what_is_not_known_is_said)
{
    struct top_sample sample = fixture_sample();
    sample.has_gc = false;
    strcpy(sample.unwalked_why, "go1.99 is newer than this version knows");
    open_with(sample);
    expect_text("\nGC not known: go1.99 is newer than this version knows\n", "no layout");
    expect_text("\ngiven back by Go: not known\n", "no layout");

    sample = fixture_sample();
    sample.gc.has_controller = sample.gc.has_phase = sample.gc.has_sums = false;
    open_with(sample);
    expect_text("\nGC cycle 12, phase not known, goal not known\n", "no controller");
    expect_text("\ngiven back by Go: not known\n", "no sums");
}

Test(top_picture, settings_of_the_collector_are_shown)
{
    struct top_sample sample = fixture_sample();
    sample.gc.percent = -1;
    sample.gc.heap_goal_bytes = INT64_MAX - MIB(1);
    open_with(sample);
    expect_text(" live 45.0 MiB, GOGC off\n", "GOGC=off");
    sample.gc.memory_limit_bytes = MIB(512);
    sample.gc.heap_goal_bytes = MIB(500);
    open_with(sample);
    expect_text(" live 45.0 MiB of goal 500 MiB, GOGC off, limit 512 MiB\n", "GOMEMLIMIT");
}

Test(top_picture, seldom_collections_are_told_by_their_time)
{
    open_with(fixture_sample());
    struct top_sample next = fixture_sample_after(9);
    top_model_add(&model, &next);
    expect_text("GC cycle 12 (none in 9.0 s),", "no cycle");
    open_with(fixture_sample());
    next = fixture_sample_after(300);
    next.gc.cycles = 13;
    top_model_add(&model, &next);
    expect_text("GC cycle 13 (1 in 5 min 0 s),", "one in five minutes");
}

Test(top_picture, dear_look_says_why_it_is_rare)
{
    struct top_sample sample = fixture_sample();
    sample.cost_ns = MILLISECONDS(720);
    open_with(sample);
    expect_text("every 7.2 s\n", "head");
    expect_text("\nevery 7.2 s, not 1.0 s: a look takes 720 ms of CPU, and at most a tenth of one CPU is used\n",
                "note");
}

Test(top_picture, end_of_the_process_leaves_the_picture)
{
    open_with(fixture_sample());
    top_model_end(&model);
    expect_text("\ngo.objects ", "picture");
    expect_text("\nthe process has ended; this is the last picture.\nq quit  s sort  ? help\n", "end");
    top_model_say(&model, false, "dump by the shim: /d/1.json");
    expect_text("this is the last picture. dump by the shim: /d/1.json\n", "end and dump");
    const char *text = fixture_screen(&model, 60, 2);
    cr_expect_str_eq(strchr(text, '\n'), "\nthe process has ended; this is the last picture. dump by the\n");
}

Test(top_picture, swap_shim_and_more_runtimes_are_named_when_they_are_there)
{
    struct top_sample sample = fixture_sample();
    open_with(sample);
    const char *text = fixture_screen(&model, 120, 30);
    cr_expect_null(strstr(text, "swapped"));
    cr_expect_null(strstr(text, "shim"));
    cr_expect_null(strstr(text, "runtime 1"));
    sample.has_shim = true;
    sample.runtimes_count = 3;
    sample.status.swapped_bytes = MIB(3);
    open_with(sample);
    expect_text(", up 3 min 12 s, shim loaded, Go runtime 1 of 3 ", "head");
    expect_text(", peak 120 MiB, swapped 3.00 MiB, explained", "RSS");
}

Test(top_picture, help_tells_every_key_and_class)
{
    open_with(fixture_sample());
    model.shows_help = true;
    const char *text = fixture_screen(&model, 100, 40);
    static const char *const TOLD[] = {"d  a dump", "s  sort", "q  quit",
#define X(id, name, meaning) "\n" name " ",
                                       GPW_MEMORY_CLASSES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++)
        cr_expect_not_null(strstr(text, TOLD[i]), "no \"%s\" in:\n%s", TOLD[i], text);
}
