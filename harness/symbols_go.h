/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's own answer to "which function and line is this?": .gopclntab of a file, as the runtime reads it for tracebacks
 * (runtime/symtab.go, symtabinl.go). Every Go binary has it, stripped or not, of go1.16 to 1.27.
 *
 * All addresses are those of the image that is read. What the table says is hostile: each offset is held against the
 * table's end, each loop has a limit.
 */
#ifndef GPW_HARNESS_SYMBOLS_GO_H
#define GPW_HARNESS_SYMBOLS_GO_H

#include <stdbool.h>
#include <stdint.h>

#include "goruntime/elf_image.h"
#include "goruntime/pclntab.h"

enum { GO_NAME_BYTES_MAX = 4096 };

/* Texts lie in the table and live as long. */
struct go_frame {
    const char *function; /* as it stands in the table: see go_name_for_print */
    const char *file;     /* NULL: not known, and `line` is 0 */
    uint64_t line;
    bool is_inlined; /* into the frame that follows */
    bool is_wrapper; /* made by the compiler */
};

/* Offsets are into `bytes`, the whole of .gopclntab. */
struct go_table {
    enum pclntab_format format;
    unsigned minor; /* N of go1.N; 0: not known */
    uint8_t quantum;
    uint8_t *bytes;
    uint64_t bytes_count;
    uint64_t names, units, files, values, functions;
    uint64_t functions_count;
    uint64_t text;         /* what entries are relative to; 0 in the 1.16 format */
    uint64_t inline_trees; /* go.func.*: what FUNCDATA is relative to; 0: not found, there are no inlined frames */
    struct reader *reader;
};

/* Reads the table of an image that has one. `scratch`: RUNTIME_FIND_SCRATCH_BYTES, aligned to 16. False: it has none,
 * or there is no memory. For go_table_close; the image's reader must outlive it. */
bool go_table_open(struct go_table *table, const struct elf_image *image, uint8_t *scratch);
void go_table_close(struct go_table *table);

/* The functions that `address` is in, innermost first; wrappers only where there is nothing else, as Go prints it.
 * `address` is that of an instruction: of a return address, one less. 0: it is in no Go function. */
uint32_t go_table_resolve(const struct go_table *table, uint64_t address, struct go_frame *frames, uint32_t frames_max);

/* Generic functions are named by the shape that they were compiled for; Go prints "[...]" in its place
 * (traceback.go:funcNameForPrint). `buffer` gets at most GO_NAME_BYTES_MAX with the zero. */
void go_name_for_print(const struct go_table *table, const char *name, char *buffer);

#endif
