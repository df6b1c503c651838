/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing and reading back.
 */
#include "tests/unit/support/json_file.h"

#include <criterion/criterion.h>
#include <stdlib.h>

void json_file_open(struct json_file *file)
{
    file->file = memory_file_make("", 0);
    json_open(&file->json, file->file.fd, file->buffer);
}

struct json_t *json_file_parse(struct json_file *file)
{
    cr_assert_eq(json_finish(&file->json), 0);
    char *text = memory_file_content(&file->file);
    struct json_t *parsed = parsed_text(text);
    free(text);
    return parsed;
}

void json_file_close(struct json_file *file)
{
    memory_file_close(&file->file);
}
