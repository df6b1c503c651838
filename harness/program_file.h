/* SPDX-License-Identifier: Apache-2.0
 *
 * A program's file as it would lie in memory when it is run, without running it: segments at their addresses, zeros
 * behind them and in what is left of their pages, relative relocations done. What finds things in a process finds them
 * in it too.
 */
#ifndef GPW_HARNESS_PROGRAM_FILE_H
#define GPW_HARNESS_PROGRAM_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "harness/error.h"
#include "memory/bump.h"
#include "memory/reader.h"

enum { PROGRAM_SEGMENTS_MAX = 64, PROGRAM_LOADER_BYTES = 256 };

struct program_relocation {
    uint64_t address, value;
};

struct program_file {
    struct reader reader; /* first: the reader is cast back */
    int fd;
    struct stat status;
    bool is_elf;    /* false: nothing below is known but the front */
    char front[64]; /* the file's first bytes, zero behind its end */
    Elf64_Ehdr header;
    bool is_64_bit; /* and little-endian; false: no segments were read */
    Elf64_Phdr segments[PROGRAM_SEGMENTS_MAX];
    uint32_t segments_count;
    char loader[PROGRAM_LOADER_BYTES]; /* PT_INTERP; "": started without one, or a library */
    bool has_symbols;                  /* .symtab */
    uint64_t bias;
    uintptr_t base; /* where its ELF header lies */
    struct program_relocation *relocations;
    uint64_t relocations_count;
};

/* Opens the regular file at `path`. False: `error`. What is no ELF file opens well. */
bool program_file_open(struct program_file *file, const char *path, struct bump *bump, struct error *error);
void program_file_close(struct program_file *file);

#endif
