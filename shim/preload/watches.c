/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what is to be watched.
 */
#include "preload/watches.h"

#include <stddef.h>
#include <string.h>

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The part in front; the rest of the value, or NULL. */
static const char *read_build_id(const char *value, uint8_t build_id[WATCHES_BUILD_ID_BYTES], uint32_t *bytes)
{
    *bytes = 0;
    if (*value != '@')
        return value;
    for (value++; *value != ':'; value += 2) {
        int high = hex_digit(value[0]), low = high < 0 ? -1 : hex_digit(value[1]);
        if (low < 0 || *bytes == WATCHES_BUILD_ID_BYTES)
            return NULL;
        build_id[(*bytes)++] = (uint8_t)(high << 4 | low);
    }
    return *bytes == 0 ? NULL : value + 1;
}

/* All paths of `text`, each into the next of `paths`, or all into the first. Their number; 0: it is none. */
static uint32_t read_paths(const char *text, struct map_path *paths, bool keeps_all)
{
    uint32_t count = 0;
    while (count < MAP_PATHS_MAX && map_path_parse(&paths[keeps_all ? count : 0], text, &text)) {
        count++;
        if (*text == '\0')
            return count;
    }
    return 0;
}

bool watches_read(struct watches *watches, const char *value)
{
    const char *text = read_build_id(value, watches->build_id, &watches->build_id_bytes);
    watches->count = text == NULL ? 0 : read_paths(text, watches->paths, true);
    return watches->count > 0;
}

bool watches_check(const char *value)
{
    struct map_path path;
    uint8_t build_id[WATCHES_BUILD_ID_BYTES];
    uint32_t bytes;
    const char *text = read_build_id(value, build_id, &bytes);
    return text != NULL && read_paths(text, &path, false) > 0;
}

static bool is_same(const struct watches *watches, const uint8_t *build_id, uint32_t bytes)
{
    return bytes == watches->build_id_bytes && memcmp(build_id, watches->build_id, bytes) == 0;
}

bool watches_are_of(const struct watches *watches, const struct elf_image *image)
{
    return watches->build_id_bytes == 0 || is_same(watches, image->build_id, image->build_id_bytes) ||
           is_same(watches, image->go_build_id, image->go_build_id_bytes);
}
