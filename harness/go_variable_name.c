/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing names.
 */
#include "harness/go_variable_name.h"

#include <string.h>

enum { FIRST_PRINTABLE = 0x20, DELETE = 0x7f };

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void go_name_plain(char plain[GO_NAME_BYTES], const char *name)
{
    uint64_t length = 0;
    for (; *name != '\0' && length < GO_NAME_BYTES - 1; length++, name++) {
        char byte = *name;
        if (byte == '%' && hex_value(name[1]) >= 0 && hex_value(name[2]) >= 0) {
            byte = (char)(uint8_t)(hex_value(name[1]) << 4 | hex_value(name[2]));
            name += 2;
        }
        bool is_control = (uint8_t)byte < FIRST_PRINTABLE || byte == DELETE;
        if (is_control)
            byte = '?';
        plain[length] = byte;
    }
    plain[length] = '\0';
}

uint64_t go_name_begins(const char *text, const char *path, const char *followers, bool *is_whole)
{
    for (const char *end = path; end != NULL;) {
        uint64_t length = strlen(end);
        if (length > 0 && strncmp(text, end, length) == 0 &&
            (text[length] == '\0' || strchr(followers, text[length]) != NULL)) {
            *is_whole = end == path;
            return length;
        }
        const char *slash = strchr(end, '/');
        end = slash == NULL ? NULL : slash + 1;
    }
    return 0;
}

/* ---- types ---- */

void go_name_type(char canonical[GO_NAME_BYTES], const char *type_name)
{
    static const char INTERFACE[] = "interface{}", ANY[] = "any";
    uint64_t length = 0;
    char plain[GO_NAME_BYTES];
    go_name_plain(plain, type_name);
    for (const char *at = plain; *at != '\0'; at++) {
        if (*at != ' ')
            canonical[length++] = *at;
        if (length >= sizeof INTERFACE - 1 &&
            memcmp(canonical + length - (sizeof INTERFACE - 1), INTERFACE, sizeof INTERFACE - 1) == 0) {
            length -= sizeof INTERFACE - 1;
            memcpy(canonical + length, ANY, sizeof ANY - 1);
            length += sizeof ANY - 1;
        }
    }
    canonical[length] = '\0';
}

void go_name_type_short(char shortened[GO_NAME_BYTES], const char *canonical)
{
    uint64_t length = 0, word = 0; /* where the word begins that a slash ends */
    for (; *canonical != '\0' && length < GO_NAME_BYTES - 1; canonical++) {
        if (*canonical == '/') {
            length = word;
            continue;
        }
        shortened[length++] = *canonical;
        if (strchr("[]*(){},;", *canonical) != NULL)
            word = length;
    }
    shortened[length] = '\0';
}

const char *go_name_article(const char *name)
{
    return name[0] != '\0' && strchr("aeiou", name[0]) != NULL ? "an" : "a";
}

/* ---- the nearest ---- */

enum { COMPARED_BYTES = 96, NEAR = 3, BYTES_FOR_ONE = 3 };

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How many bytes must be put in, taken out, changed, or swapped with the next one. */
static uint64_t distance_of(const char *left, uint64_t left_bytes, const char *right, uint64_t right_bytes)
{
    uint64_t rows[3][COMPARED_BYTES + 1];
    for (uint64_t k = 0; k <= right_bytes; k++)
        rows[0][k] = k;
    for (uint64_t i = 1; i <= left_bytes; i++) {
        uint64_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (uint64_t k = 1; k <= right_bytes; k++) {
            row[k] = smaller(smaller(row[k - 1], above[k]) + 1, above[k - 1] + (left[i - 1] != right[k - 1]));
            if (i > 1 && k > 1 && left[i - 1] == right[k - 2] && left[i - 2] == right[k - 1])
                row[k] = smaller(row[k], above_that[k - 2] + 1);
        }
    }
    return rows[left_bytes % 3][right_bytes];
}

void go_name_offer(struct go_name_nearest *nearest, const char *name)
{
    uint64_t wrong_bytes = strlen(nearest->wrong), name_bytes = strlen(name);
    if (wrong_bytes > COMPARED_BYTES || name_bytes > COMPARED_BYTES)
        return;
    uint64_t distance = distance_of(nearest->wrong, wrong_bytes, name, name_bytes);
    if (distance > NEAR || distance * BYTES_FOR_ONE > wrong_bytes ||
        (nearest->name[0] != '\0' && distance >= nearest->distance))
        return;
    go_name_plain(nearest->name, name);
    nearest->distance = distance;
}
