/* SPDX-License-Identifier: Apache-2.0
 *
 * Go's benchmark format (golang.org/design/14313-benchmark-format), for benchstat.
 *
 *   goos: linux
 *   goarch: amd64
 *   pkg: shop
 *   BenchmarkRSS 1 62922752 rss-bytes 73400320 peak-rss-bytes
 *   BenchmarkRSS/class=go.objects 1 47815680 resident-bytes 48444416 mapped-bytes
 *
 * benchstat makes a table for each set of values in the head, and compares within a table only: so nothing stands there
 * that differs between two runs of one program (pid, time, label, version of Go).
 */
#include <ctype.h>
#include <inttypes.h>

#include "harness/export_format.h"
#include "harness/goarch.h"

static void write_head(FILE *out, const struct dump *dump)
{
    fputs("goos: linux\n", out);
    if (dump->environment.machine != NULL)
        fprintf(out, "goarch: %s\n", goarch_of(dump->environment.machine));
    if (dump->process.comm != NULL)
        fprintf(out, "pkg: %s\n", dump->process.comm);
}

/* A name ends at the first space, wherever it comes from. */
static void write_word(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        fputc(isspace((unsigned char)*text) ? '_' : *text, out);
}

static void write_classes(FILE *out, const struct dump_rss *rss)
{
    for (uint32_t i = 0; i < rss->classes_count; i++) {
        const struct dump_class *class = &rss->classes[i];
        fputs("BenchmarkRSS/class=", out);
        write_word(out, class->name);
        fprintf(out, " 1 %" PRIu64 " resident-bytes %" PRIu64 " mapped-bytes\n", class->sizes.resident_bytes,
                class->sizes.mapped_bytes);
    }
}

bool export_gobench_write(FILE *out, const struct export_input *input, struct error *error)
{
    (void)error;
    for (uint32_t i = 0; i < input->dumps_count; i++) {
        const struct dump_rss *rss = &input->dumps[i].rss;
        write_head(out, &input->dumps[i]);
        fprintf(out, "BenchmarkRSS 1 %" PRIu64 " rss-bytes", rss->total_bytes);
        if (rss->peak_bytes != DUMP_NOT_KNOWN)
            fprintf(out, " %" PRIu64 " peak-rss-bytes", rss->peak_bytes);
        fputc('\n', out);
        write_classes(out, rss);
    }
    return true;
}
