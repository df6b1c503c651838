/* SPDX-License-Identifier: Apache-2.0
 *
 * The circumstances under which a dump was taken, one by one: kernel, Go version, GOGC, huge pages, limits. Numbers of
 * dumps that were taken under others are not to be compared without a word.
 */
#ifndef GPW_HARNESS_FINGERPRINT_H
#define GPW_HARNESS_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/fields.h"

struct fingerprint {
    struct field field; /* its key in a dump's `environment`, and where in struct dump_environment it is */
    const char *label;
    const char *absent; /* what it means that there is no value: "not set", "none" */
    bool is_bytes;      /* a number of them */
    bool is_of_program; /* another build is another program, not another environment */
};

uint32_t fingerprint_count(void);
const struct fingerprint *fingerprint_at(uint32_t index);

/* Reads them all from a dump's `environment`. False after filling the error of `context`. */
bool fingerprint_read(const struct fields_context *context, const json_t *object, struct dump_environment *environment);
/* Such an object, or NULL: no memory. For json_decref. */
json_t *fingerprint_write(const struct dump_environment *environment);

/* What one of them does not know differs from what the other one knows. */
bool fingerprint_is_same(const struct fingerprint *fingerprint, const struct dump_environment *a,
                         const struct dump_environment *b);

/* For people; long ones are cut. */
struct fingerprint_value {
    char text[256];
};
struct fingerprint_value fingerprint_value(const struct fingerprint *fingerprint,
                                           const struct dump_environment *environment);

#endif
