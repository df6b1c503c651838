/* SPDX-License-Identifier: Apache-2.0
 *
 * The plainest buffer that does: doubled when full.
 */
#include "tests/e2e/support/text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/fail.h"

enum { FIRST_CAPACITY = 4096, READ_BYTES = 65536 };

void text_append(struct text *text, const char *bytes, size_t length)
{
    if (text->length + length + 1 > text->capacity) {
        size_t capacity = text->capacity == 0 ? FIRST_CAPACITY : text->capacity;
        while (capacity < text->length + length + 1)
            capacity *= 2;
        char *grown = realloc(text->bytes, capacity);
        must(grown != NULL, "text of %zu bytes", capacity);
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){NULL, 0, 0};
}

const char *text_string(const struct text *text)
{
    return text->bytes == NULL ? "" : text->bytes;
}

struct text text_of_file(const char *path)
{
    static char piece[READ_BYTES];
    struct text text = {NULL, 0, 0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0, "%s", path);
    ssize_t got;
    while ((got = read(file, piece, sizeof piece)) > 0)
        text_append(&text, piece, (size_t)got);
    must(got == 0, "%s", path);
    close(file);
    return text;
}

bool text_word_number(const char *line, const char *key, uint64_t *number)
{
    size_t length = strlen(key);
    for (const char *found = strstr(line, key); found != NULL; found = strstr(found + 1, key)) {
        if ((found != line && found[-1] != ' ') || found[length] != '=')
            continue;
        char *end;
        *number = strtoull(found + length + 1, &end, 0);
        return end != found + length + 1 && (*end == '\0' || *end == ' ' || *end == '\n');
    }
    return false;
}

uint64_t text_number(const char *line, const char *key)
{
    uint64_t number = 0;
    if (!text_word_number(line, key, &number))
        fail("no number '%s' in: %s", key, line);
    return number;
}
