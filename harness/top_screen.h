/* SPDX-License-Identifier: Apache-2.0
 *
 * The terminal of top. The only file that knows ncurses.
 */
#ifndef GPW_HARNESS_TOP_SCREEN_H
#define GPW_HARNESS_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/error.h"
#include "harness/top_picture.h"

/* There is one terminal. False: standard input or output is none, or its kind is not known. */
bool top_screen_open(struct error *error);
void top_screen_close(void);

void top_screen_size(uint32_t *columns, uint32_t *rows);
void top_screen_draw(const struct top_picture *picture);

/* The next key that was pressed, lower case; 0: none. False: the terminal is gone. */
bool top_screen_take_key(int *key);

#endif
