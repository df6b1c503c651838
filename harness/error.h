/* SPDX-License-Identifier: Apache-2.0
 *
 * Why something could not be done, as one sentence for a person: "what is wrong; what to do about it".
 *
 * The libraries of the command fill it and return false; only the edge (command.h) prints it and knows on which thing.
 */
#ifndef GPW_HARNESS_ERROR_H
#define GPW_HARNESS_ERROR_H

#include <stdbool.h>

enum { ERROR_TEXT_BYTES = 512 };

struct error {
    char text[ERROR_TEXT_BYTES];
};

/* Fills `error` and returns false, so that a function can end with it. The sentence is cut at its size and holds no
 * control characters, whatever the arguments hold. */
__attribute__((format(printf, 2, 3))) bool error_set(struct error *error, const char *format, ...);

#endif
