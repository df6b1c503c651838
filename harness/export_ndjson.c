/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON object a line, for databases that read a fleet's dumps (DuckDB, ClickHouse).
 *
 * Every row says which dump it is of, so rows of any dumps can be in one table; `kind` says what it counts. Keys are
 * flat, a key has one type everywhere, and what is not known is null.
 */
#include <inttypes.h>
#include <stddef.h>

#include "harness/export_format.h"
#include "harness/json_text.h"

static void write_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, ",\"%s\":", key);
    if (text == NULL) {
        fputs("null", out);
        return;
    }
    json_text_write(out, text);
}

static void write_number(FILE *out, const char *key, uint64_t number)
{
    if (number == DUMP_NOT_KNOWN)
        fprintf(out, ",\"%s\":null", key);
    else
        fprintf(out, ",\"%s\":%" PRIu64, key, number);
}

static void begin_row(FILE *out, const struct dump *dump, const char *kind)
{
    fprintf(out, "{\"kind\":\"%s\"", kind);
    write_text(out, "time", dump->time.utc);
    write_number(out, "unix_ns", dump->time.unix_ns);
    write_text(out, "host", dump->process.host);
    write_text(out, "comm", dump->process.comm);
    write_number(out, "pid", dump->process.pid);
    write_text(out, "go_version", dump->environment.go_version);
    write_number(out, "seq", dump->seq);
    write_text(out, "label", dump->label);
}

static void end_row(FILE *out)
{
    fputs("}\n", out);
}

/* ---- rows ---- */

struct column {
    const char *key;
    size_t offset; /* of a number in the row's struct */
};

static const struct column PROCESS_COLUMNS[] = {
    {"rss_bytes", offsetof(struct dump, rss.total_bytes)},
    {"rss_peak_bytes", offsetof(struct dump, rss.peak_bytes)},
    {"explained_bytes", offsetof(struct dump, rss.explained_bytes)},
    {"mapped_bytes", offsetof(struct dump, rss.sum.mapped_bytes)},
    {"resident_bytes", offsetof(struct dump, rss.sum.resident_bytes)},
    {"swapped_bytes", offsetof(struct dump, rss.sum.swapped_bytes)},
    {"huge_bytes", offsetof(struct dump, rss.sum.huge_bytes)},
    {"lazyfree_bytes", offsetof(struct dump, rss.sum.lazyfree_bytes)},
    {"threads", offsetof(struct dump, process.threads)},
};

static const struct column CLASS_COLUMNS[] = {
    {"mapped_bytes", offsetof(struct dump_class, sizes.mapped_bytes)},
    {"resident_bytes", offsetof(struct dump_class, sizes.resident_bytes)},
    {"swapped_bytes", offsetof(struct dump_class, sizes.swapped_bytes)},
    {"huge_bytes", offsetof(struct dump_class, sizes.huge_bytes)},
    {"lazyfree_bytes", offsetof(struct dump_class, sizes.lazyfree_bytes)},
};

static const struct column SIZE_CLASS_COLUMNS[] = {
    {"slot_bytes", offsetof(struct dump_size_class, slot_bytes)},
    {"spans", offsetof(struct dump_size_class, spans)},
    {"slots", offsetof(struct dump_size_class, slots)},
    {"objects", offsetof(struct dump_size_class, objects)},
    {"object_bytes", offsetof(struct dump_size_class, object_bytes)},
    {"mapped_bytes", offsetof(struct dump_size_class, mapped_bytes)},
    {"resident_bytes", offsetof(struct dump_size_class, resident_bytes)},
    {"sparse_bytes", offsetof(struct dump_size_class, sparse_bytes)},
};

static const struct column LARGE_COLUMNS[] = {
    {"spans", offsetof(struct dump_large, spans)},
    {"object_bytes", offsetof(struct dump_large, object_bytes)},
    {"resident_bytes", offsetof(struct dump_large, resident_bytes)},
    {"untouched_bytes", offsetof(struct dump_large, untouched_bytes)},
};

static const struct column FINDING_COLUMNS[] = {{"finding_bytes", offsetof(struct dump_finding, bytes)}};

static void write_columns(FILE *out, const struct column *columns, size_t count, const void *row)
{
    for (size_t i = 0; i < count; i++)
        write_number(out, columns[i].key, *(const uint64_t *)((const char *)row + columns[i].offset));
}

#define WRITE_COLUMNS(out, table, row) write_columns((out), (table), sizeof(table) / sizeof(table)[0], (row))

static void write_dump(FILE *out, const struct dump *dump)
{
    begin_row(out, dump, "process");
    WRITE_COLUMNS(out, PROCESS_COLUMNS, dump);
    end_row(out);
    for (uint32_t i = 0; i < dump->rss.classes_count; i++) {
        begin_row(out, dump, "class");
        write_text(out, "class", dump->rss.classes[i].name);
        WRITE_COLUMNS(out, CLASS_COLUMNS, &dump->rss.classes[i]);
        end_row(out);
    }
    for (uint64_t i = 0; i < dump->size_classes_count; i++) {
        begin_row(out, dump, "size_class");
        WRITE_COLUMNS(out, SIZE_CLASS_COLUMNS, &dump->size_classes[i]);
        end_row(out);
    }
    begin_row(out, dump, "large");
    WRITE_COLUMNS(out, LARGE_COLUMNS, &dump->large);
    end_row(out);
    for (uint64_t i = 0; i < dump->findings_count; i++) {
        begin_row(out, dump, "finding");
        write_text(out, "finding", dump->findings[i].id);
        WRITE_COLUMNS(out, FINDING_COLUMNS, &dump->findings[i]);
        end_row(out);
    }
}

bool export_ndjson_write(FILE *out, const struct export_input *input, struct error *error)
{
    (void)error;
    for (uint32_t i = 0; i < input->dumps_count; i++)
        write_dump(out, &input->dumps[i]);
    return true;
}
