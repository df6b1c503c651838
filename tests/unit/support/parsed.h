/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON read by jansson, a parser that is not ours. jansson's header cannot stand beside dump/json.h (both have a
 * json_string and a json_null), so that tests of the writer read through this one.
 *
 * A place is written with dots: "rss.classes.libs", "events.rows.0.3"; a key that has dots itself between the two
 * quotes that C needs: "rss.classes.'go.heap'.resident". A place that is not there ends the test.
 */
#ifndef GPW_TESTS_PARSED_H
#define GPW_TESTS_PARSED_H

#include <stdbool.h>
#include <stdint.h>

struct json_t;

/* Parses strictly (no key twice, nothing behind the document); what does not parse ends the test with the reason. The
 * caller frees it. */
struct json_t *parsed_text(const char *text);
struct json_t *parsed_descriptor(int fd);
void parsed_free(struct json_t *value);

const struct json_t *parsed_at(const struct json_t *value, const char *place);
bool parsed_has(const struct json_t *value, const char *place);
int64_t parsed_integer(const struct json_t *value, const char *place);
const char *parsed_string(const struct json_t *value, const char *place);
bool parsed_is_null(const struct json_t *value, const char *place);
/* Of an array or an object. */
uint64_t parsed_size(const struct json_t *value, const char *place);
/* "0x..." as a number. */
uintptr_t parsed_address(const struct json_t *value, const char *place);

/* Takes the value away, or puts `json` there instead; writes the document to the file at `path`. */
void parsed_remove(struct json_t *value, const char *place);
void parsed_replace(struct json_t *value, const char *place, const char *json);
void parsed_write(const struct json_t *value, const char *path);

#endif
