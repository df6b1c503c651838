/* SPDX-License-Identifier: Apache-2.0
 *
 * From go1.21 on a recorded stack has an address for each call, inlined ones too (traceback.go:tracebackPCs): those of
 * the functions that an address was inlined into follow it. Before, there is one for each frame on the stack.
 */
#include "harness/stack_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory/text.h"
#include "memory/units.h"

enum { FIRST_WITH_INLINED_CALLS = 21 };

static bool has_inlined_calls(const struct dump *dump)
{
    const char *version = dump->environment.go_version;
    const char *minor = version == NULL ? NULL : strstr(version, "go1.");
    uint64_t number;
    if (minor == NULL)
        return true;
    struct text digits = text_of(minor + strlen("go1."));
    return !text_take_decimal(&digits, &number) || number >= FIRST_WITH_INLINED_CALLS;
}

static bool is_same_function(const struct symbol_frame *a, const struct symbol_frame *b)
{
    return a->function != NULL && b->function != NULL && strcmp(a->function, b->function) == 0;
}

/* Is `place` of what the last one was inlined into, `outwards` calls out? */
static bool is_told_already(const struct stack_trace *trace, const struct trace_place *place, uint32_t outwards)
{
    const struct trace_place *last = &trace->places[trace->places_count - 1];
    return outwards < last->count && place->count == last->count - outwards &&
           is_same_function(&trace->frames[place->first], &trace->frames[last->first + outwards]);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_runtime(const struct stack_trace *trace, const struct trace_place *place)
{
    for (uint32_t i = 0; i < place->count; i++) {
        const char *function = trace->frames[place->first + i].function;
        if (function == NULL || !(has_prefix(function, "runtime.") || has_prefix(function, "internal/runtime/")))
            return false;
    }
    return true;
}

/* Not when nothing else is left. */
static void hide_allocator(struct stack_trace *trace)
{
    uint32_t hidden = 0;
    while (hidden < trace->places_count && is_runtime(trace, &trace->places[hidden]))
        hidden++;
    if (hidden == trace->places_count)
        return;
    trace->places_count -= hidden;
    memmove(trace->places, trace->places + hidden, trace->places_count * sizeof trace->places[0]);
}

static void make(struct stack_trace *trace, struct symbols *symbols, const uint64_t *frames, uint64_t frames_count,
                 bool may_be_told)
{
    uint32_t outwards = 0;
    trace->places_count = trace->frames_count = 0;
    trace->has_cut = false;
    for (uint64_t i = 0; i < frames_count; i++) {
        if (trace->places_count == TRACE_PLACES_MAX || trace->frames_count == TRACE_FRAMES_MAX) {
            trace->has_cut = true;
            break;
        }
        struct trace_place place = {.address = frames[i], .first = trace->frames_count};
        place.count =
            symbols_resolve(symbols, place.address, true, &trace->frames[place.first], TRACE_FRAMES_MAX - place.first);
        outwards++;
        if (may_be_told && trace->places_count != 0 && is_told_already(trace, &place, outwards))
            continue;
        trace->places[trace->places_count++] = place;
        trace->frames_count += place.count;
        outwards = 0;
    }
    hide_allocator(trace);
}

void stack_trace_make(struct stack_trace *trace, struct symbols *symbols, const struct dump *dump,
                      const struct dump_profile_stack *stack)
{
    make(trace, symbols, stack->frames, stack->frames_count, has_inlined_calls(dump));
}

void stack_trace_make_site(struct stack_trace *trace, struct symbols *symbols, const struct dump_callsite *site)
{
    make(trace, symbols, site->frames, site->frames_count, false);
}

/* The way from C to Go and back, and where all goroutines come from. */
static bool is_plumbing(const char *name)
{
    return has_prefix(name, "runtime.") || has_prefix(name, "_cgo_") || has_prefix(name, "crosscall");
}

static uint32_t describe(const struct stack_trace *trace, bool with_plumbing, uint32_t calls_max, char *text,
                         size_t text_bytes, bool *is_named)
{
    uint32_t calls = 0;
    size_t filled = 0;
    text[0] = '\0';
    *is_named = true;
    for (uint32_t i = 0; i < trace->places_count; i++) {
        const struct trace_place *place = &trace->places[i];
        for (uint32_t k = 0; k < place->count && calls < calls_max && filled < text_bytes; k++) {
            char buffer[TRACE_NAME_BYTES];
            const struct symbol_frame *frame = &trace->frames[place->first + k];
            const char *name = stack_trace_name(place, frame, buffer);
            if (!with_plumbing && is_plumbing(name))
                continue;
            filled += (size_t)snprintf(text + filled, text_bytes - filled, "%s%s", calls == 0 ? "" : " < ", name);
            *is_named &= frame->function != NULL;
            calls++;
        }
    }
    return calls;
}

bool stack_trace_describe(const struct stack_trace *trace, uint32_t calls_max, char *text, size_t text_bytes)
{
    bool is_named;
    if (describe(trace, false, calls_max, text, text_bytes, &is_named) == 0)
        describe(trace, true, calls_max, text, text_bytes, &is_named);
    return is_named;
}

const char *stack_trace_name(const struct trace_place *place, const struct symbol_frame *frame, char *buffer)
{
    if (frame->function != NULL)
        return frame->function;
    snprintf(buffer, TRACE_NAME_BYTES, "0x%" PRIx64, place->address);
    return buffer;
}
