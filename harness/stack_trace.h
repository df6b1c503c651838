/* SPDX-License-Identifier: Apache-2.0
 *
 * The stack of an allocation, or of a memory call, as Go's own heap profile shows it: with names, with the calls that
 * were inlined, and without the allocator's frames at its inner end (runtime/pprof/protomem.go hides them).
 */
#ifndef GPW_HARNESS_STACK_TRACE_H
#define GPW_HARNESS_STACK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/symbols.h"

enum { TRACE_PLACES_MAX = 512, TRACE_FRAMES_MAX = 2048 };

/* A return address, and the functions that it is in: frames[first] is the innermost. */
struct trace_place {
    uint64_t address;
    uint32_t first, count;
};

/* Large: not for a stack. */
struct stack_trace {
    struct trace_place places[TRACE_PLACES_MAX]; /* innermost first */
    uint32_t places_count;
    struct symbol_frame frames[TRACE_FRAMES_MAX];
    uint32_t frames_count;
    bool has_cut; /* there was no room for the outermost */
};

/* Fills `trace`; its texts live as long as `symbols`, which was opened for this dump. */
void stack_trace_make(struct stack_trace *trace, struct symbols *symbols, const struct dump *dump,
                      const struct dump_profile_stack *stack);

/* The same for the stack of a memory call, without the runtime's own frames at its inner end. */
void stack_trace_make_site(struct stack_trace *trace, struct symbols *symbols, const struct dump_callsite *site);

/* "main.allocate < main.sparse < main.main": who allocated, and who called; at most `calls_max`, cut to its room.
 * The runtime's functions are named only where there are no others. False: a name is missing, so what reads the same
 * may differ: the allocator's own frames are not told from others then. */
bool stack_trace_describe(const struct stack_trace *trace, uint32_t calls_max, char *text, size_t text_bytes);

/* The function's name; where it is not known the address as "0x4920a5", in `buffer`. */
enum { TRACE_NAME_BYTES = 24 };
const char *stack_trace_name(const struct trace_place *place, const struct symbol_frame *frame, char *buffer);

#endif
