/* SPDX-License-Identifier: Apache-2.0
 *
 * Folded stacks: a line for each sample of resident memory, root first, and its bytes behind the last space.
 *
 *   [resident];go.unused;64 B slots 32768
 */
#include <inttypes.h>

#include "harness/export_format.h"
#include "harness/export_samples.h"

/* A semicolon in a name would be the end of the frame. */
static void write_frame(FILE *out, const char *name)
{
    for (; *name != '\0'; name++)
        fputc(*name == ';' ? ',' : *name, out);
}

static void write_sample(FILE *out, const struct export_sample *sample)
{
    for (int frame = FRAME_ROOT; frame >= FRAME_LEAF; frame--) {
        write_frame(out, sample->frames[frame]);
        fputc(frame == FRAME_LEAF ? ' ' : ';', out);
    }
    fprintf(out, "%" PRIu64 "\n", sample->values[EXPORT_RESIDENT]);
}

bool export_folded_write(FILE *out, const struct dump *dumps, uint32_t dumps_count, struct error *error)
{
    for (uint32_t i = 0; i < dumps_count; i++) {
        struct export_samples samples;
        if (!export_samples_make(&samples, &dumps[i], error))
            return false;
        for (uint64_t k = 0; k < samples.count; k++) {
            if (samples.samples[k].values[EXPORT_RESIDENT] > 0)
                write_sample(out, &samples.samples[k]);
        }
        export_samples_free(&samples);
    }
    return true;
}
