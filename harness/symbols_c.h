/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for addresses of code that is not Go's: by DWARF where there is debug information (lines, inlined calls), else
 * by ELF symbols. libdw reads both; its way of asking servers on the network (debuginfod) is not taken.
 *
 * All addresses are those in the file.
 */
#ifndef GPW_HARNESS_SYMBOLS_C_H
#define GPW_HARNESS_SYMBOLS_C_H

#include <stdbool.h>
#include <stdint.h>

/* Texts live as long as the c_symbols. */
struct c_frame {
    const char *function;  /* of C++ and Rust as the linker knows it; NULL: not known */
    const char *directory; /* what `file` is relative to; NULL: it is absolute */
    const char *file;      /* NULL: not known, and `line` is 0 */
    uint64_t line;
    bool is_inlined; /* into the frame that follows */
};

struct c_symbols;

/* `fd` is of the module's file, `debug_fd` of its debug information (-1: there is none apart); both stay the caller's.
 * NULL: there is no memory, or libdw cannot read it. */
struct c_symbols *c_symbols_open(const char *path, int fd, const char *debug_path, int debug_fd);
void c_symbols_close(struct c_symbols *symbols); /* NULL is fine */

/* The functions that `address` is in, innermost first. 0: not known. */
uint32_t c_symbols_resolve(struct c_symbols *symbols, uint64_t address, struct c_frame *frames, uint32_t frames_max);

#endif
