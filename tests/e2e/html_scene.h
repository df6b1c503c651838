/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that was watched, the page of its dumps, and a browser that shows it.
 */
#ifndef GPW_TESTS_E2E_HTML_SCENE_H
#define GPW_TESTS_E2E_HTML_SCENE_H

#include <jansson.h>
#include <limits.h>

#include "tests/e2e/support/browser.h"
#include "tests/e2e/support/watched.h"

enum { PHASES = 3 };

/* mapdemo in its three phases, and the page of all three dumps. */
struct scene {
    struct watched *watched;
    char paths[PHASES][PATH_MAX];
    json_t *dumps[PHASES];
    char page[PATH_MAX + 16];
    struct browser *browser;
};

struct scene open_scene(void);
void close_scene(struct scene *scene);

/* Runs the command; what it writes on standard output, to be freed. */
char *report(const char *option, const char *value, char paths[][PATH_MAX], unsigned count);

/* Writes the page of one document; `paths` is filled with the name of its dump. */
void write_page(const json_t *document, const char *directory, char paths[1][PATH_MAX], char *page);

/* Nothing but the page was asked for, and nobody complained. */
void expect_peace(struct browser *browser, const char *page);

void expect_in(const char *part, const char *whole);

/* Where a picture is kept; until the next call. */
const char *artefact_path(const char *name);

#endif
