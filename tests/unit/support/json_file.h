/* SPDX-License-Identifier: Apache-2.0
 *
 * The shim's JSON writer into a file in memory, read back by another parser.
 */
#ifndef GPW_TESTS_JSON_FILE_H
#define GPW_TESTS_JSON_FILE_H

#include "dump/json.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/parsed.h"

struct json_file {
    struct memory_file file;
    struct json json;
    char buffer[JSON_BUFFER_BYTES];
};

/* Writes go to `file->json`. */
void json_file_open(struct json_file *file);
/* Finishes and parses. The caller frees it. */
struct json_t *json_file_parse(struct json_file *file);
void json_file_close(struct json_file *file);

#endif
