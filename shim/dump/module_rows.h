/* SPDX-License-Identifier: Apache-2.0
 *
 * Which files' code is where in a process: what it takes to give addresses names later, elsewhere.
 *
 * A row for each file that is mapped with code in it, by its ELF headers and notes as they lie in memory; its symbols
 * are not looked at. The headers are the program's and may say anything: a row is clipped to what is mapped.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_MODULE_ROWS_H
#define GPW_DUMP_MODULE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/elf_image.h"
#include "memory/bump.h"
#include "memory/reader.h"
#include "memory/vma.h"

enum { MODULE_ROWS_MAX = 4096 };

struct module_row {
    const char *path; /* the mapping's name: a path, or "[vdso]" */
    uintptr_t start, end;
    uintptr_t bias;          /* address - bias is the address in the file */
    const uint8_t *build_id; /* of the GNU note, or where there is none, of Go's */
    uint32_t build_id_bytes; /* 0: it has neither */
};

struct module_rows {
    struct module_row *rows; /* by address; they do not overlap */
    uint64_t count;
    uint64_t dropped; /* for want of room */
};

/* The rows of all modules of `vmas`, in memory of `bump`. False: that is used up; `rows` has what fitted. */
bool module_rows_find(struct module_rows *rows, const struct vma_list *vmas, struct reader *reader, struct bump *bump);

#endif
