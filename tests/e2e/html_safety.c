/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `report --html` and what others may put into a dump: it is shown, and does nothing.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/html_scene.h"
#include "tests/e2e/support/dump.h"

#define HOSTILE "</script><script>window.hit = 1</script><img src=x onerror=\"window.hit = 1\"><!-- \xe2\x80\xa8"

Test(html_safety, texts_of_a_dump_are_shown_and_do_nothing, .timeout = 600)
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
Test(html_safety, policy_lets_nothing_else_in, .timeout = 600)
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
