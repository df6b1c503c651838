/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `report --html` in a browser: it says what the dumps say, asks for nothing, and complains of nothing. Its
 * pictures are kept in build/html.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/html_scene.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"

/* ---- words and numbers ---- */

/* Runs of spaces become one. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ' || to == text || to[-1] != ' ')
            *to++ = *from;
    }
    *to = '\0';
}

/* The same rows as the report for a terminal, which other tests hold against the dump. */
static void expect_same_as_text(struct scene *scene, int dump)
{
    char expression[64];
    char *text = report(NULL, NULL, &scene->paths[dump], 1);
    squeeze(text);
    snprintf(expression, sizeof expression, "report.show(%d)", dump);
    json_decref(browser_evaluate(scene->browser, expression));
    json_t *rows = browser_evaluate(
        scene->browser,
        "[...document.querySelectorAll('#classes tbody tr')].map((row) => { "
        "const cells = Object.fromEntries([...row.cells].map((cell, i) => "
        "[document.querySelectorAll('#classes thead th')[i].innerText, cell.innerText])); "
        "return `\\n${cells['class']} ${cells.mapped} ${cells.resident} ${cells['% of RSS'].replace(' %', '')}`; })");
    cr_expect_geq(json_array_size(rows), 8u);
    for (size_t i = 0; i < json_array_size(rows); i++)
        expect_in(json_string_value(json_array_get(rows, i)), text);
    json_decref(rows);
    char *rss = browser_text(scene->browser, "`\\nRSS ${document.querySelector('#headline .tile-value').innerText}, `");
    expect_in(rss, text);
    char *explained = browser_text(scene->browser,
                                   "`, explained ${document.querySelectorAll('#headline .tile-value')[1].innerText}`");
    expect_in(explained, text);
    free(explained);
    free(rss);
    free(text);
}

/* What a dump says in sentences stands on the page. */
static void expect_sentences(struct scene *scene, int dump)
{
    char *text = browser_text(scene->browser, "document.body.innerText");
    const json_t *findings = dump_at(scene->dumps[dump], "findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        expect_in(dump_text(json_array_get(findings, i), "id"), text);
        expect_in(dump_text(json_array_get(findings, i), "text"), text);
        expect_in(dump_text(json_array_get(findings, i), "advice"), text);
    }
    const json_t *missing = dump_at(scene->dumps[dump], "books/malloc/missing");
    for (size_t i = 0; i < json_array_size(missing); i++)
        expect_in(dump_text(json_array_get(missing, i), "why"), text);
    expect_in(dump_text(scene->dumps[dump], "process/comm"), text);
    expect_in(dump_text(scene->dumps[dump], "environment/go_version"), text);
    free(text);
}

Test(html, page_says_what_the_dumps_say, .timeout = 600)
{
    struct scene scene = open_scene();
    char *title = browser_text(scene.browser, "document.title");
    expect_in("mapdemo (pid ", title);
    cr_expect_eq(browser_number(scene.browser, "document.querySelectorAll('#dump option').length"), PHASES);
    cr_expect_eq(browser_number(scene.browser, "document.querySelectorAll('#timeline circle').length"), PHASES);
    /* It begins with the newest. */
    cr_expect_eq(browser_number(scene.browser, "report.index"), PHASES - 1);
    for (int i = 0; i < PHASES; i++) {
        expect_same_as_text(&scene, i);
        expect_sentences(&scene, i);
    }
    json_decref(browser_evaluate(scene.browser, "document.querySelector('[aria-label=\"The dump before\"]').click()"));
    cr_expect_eq(browser_number(scene.browser, "report.index"), PHASES - 2);
    cr_expect_neq(json_array_size(dump_at(scene.dumps[1], "findings")), 0u); /* what it shows is no empty page */
    expect_peace(scene.browser, scene.page);
    free(title);
    close_scene(&scene);
}

/* ---- what keeps the heap ---- */

static const char MAPS[] =
    "[{\"name\":\"main.Sessions\",\"type\":\"map[string]string\",\"why\":null,\"design\":\"swiss\","
    "\"address\":\"0x339369440150\",\"entries\":1000,\"count\":1000,\"capacity\":2048,\"tombstones\":0,"
    "\"buckets\":256,\"old_buckets\":0,\"evacuated_buckets\":0,\"overflow_buckets\":0,\"tables\":2,"
    "\"directory_slots\":2,\"key_bytes\":16,\"element_bytes\":16,\"parts\":[{\"part\":\"buckets\","
    "\"objects\":2,\"asked\":67584,\"allocated\":81920,\"in_spans\":81920,\"pages\":10,"
    "\"resident\":73728,\"image\":0}],\"total\":{\"objects\":2006,\"asked\":87712,\"allocated\":114048,"
    "\"in_spans\":139264,\"pages\":17,\"resident\":131072,\"image\":0},\"pages_resident\":17,"
    "\"pages_alone\":12,\"pages_shared\":5,\"alone\":90112,\"alone_spans\":98304,\"huge\":0,"
    "\"naive\":52000,\"remade\":{\"capacity\":2048,\"bytes\":81920},\"grown\":{\"entries\":1375,"
    "\"capacity\":3072,\"bytes\":122880},\"torn_reads\":0,\"attempts\":1,\"unknown_objects\":0,"
    "\"deep\":false,\"walk_ns\":43184299}]";

