/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/maps.
 */
#include "memory/vma.h"

#include <errno.h>
#include <string.h>

#include "memory/units.h"

/* Four times vm.max_map_count's default. */
enum { VMA_LIMIT = 1 << 18, MAPS_BUFFER_BYTES = 32 * 1024 };

/* A loaded module has a handful; a program may have cut its own into more by mprotect. */
enum { MODULE_VMAS_MAX = 256 };

static bool take_permissions(struct text *line, struct vma *vma)
{
    if (line->end - line->at < 4)
        return false;
    const char *letters = line->at;
    vma->is_readable = letters[0] == 'r';
    vma->is_writable = letters[1] == 'w';
    vma->is_executable = letters[2] == 'x';
    vma->is_shared = letters[3] == 's';
    line->at += 4;
    return true;
}

bool vma_parse_line(struct text line, struct vma *vma, uint64_t *name_bytes)
{
    uint64_t start, end, major, minor;
    *vma = (struct vma){0};
    if (!text_take_hex(&line, &start) || !text_take_char(&line, '-') || !text_take_hex(&line, &end) || start >= end)
        return false;
    text_skip_spaces(&line);
    if (!take_permissions(&line, vma))
        return false;
    text_skip_spaces(&line);
    if (!text_take_hex(&line, &vma->file_offset_bytes))
        return false;
    text_skip_spaces(&line);
    if (!text_take_hex(&line, &major) || !text_take_char(&line, ':') || !text_take_hex(&line, &minor))
        return false;
    text_skip_spaces(&line);
    if (!text_take_decimal(&line, &vma->inode))
        return false;
    text_skip_spaces(&line);

    vma->start = start;
    vma->end = end;
    vma->device_major = (uint32_t)major;
    vma->device_minor = (uint32_t)minor;
    vma->name = line.at;
    *name_bytes = (uint64_t)(line.end - line.at);
    return true;
}

/* A module has several mappings one after the other: one copy of its name serves them all. */
static const char *keep_name(struct vma_list *list, struct bump *names, const char *name, uint64_t bytes)
{
    if (bytes == 0)
        return "";
    if (list->count > 0) {
        const char *before = list->vmas[list->count - 1].name;
        if (strlen(before) == bytes && memcmp(before, name, bytes) == 0)
            return before;
    }
    return bump_string(names, name, bytes);
}

int vma_list_read(struct vma_list *list, const char *path, struct bump *bump)
{
    *list = (struct vma_list){0};
    char *buffer = bump_take(bump, MAPS_BUFFER_BYTES);
    if (buffer == NULL)
        return -ENOMEM;

    struct bump_room room;
    uint64_t left_bytes = bump->reserved_bytes - bump->used_bytes;
    if (!bump_take_room(bump, &room, min_u64(VMA_LIMIT * sizeof list->vmas[0], left_bytes / 2)))
        return -ENOMEM;
    list->vmas = (struct vma *)room.start;

    struct line_reader lines;
    struct text line;
    int error = line_reader_open(&lines, path, buffer, MAPS_BUFFER_BYTES);
    if (error != 0)
        return error;
    while (line_reader_next(&lines, &line)) {
        struct vma vma;
        uint64_t name_bytes;
        if (list->count == VMA_LIMIT || !vma_parse_line(line, &vma, &name_bytes)) {
            list->unparsed_lines++;
            continue;
        }
        if (!bump_room_open(&room, (list->count + 1) * sizeof vma)) {
            lines.error = -ENOMEM;
            break;
        }
        vma.name = keep_name(list, bump, vma.name, name_bytes);
        list->vmas[list->count++] = vma;
    }
    line_reader_close(&lines);
    return lines.error;
}

const struct vma *vma_front_of_file(const struct vma_list *list, const struct vma *of)
{
    for (const struct vma *vma = of; vma >= list->vmas && of - vma < MODULE_VMAS_MAX; vma--) {
        if (vma_is_same_file(vma, of) && vma->file_offset_bytes == 0)
            return vma;
    }
    return NULL;
}

bool vma_list_is_private_anonymous(const struct vma_list *list, uintptr_t start, uintptr_t end)
{
    for (uint64_t i = 0; i < list->count && start < end && list->vmas[i].start <= start; i++) {
        const struct vma *vma = &list->vmas[i];
        if (vma->end <= start)
            continue;
        if (!vma_is_private_anonymous(vma))
            return false;
        start = vma->end;
    }
    return start >= end;
}
