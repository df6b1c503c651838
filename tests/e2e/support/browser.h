/* SPDX-License-Identifier: Apache-2.0
 *
 * Chromium without a window, to look at a page as a person's browser would: what the page says, what it complains of,
 * what it asks for from outside. Spoken to by the DevTools protocol over two pipes, so there is no port and no driver.
 *
 * Every function fails the test when what it promises does not come to pass.
 */
#ifndef SUPPORT_BROWSER_H
#define SUPPORT_BROWSER_H

#include <jansson.h>
#include <stdbool.h>

struct browser;

/* With an empty profile of its own, which is removed at the end. */
struct browser *browser_start(void);
/* Not needed at the end of a test. */
void browser_end(struct browser *browser);

/* The window that the page believes to have. */
void browser_set_window(struct browser *browser, unsigned width, unsigned height, bool is_dark);

/* Opens a file and waits until it is loaded. What was noted of the page before is forgotten. */
void browser_open(struct browser *browser, const char *path);

/* The value of a JavaScript expression (a promise is awaited), for json_decref. An exception fails the test. */
json_t *browser_evaluate(struct browser *browser, const char *expression);
/* The same of one that is a text, to be freed. */
char *browser_text(struct browser *browser, const char *expression);
/* The same of one that is a number. */
double browser_number(struct browser *browser, const char *expression);

void browser_move_pointer(struct browser *browser, double x, double y);
/* A key by its name ("ArrowDown", "n"), to where the focus is. */
void browser_press(struct browser *browser, const char *key);

/* Of the whole page, as PNG. */
void browser_screenshot(struct browser *browser, const char *path);

/* What the page wrote on its console, its exceptions, and what the browser itself logged about it, a line each. */
const char *browser_complaints(struct browser *browser);
/* The addresses of all that was asked for, the page itself too, a line each. */
const char *browser_requests(struct browser *browser);

#endif
