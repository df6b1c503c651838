/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting the scene, and what is expected of each.
 */
#include "tests/e2e/html_scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"

char *report(const char *option, const char *value, char paths[][PATH_MAX], unsigned count)
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

struct scene open_scene(void)
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

void close_scene(struct scene *scene)
{
    for (int i = 0; i < PHASES; i++)
        json_decref(scene->dumps[i]);
    browser_end(scene->browser);
    watched_end(scene->watched);
}

void write_page(const json_t *document, const char *directory, char paths[1][PATH_MAX], char *page)
{
    snprintf(paths[0], PATH_MAX, "%s/made.json", directory);
    must(json_dump_file(document, paths[0], JSON_COMPACT) == 0, "%s", paths[0]);
    sprintf(page, "%s/made.html", directory);
    free(report("--html", page, paths, 1));
}

void expect_peace(struct browser *browser, const char *page)
{
    char request[PATH_MAX + 32];
    snprintf(request, sizeof request, "file://%s\n", page);
    cr_expect_str_eq(browser_requests(browser), request);
    cr_expect_str_empty(browser_complaints(browser), "%s", browser_complaints(browser));
}

void expect_in(const char *part, const char *whole)
{
    cr_expect(strstr(whole, part) != NULL, "\"%s\" is not in: %s", part, whole);
}

const char *artefact_path(const char *name)
{
    static char path[PATH_MAX];
    const char *command = built_path("gopagewatch");
    int length = (int)(strrchr(command, '/') - command);
    snprintf(path, sizeof path, "%.*s/html", length, command);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%.*s/html/%s", length, command, name);
    return path;
}
