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
#include <sys/stat.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/browser.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/text.h"

enum { PHASES = 3, ARENA_PAGES = 8192, PAGE_BYTES = 8192 };
#define ARENA_BYTES ((uint64_t)ARENA_PAGES * PAGE_BYTES)

/* mapdemo in its three phases, and the page of all three dumps. */
struct scene {
    struct watched *watched;
    char paths[PHASES][PATH_MAX];
    json_t *dumps[PHASES];
    char page[PATH_MAX + 16];
    struct browser *browser;
};

/* Runs the command; what it writes on standard output, to be freed. */
static char *report(const char *option, const char *value, char paths[][PATH_MAX], unsigned count)
{
    const char *arguments[PHASES + 5] = {built_path("gopagewatch"), "report"};
    unsigned at = 2;
    if (option != NULL) {
        arguments[at++] = option;
        arguments[at++] = value;
    }
    for (unsigned i = 0; i < count; i++)
        arguments[at++] = paths[i];
    struct program *program = program_run(&(struct program_setup){.arguments = arguments});
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    char *output = strdup(program_output(program));
    program_free(program);
    return output;
}

static struct scene open_scene(void)
{
    struct scene scene;
    struct toolchain found[TOOLCHAINS_MAX];
    size_t count = toolchains_find(found);
    scene.watched = watch_app(&found[count - 1], "mapdemo", NULL);
    for (int i = 0; i < PHASES; i++) {
        static const char *const NAMES[PHASES] = {"full", "dropped", "returned"};
        program_await_phase(scene.watched->program, NAMES[i]);
        scene.dumps[i] = watched_dump(scene.watched);
        snprintf(scene.paths[i], sizeof scene.paths[i], "%s", scene.watched->outbox.path);
        program_go_on(scene.watched->program);
    }
    snprintf(scene.page, sizeof scene.page, "%s/report.html", scene.watched->dir.path);
    free(report("--html", scene.page, scene.paths, PHASES));
    scene.browser = browser_start();
    browser_set_window(scene.browser, 1280, 900, false);
    browser_open(scene.browser, scene.page);
    return scene;
}

static void close_scene(struct scene *scene)
{
    for (int i = 0; i < PHASES; i++)
        json_decref(scene->dumps[i]);
    browser_end(scene->browser);
    watched_end(scene->watched);
}

/* Nothing but the page was asked for, and nobody complained. */
static void expect_peace(struct browser *browser, const char *page)
{
    char request[PATH_MAX + 32];
    snprintf(request, sizeof request, "file://%s\n", page);
    cr_expect_str_eq(browser_requests(browser), request);
    cr_expect_str_empty(browser_complaints(browser), "%s", browser_complaints(browser));
}

static const char *artefact_path(const char *name)
{
    static char path[PATH_MAX];
    const char *command = built_path("gopagewatch");
    int length = (int)(strrchr(command, '/') - command);
    snprintf(path, sizeof path, "%.*s/html", length, command);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%.*s/html/%s", length, command, name);
    return path;
}

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

