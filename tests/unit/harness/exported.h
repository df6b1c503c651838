/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixture dump with changes, loaded or exported.
 */
#ifndef GPW_TESTS_EXPORTED_H
#define GPW_TESTS_EXPORTED_H

#include "dump_fixture.h"

#include "harness/export_format.h"

/* One key of the fixture (see fixture_change). A list of them ends with a zeroed one. */
struct change {
    const char *path, *json;
};

#define CHANGES(...) ((const struct change[]){__VA_ARGS__ __VA_OPT__(, ){NULL, NULL}})

/* Sizes of a class as JSON: mapped, resident, swapped, huge, lazyfree. */
#define SIZES(mapped, resident, swapped, huge, lazyfree)                                          \
    "{\"mapped\":" #mapped ",\"resident\":" #resident ",\"swapped\":" #swapped ",\"huge\":" #huge \
    ",\"lazyfree\":" #lazyfree "}"

/* For dump_free. */
static inline struct dump changed_dump(const struct change *changes)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    for (; changes->path != NULL; changes++)
        fixture_change(document, changes->path, changes->json);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    return dump;
}

struct exported {
    char *bytes; /* a zero behind them */
    size_t count;
};

/* For exported_free. */
static inline struct exported export_dumps(const char *format_name, const struct dump *dumps, uint32_t dumps_count)
{
    struct exported exported = {NULL, 0};
    struct error error;
    const struct export_format *format = export_format_find(format_name);
    cr_assert_not_null(format);
    FILE *out = open_memstream(&exported.bytes, &exported.count);
    bool is_written = format->write(out, &(struct export_input){.dumps = dumps, .dumps_count = dumps_count}, &error);
    fclose(out);
    cr_assert(is_written, "%s", error.text);
    return exported;
}

static inline struct exported export_changed(const char *format_name, const struct change *changes)
{
    struct dump dump = changed_dump(changes);
    struct exported exported = export_dumps(format_name, &dump, 1);
    dump_free(&dump);
    return exported;
}

static inline void exported_free(struct exported *exported)
{
    free(exported->bytes);
}

#endif
