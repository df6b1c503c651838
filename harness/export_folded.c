/* SPDX-License-Identifier: Apache-2.0
 *
 * Folded stacks: a line for each sample of resident memory, root first, and its bytes behind the last space.
 *
 *   [resident];go.unused;64 B slots 32768
 *   [resident];go.objects;64 B slots;main.main;main.serve 65536
 *   [resident];c.mmap;mmap by C;main.main;main._Cfunc_cache_open;cache_open 6291456
 */
#include <inttypes.h>
#include <stdlib.h>

#include "harness/export_format.h"
#include "harness/export_samples.h"
#include "harness/stack_trace.h"

/* A semicolon in a name would be the end of the frame. */
static void write_frame(FILE *out, const char *name)
{
    for (; *name != '\0'; name++)
        fputc(*name == ';' ? ',' : *name, out);
}

static void write_trace(FILE *out, const struct stack_trace *trace)
{
    char buffer[TRACE_NAME_BYTES];
    for (uint32_t i = trace->places_count; i > 0; i--) {
        const struct trace_place *place = &trace->places[i - 1];
        for (uint32_t k = place->count; k > 0; k--) {
            fputc(';', out);
            write_frame(out, stack_trace_name(place, &trace->frames[place->first + k - 1], buffer));
        }
    }
}

struct names {
    const struct dump *dump;
    struct symbols symbols;
    struct stack_trace *trace;
};

static void write_sample(FILE *out, const struct export_sample *sample, struct names *names)
{
    for (int frame = FRAME_ROOT; frame >= FRAME_LEAF; frame--) {
        write_frame(out, sample->frames[frame]);
        if (frame != FRAME_LEAF)
            fputc(';', out);
    }
    if (export_sample_trace(sample, names->trace, &names->symbols, names->dump))
        write_trace(out, names->trace);
    fprintf(out, " %" PRIu64 "\n", sample->values[EXPORT_RESIDENT]);
}

static bool write_dump(FILE *out, const struct dump *dump, const struct export_samples *samples,
                       const struct symbols_options *symbols, struct error *error)
{
    struct names names = {.dump = dump, .trace = malloc(sizeof *names.trace)};
    if (names.trace == NULL)
        return error_set(error, "there is no memory for its stacks; free some or raise the limit (ulimit -v)");
    bool is_open = symbols_open(&names.symbols, dump->modules, dump->modules_count, symbols, error);
    for (uint64_t i = 0; is_open && i < samples->count; i++) {
        if (samples->samples[i].values[EXPORT_RESIDENT] > 0)
            write_sample(out, &samples->samples[i], &names);
    }
    if (is_open)
        symbols_close(&names.symbols);
    free(names.trace);
    return is_open;
}

bool export_folded_write(FILE *out, const struct export_input *input, struct error *error)
{
    for (uint32_t i = 0; i < input->dumps_count; i++) {
        struct export_samples samples;
        if (!export_samples_make(&samples, &input->dumps[i], error))
            return false;
        bool is_written = write_dump(out, &input->dumps[i], &samples, &input->symbols, error);
        export_samples_free(&samples);
        if (!is_written)
            return false;
    }
    return true;
}