static void expect_in(const char *part, const char *whole)
{
    cr_expect(strstr(whole, part) != NULL, "\"%s\" is not in: %s", part, whole);
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

/* ---- the map ---- */

/* A page of the dump, in the words of the page. */
struct page {
    unsigned arena, number;
    char letter;
    uint64_t address, run_start, run_end;
    unsigned run_pages;
};

/* The pages at both ends and in the middle of each run of an arena. */
static unsigned find_pages(const json_t *dump, unsigned arena, struct page *pages, unsigned capacity)
{
    char key[64];
    snprintf(key, sizeof key, "go/arenas/%u/pages", arena);
    const char *text = dump_text(dump, key);
    snprintf(key, sizeof key, "go/arenas/%u/start", arena);
    uint64_t start = dump_address(dump, key);
    unsigned count = 0, first = 0;
    while (*text != '\0' && count + 3 <= capacity) {
        char letter = *text++, *end;
        unsigned run_pages = (unsigned)strtoul(text, &end, 10);
        run_pages = end == text ? 1 : run_pages;
        text = end;
        unsigned numbers[] = {first, first + run_pages / 2, first + run_pages - 1};
        for (int i = 0; i < 3; i++)
            pages[count++] = (struct page){
                .arena = arena,
                .number = numbers[i],
                .letter = letter,
                .address = start + (uint64_t)numbers[i] * PAGE_BYTES,
                .run_start = start + (uint64_t)first * PAGE_BYTES,
                .run_end = start + (uint64_t)(first + run_pages) * PAGE_BYTES,
                .run_pages = run_pages,
            };
        first += run_pages;
    }
    return count;
}

static void expect_words(const struct page *page, const char *words)
{
    static const struct {
        char letter;
        const char *meaning;
    } STATES[] = {{'o', "holds an object"},
                  {'u', "in an in-use span, no object on this page"},
                  {'s', "goroutine stack"},
                  {'f', "free"},
                  {'r', "released to the OS"},
                  {'x', "reserved, not in use yet"},
                  {'m', "the runtime's own: GC work buffers"},
                  {'h', "in use or kept by Go, no span known"}};
    char expected[128];
    bool is_resident = page->letter < 'a';
    snprintf(expected, sizeof expected, "0x%" PRIx64, page->address);
    cr_expect_eq(strncmp(words, expected, strlen(expected)), 0, "\"%s\" does not begin with %s", words, expected);
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (STATES[i].letter != (page->letter | 0x20))
            continue;
        snprintf(expected, sizeof expected, "%c: %s, %sresident", page->letter, STATES[i].meaning,
                 is_resident ? "" : "not ");
        expect_in(expected, words);
    }
    snprintf(expected, sizeof expected, ") from 0x%" PRIx64 " to 0x%" PRIx64, page->run_start, page->run_end);
    expect_in(expected, words);
    snprintf(expected, sizeof expected, "page %u of arena %u of ", page->number, page->arena + 1);
    expect_in(expected, words);
}

/* Moves the pointer on the middle of a page's cell and reads the colour there: the place by the map's own layout, which
 * the drawing follows. */
static uint32_t point_at(struct browser *browser, const struct page *page)
{
    char expression[1024];
    snprintf(expression, sizeof expression,
             "(() => { const map = report.arenaMap; map.scrollTo({ arena: %u, page: %u }); map.draw(); "
             "const { x, y } = map.origin(%u); const zoom = map.placed.zoom; "
             "const at = [x + (%u + 0.5) * zoom, y + (%u + 0.5) * zoom]; "
             "window.probe = window.probe || new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true }); "
             "probe.drawImage(map.canvas, ...at.map(Math.floor), 1, 1, 0, 0, 1, 1); "
             "const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data; "
             "const box = map.canvas.getBoundingClientRect(); "
             "return [box.left + at[0], box.top + at[1], (red << 16) + (green << 8) + blue]; })()",
             page->arena, page->number, page->arena, page->number % 256, page->number / 256);
    json_t *place = browser_evaluate(browser, expression);
    browser_move_pointer(browser, json_number_value(json_array_get(place, 0)),
                         json_number_value(json_array_get(place, 1)));
    uint32_t colour = (uint32_t)json_integer_value(json_array_get(place, 2));
    json_decref(place);
    return colour;
}

/* Each letter has a colour of its own. */
static void expect_colours_tell_apart(const uint32_t *colours)
{
    for (int a = 0; a < 128; a++) {
        for (int b = 0; b < a; b++)
            cr_expect(colours[a] == 0 || colours[a] != colours[b], "%c and %c look the same", a, b);
    }
}

static void show_map(struct browser *browser, const char *before)
{
    char expression[128];
    snprintf(expression, sizeof expression, "%s; document.getElementById('arenas').scrollIntoView()", before);
    json_decref(browser_evaluate(browser, expression));
}

Test(html, pointer_on_the_map_tells_of_the_page_below_it, .timeout = 600)
{
    enum { PAGES_MAX = 90 };
    struct scene scene = open_scene();
    struct page pages[PAGES_MAX];
    uint32_t colours[128] = {0};
    unsigned pointed = 0;
    for (int dump = 0; dump < PHASES; dump++) {
        char show[32];
        snprintf(show, sizeof show, "report.show(%d)", dump);
        show_map(scene.browser, show);
        for (unsigned arena = 0; arena < json_array_size(dump_at(scene.dumps[dump], "go/arenas")); arena++) {
            unsigned count = find_pages(scene.dumps[dump], arena, pages, PAGES_MAX);
            for (unsigned i = 0; i < count; i++) {
                uint32_t colour = point_at(scene.browser, &pages[i]);
                char *words = browser_text(scene.browser, "document.getElementById('arena-tip').innerText");
                expect_words(&pages[i], words);
                uint32_t *known = &colours[(unsigned char)pages[i].letter];
                cr_expect(*known == 0 || *known == colour, "%c is 0x%06x here and 0x%06x there", pages[i].letter,
                          colour, *known);
                *known = colour;
                pointed++;
                free(words);
            }
        }
    }
    cr_expect_gt(pointed, 30u);
    expect_colours_tell_apart(colours);
    expect_peace(scene.browser, scene.page);
    close_scene(&scene);
}

