/* SPDX-License-Identifier: Apache-2.0
 *
 * The map of the page of `report --html`: pointer and keys tell of the page of memory that they are on, in a large heap
 * too.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/html_scene.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/text.h"

enum { ARENA_PAGES = 8192, PAGE_BYTES = 8192 };
#define ARENA_BYTES ((uint64_t)ARENA_PAGES * PAGE_BYTES)

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

Test(html_map, pointer_on_the_map_tells_of_the_page_below_it, .timeout = 600)
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

Test(html_map, keys_walk_over_the_map_and_addresses_are_found, .timeout = 600)
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

Test(html_map, sixteen_gibibytes_can_be_looked_at, .timeout = 600)
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
