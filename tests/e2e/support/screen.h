/* SPDX-License-Identifier: Apache-2.0
 *
 * A terminal for a program under test: a pseudo-terminal, and as much of a VT100 behind it as curses programs use, so
 * that a test reads what a person would see.
 *
 * Attributes and colours are passed over. Every function fails the test when what it promises does not come to pass.
 */
#ifndef SUPPORT_SCREEN_H
#define SUPPORT_SCREEN_H

#include <stdbool.h>

#include "tests/e2e/support/program.h"

struct screen;

/* Starts the program with this terminal as all three of its streams; its pipes stay silent. */
struct screen *screen_start(const struct program_setup *setup, unsigned columns, unsigned rows);
struct program *screen_program(const struct screen *screen);

/* What is on the screen now: a line for each row, without blanks at the ends. Valid until the next call. */
const char *screen_text(struct screen *screen);
/* Waits until the text is on the screen. Returns what is on it. */
const char *screen_await(struct screen *screen, const char *text);
/* Waits until the program has written something more. */
void screen_await_output(struct screen *screen);

void screen_press(struct screen *screen, const char *keys);
void screen_resize(struct screen *screen, unsigned columns, unsigned rows);
/* Whether the terminal is as a shell wants it: echoing, line by line. */
bool screen_is_put_right(const struct screen *screen);

void screen_free(struct screen *screen); /* and its program */

#endif