static void expect_status(struct browser *browser, const struct page *page)
{
    char *words = browser_text(browser, "document.getElementById('arena-status').innerText");
    expect_words(page, words);
    free(words);
}

Test(html, keys_walk_over_the_map_and_addresses_are_found, .timeout = 600)
{
    struct scene scene = open_scene();
    struct page pages[6];
    char expression[256];
    cr_assert_eq(find_pages(scene.dumps[PHASES - 1], 0, pages, 6), 6u);
    json_decref(browser_evaluate(scene.browser, "document.getElementById('arena-canvas').focus()"));
    browser_press(scene.browser, "Home"); /* to begin with: the first page in view */
    expect_status(scene.browser, &pages[0]);
    browser_press(scene.browser, "n");
    expect_status(scene.browser, &pages[3]);
    browser_press(scene.browser, "ArrowLeft");
    expect_status(scene.browser, &pages[2]);
    browser_press(scene.browser, "+");
    expect_status(scene.browser, &pages[2]);

    snprintf(expression, sizeof expression,
             "document.getElementById('address').value = '0x%" PRIx64 "'; "
             "document.querySelector('.tools').requestSubmit()",
             pages[4].address + PAGE_BYTES - 1);
    json_decref(browser_evaluate(scene.browser, expression));
    expect_status(scene.browser, &pages[4]);
    json_decref(browser_evaluate(scene.browser, "document.getElementById('address').value = '0x10'; "
                                                "document.querySelector('.tools').requestSubmit()"));
    char *words = browser_text(scene.browser, "document.getElementById('arena-status').innerText");
    cr_expect_str_eq(words, "0x10 is in no arena of this heap");
    expect_peace(scene.browser, scene.page);
    free(words);
    close_scene(&scene);
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
    /* The event comes after the script that opens it. */
    char *stack =
        browser_text(scene.browser, "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => "
                                    "done(document.querySelector('#sites .stack').innerText))))");
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

/* ---- what others may put into a dump ---- */

#define HOSTILE "</script><script>window.hit = 1</script><img src=x onerror=\"window.hit = 1\"><!-- \xe2\x80\xa8"

static void write_page(const json_t *document, const char *directory, char paths[1][PATH_MAX], char *page)
{
    snprintf(paths[0], PATH_MAX, "%s/made.json", directory);
    must(json_dump_file(document, paths[0], JSON_COMPACT) == 0, "%s", paths[0]);
    sprintf(page, "%s/made.html", directory);
    free(report("--html", page, paths, 1));
}

Test(html, texts_of_a_dump_are_shown_and_do_nothing, .timeout = 600)
{
    struct scene scene = open_scene();
    char paths[1][PATH_MAX];
    json_t *document = scene.dumps[1];
    json_object_set_new(document, "label", json_string(HOSTILE));
    json_object_set_new(document, "phase", json_string(HOSTILE));
    json_object_set_new(json_object_get(document, "process"), "comm", json_string(HOSTILE));
    json_object_set_new(json_array_get(json_object_get(document, "maps"), 0), "name", json_string(HOSTILE));
    json_object_set_new(json_array_get(json_object_get(document, "maps"), 0), "class", json_string(HOSTILE));
    json_object_set_new(json_array_get(json_object_get(document, "findings"), 0), "text", json_string(HOSTILE));
    json_object_set_new(json_array_get(json_object_get(document, "findings"), 0), "id", json_string("constructor"));
    /* Keys that no dump has mean nothing, and an older dump may lack a class. */
    json_object_set_new((json_t *)dump_at(document, "rss/classes/libs"), "name", json_object());
    json_object_set_new((json_t *)dump_at(document, "go/sizeclass/64"), "slot", json_string(HOSTILE));
    json_object_del((json_t *)dump_at(document, "rss/classes"), "other");
    write_page(document, scene.watched->dir.path, paths, scene.page);
    browser_open(scene.browser, scene.page);
    char *program = browser_text(scene.browser, "document.getElementById('program').textContent");
    cr_expect_str_eq(program, HOSTILE);
    cr_expect_eq(browser_number(scene.browser, "document.images.length + document.scripts.length"), 2);
    cr_expect_eq(browser_number(scene.browser, "window.hit === undefined ? 0 : 1"), 0);
    char *rows = browser_text(scene.browser, "document.getElementById('classes').innerText + "
                                             "document.getElementById('sizeclasses').innerText");
    expect_in("libs", rows);
    expect_in("\n64 B", rows);
    expect_peace(scene.browser, scene.page);
    free(rows);
    free(program);
    close_scene(&scene);
}

/* Should a text ever become markup, the page's policy still keeps it from doing anything: each of these is refused by
 * it, and the browser says so to the page. */
Test(html, policy_lets_nothing_else_in, .timeout = 600)
{
    static const char *const ATTEMPTS[] = {
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"hit()\">')",
        "document.body.append(Object.assign(document.createElement('script'), { textContent: 'hit()' }))",
        "document.body.append(Object.assign(new Image(), { onload: hit, src: 'data:image/gif;base64,R0lGODlhAQABAA==' "
        "}))",
        "document.body.append(Object.assign(document.createElement('iframe'), { onload: hit, src: 'data:text/html,x' "
        "}))",
        "fetch('http://127.0.0.1:1/').catch(() => {})",
        "document.body.setAttribute('onclick', 'hit()')",
    };
    struct scene scene = open_scene();
    for (size_t i = 0; i < sizeof ATTEMPTS / sizeof ATTEMPTS[0]; i++) {
        char expression[512];
        browser_open(scene.browser, scene.page);
        snprintf(expression, sizeof expression,
                 "new Promise((done) => { window.hit = () => done('hit'); "
                 "document.addEventListener('securitypolicyviolation', () => done('refused')); "
                 "try { %s; } catch { } })",
                 ATTEMPTS[i]);
        char *outcome = browser_text(scene.browser, expression);
        cr_expect_str_eq(outcome, "refused", "%s: %s", ATTEMPTS[i], outcome);
        free(outcome);
    }
    close_scene(&scene);
}

/* ---- a large heap ---- */

enum { LARGE_ARENAS = 256 };

/* 16 GiB of arenas, each with a run of its own length at its front and then every page another. */
static void make_large(json_t *document)
{
    json_t *arenas = json_array();
    for (unsigned i = 0; i < LARGE_ARENAS; i++) {
        struct text pages = {0};
        char front[16], start[32];
        snprintf(front, sizeof front, "R%u", i + 2);
        text_append(&pages, front, strlen(front));
        for (unsigned page = i + 2; page < ARENA_PAGES; page++)
            text_append(&pages, &"oFUs"[page % 4], 1);
        snprintf(start, sizeof start, "0x%" PRIx64, 0xc000000000 + i * ARENA_BYTES);
        json_array_append_new(arenas, json_pack("{s:s,s:I,s:i,s:s}", "start", start, "bytes", (json_int_t)ARENA_BYTES,
                                                "resident", 8192, "pages", text_string(&pages)));
        text_free(&pages);
    }
    json_object_set_new(json_object_get(document, "go"), "arenas", arenas);
}

Test(html, sixteen_gibibytes_can_be_looked_at, .timeout = 600)
{
    struct scene scene = open_scene();
    char paths[1][PATH_MAX];
    struct page pages[6];
    struct stat status;
    make_large(scene.dumps[1]);
    write_page(scene.dumps[1], scene.watched->dir.path, paths, scene.page);
    cr_assert_eq(stat(scene.page, &status), 0);
    cr_expect_lt(status.st_size, 5000000);
    browser_open(scene.browser, scene.page);
    show_map(scene.browser, "0");
    for (unsigned arena = 0; arena < LARGE_ARENAS; arena += 51) {
        cr_assert_eq(find_pages(scene.dumps[1], arena, pages, 6), 6u);
        point_at(scene.browser, &pages[0]);
        char *words = browser_text(scene.browser, "document.getElementById('arena-tip').innerText");
        expect_words(&pages[0], words);
        free(words);
    }
    expect_peace(scene.browser, scene.page);
    close_scene(&scene);
}