/* The heap profile and maps that are watched are those of the text, which leaves out small stacks of threads. */
Test(html, sections_of_the_text_are_all_there, .timeout = 600)
{
    static const char *const CELLS[] = {"#keepers tbody th", "#keepers tbody summary", "#gomaps tbody th",
                                        "#gomaps tbody td:nth-child(3)", "#gomaps tbody td:last-child"};
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    struct watched *watched = watch_app(&found[count - 1], "pinned", NULL);
    program_await_phase(watched->program, "pinned");
    char paths[1][PATH_MAX], page[PATH_MAX + 16];
    json_t *dump = watched_dump(watched);
    must(json_object_set_new(json_object_get(dump, "go"), "maps", json_loads(MAPS, 0, NULL)) == 0, "maps");
    write_page(dump, watched->dir.path, paths, page);
    struct browser *browser = browser_start();
    browser_set_window(browser, 1280, 900, false);
    browser_open(browser, page);
    char *text = report("--top", "50", paths, 1);
    squeeze(text);
    for (size_t i = 0; i < sizeof CELLS / sizeof CELLS[0]; i++) {
        char expression[128];
        snprintf(expression, sizeof expression, "document.querySelector('%s')?.innerText ?? 'nothing'", CELLS[i]);
        char *cell = browser_text(browser, expression);
        expect_in(cell, text);
        free(cell);
    }
    char *threads = browser_text(browser, "document.getElementById('threads').innerText");
    const json_t *most = NULL;
    size_t index;
    json_t *thread;
    json_array_foreach((json_t *)dump_at(dump, "threads"), index, thread)
    {
        if (most == NULL || dump_number(thread, "resident") > dump_number(most, "resident"))
            most = thread;
    }
    cr_assert_not_null(most);
    char id[32];
    snprintf(id, sizeof id, "%" PRIu64 " ", dump_number(most, "tid"));
    expect_in(id, threads);
    free(threads);
    expect_peace(browser, page);
    browser_end(browser);
    json_decref(dump);
    free(text);
    watched_end(watched);
}

/* ---- who did it ---- */

/* What is folded is not there before it is asked for; unfolded it names the C function and who called it from Go. */
Test(html, stacks_are_unfolded_and_name_who_did_it, .timeout = 600)
{
    struct scene scene = open_scene();
    json_decref(browser_evaluate(scene.browser, "report.show(0)"));
    cr_expect_eq(browser_number(scene.browser, "document.querySelectorAll('#sites .stack').length"), 0);
    char *text = report("--top", "20", &scene.paths[0], 1);
    char *who = browser_text(scene.browser, "document.querySelector('#sites tbody summary').innerText");
    expect_in(who, text);
    char *bytes = browser_text(scene.browser, "document.querySelector('#sites tbody th').innerText");
    expect_in(bytes, text);
    json_decref(browser_evaluate(scene.browser, "document.querySelector('#sites tbody details').open = true"));
    /* The event comes in a task of its own after the script that opens it: looked for again until it is there. */
    char *stack = browser_text(scene.browser, "new Promise((done) => { const look = () => { "
                                              "const stack = document.querySelector('#sites .stack'); "
                                              "if (stack) done(stack.innerText); else setTimeout(look); }; look(); })");
    expect_in("main._Cfunc_", stack);
    expect_in("main.main", stack);
    expect_in("main.go:", stack);
    json_decref(browser_evaluate(scene.browser, "document.getElementById('sites').scrollIntoView()"));
    browser_screenshot(scene.browser, artefact_path("report-sites.png"));
    expect_peace(scene.browser, scene.page);
    free(stack);
    free(bytes);
    free(who);
    free(text);
    close_scene(&scene);
}

/* ---- everybody can read it ---- */

Test(html, everything_has_a_name_and_fits_the_window, .timeout = 600)
{
    static const struct {
        unsigned width;
        bool is_dark;
        const char *picture;
    } CASES[] = {{1280, false, "report.png"}, {1280, true, "report-dark.png"}, {390, false, "report-narrow.png"}};
    struct scene scene = open_scene();
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        browser_set_window(scene.browser, CASES[i].width, 900, CASES[i].is_dark);
        json_decref(browser_evaluate(scene.browser, "report.show(1)"));
        browser_screenshot(scene.browser, artefact_path(CASES[i].picture));
        cr_expect_eq(browser_number(scene.browser, "document.documentElement.scrollWidth"), CASES[i].width,
                     "wider than the window of %u", CASES[i].width);
        char *nameless = browser_text(
            scene.browser,
            "[...document.querySelectorAll('[role=img], canvas, button, input, select, section, "
            "table')].filter((element) => "
            "!element.hidden && !(element.getAttribute('aria-label') || element.getAttribute('aria-labelledby') || "
            "element.innerText || element.labels?.length)).map((element) => element.outerHTML).join()");
        cr_expect_str_empty(nameless, "%s", nameless);
        free(nameless);
    }
    expect_peace(scene.browser, scene.page);
    close_scene(&scene);
}
