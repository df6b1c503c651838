/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking through the mappings for code and reading the headers in front of it.
 */
#include "dump/module_rows.h"

#include <string.h>

#include "memory/units.h"

/* The mapping that holds the ELF header of the code in `vma`, or NULL. */
static const struct vma *front_of_code(const struct vma_list *vmas, const struct vma *vma)
{
    if (!vma->is_executable)
        return NULL;
    if (vma_is_file(vma))
        return vma_front_of_file(vmas, vma);
    return strcmp(vma->name, "[vdso]") == 0 ? vma : NULL;
}

static bool copy_build_id(struct module_row *row, const struct elf_image *image, struct bump *bump)
{
    bool has_gnu = image->build_id_bytes != 0;
    uint32_t bytes = has_gnu ? image->build_id_bytes : image->go_build_id_bytes;
    if (bytes == 0)
        return true;
    uint8_t *copy = bump_take(bump, bytes);
    if (copy == NULL)
        return false;
    memcpy(copy, has_gnu ? image->build_id : image->go_build_id, bytes);
    row->build_id = copy;
    row->build_id_bytes = bytes;
    return true;
}

/* False: there is no memory. A file that was mapped by hand is no module: its code is not where its headers say. */
static bool add_row(struct module_rows *rows, const struct vma *front, const struct vma *code, struct reader *reader,
                    struct bump *bump)
{
    struct elf_image image;
    if (!elf_image_read(&image, reader, front->start) || !elf_image_holds(&image, code->start))
        return true;
    if (rows->count == MODULE_ROWS_MAX) {
        rows->dropped++;
        return true;
    }
    struct module_row *row = &rows->rows[rows->count];
    *row = (struct module_row){
        .path = front->name,
        .start = front->start,
        .end = image.end,
        .bias = image.bias,
    };
    if (!copy_build_id(row, &image, bump))
        return false;
    rows->count++;
    return true;
}

/* Nothing overlaps: headers that claim more than is theirs get what is before the next module, and no module reaches
 * beyond the last mapping. */
static void clip(struct module_rows *rows, const struct vma_list *vmas)
{
    uintptr_t end = vmas->count == 0 ? 0 : vmas->vmas[vmas->count - 1].end;
    for (uint64_t i = rows->count; i > 0; i--) {
        struct module_row *row = &rows->rows[i - 1];
        row->end = min_u64(row->end, end);
        end = row->start;
    }
}

bool module_rows_find(struct module_rows *rows, const struct vma_list *vmas, struct reader *reader, struct bump *bump)
{
    *rows = (struct module_rows){.rows = bump_take(bump, MODULE_ROWS_MAX * sizeof *rows->rows)};
    if (rows->rows == NULL)
        return false;
    const struct vma *last = NULL; /* modules lie one behind the other */
    bool has_room = true;
    for (uint64_t i = 0; has_room && i < vmas->count; i++) {
        const struct vma *front = front_of_code(vmas, &vmas->vmas[i]);
        if (front == NULL || (last != NULL && front <= last))
            continue;
        last = front;
        has_room = add_row(rows, front, &vmas->vmas[i], reader, bump);
    }
    clip(rows, vmas);
    return has_room;
}
