/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the dump reader and everything that writes what it read. Whatever loads can be reported and exported,
 * and its samples add up to its classes.
 *
 * Noise does not get past the schema, so half of the inputs are edits of a dump that is right.
 *
 * Sources: all of harness/ but main.c, and the rooms that it shares with the shim.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/dump_file.h"
#include "harness/export_format.h"
#include "harness/export_samples.h"
#include "harness/map_table.h"
#include "harness/report.h"
#include "tests/unit/harness/dump_fixture.h"

enum { CONTAINERS_MAX = 4096, EDITS_MAX = 32, TEXT_BYTES_MAX = 48, DOCUMENT_BYTES_MAX = 1 << 20 };

/* ---- edits ---- */

struct containers {
    json_t *list[CONTAINERS_MAX];
    size_t count;
};

static void collect(struct containers *containers, json_t *value)
{
    const char *key;
    size_t index;
    json_t *child;
    if ((!json_is_object(value) && !json_is_array(value)) || containers->count == CONTAINERS_MAX)
        return;
    containers->list[containers->count++] = value;
    json_object_foreach(value, key, child) collect(containers, child);
    json_array_foreach(value, index, child) collect(containers, child);
}

/* jansson's json_string and json_null have the names of the shim's writer: neither is called here. */
static json_t *make_value(struct input *input, const struct containers *containers)
{
    static const char *const VALUES[] = {"null",
                                         "[]",
                                         "{}",
                                         "true",
                                         "1.5",
                                         "\"\"",
                                         "0",
                                         "1",
                                         "-1",
                                         "9223372036854775807",
                                         "4611686018427387904",
                                         "\"0xffffffffffffffff\"",
                                         "\"go.objects\"",
                                         "4096"};
    char text[TEXT_BYTES_MAX];
    size_t count = 0;
    switch (input_take(input, 1) % 4) {
    case 0:
        return json_integer((json_int_t)(input_take(input, 8) >> (input_take(input, 1) % 64)));
    case 1:
        for (size_t wanted = input_take(input, 1) % sizeof text; count < wanted && input->left > 0; count++)
            text[count] = (char)input_take(input, 1);
        return json_stringn(text, count);
    case 2:
        return json_deep_copy(containers->list[input_take(input, 2) % containers->count]);
    default:
        return json_loads(VALUES[input_take(input, 1) % (sizeof VALUES / sizeof VALUES[0])], JSON_DECODE_ANY, NULL);
    }
}

static const char *key_at(json_t *object, size_t index)
{
    void *at = json_object_iter(object);
    while (at != NULL && index-- > 0)
        at = json_object_iter_next(object, at);
    return at == NULL ? NULL : json_object_iter_key(at);
}

/* `value` is used up; NULL takes a child away. */
static void edit(json_t *container, size_t place, json_t *value)
{
    char key[64];
    size_t size = json_is_array(container) ? json_array_size(container) : json_object_size(container);
    size_t index = place % (size + 1);
    if (json_is_array(container)) {
        if (value == NULL)
            json_array_remove(container, index);
        else if (index == size)
            json_array_append_new(container, value);
        else
            json_array_set_new(container, index, value);
        return;
    }
    const char *found = key_at(container, index);
    snprintf(key, sizeof key, "%s", found != NULL ? found : "added");
    if (value == NULL)
        json_object_del(container, key);
    else
        json_object_set_new(container, key, value);
}

#define SIZES "\"objects\":1,\"asked\":48,\"allocated\":48,\"in_spans\":8192,\"pages\":1,\"resident\":8192,\"image\":1"

static const char WATCHED[] =
    "[{\"name\":\"main.m\",\"type\":\"map[int]int\",\"why\":null,\"design\":\"buckets\",\"address\":\"0xc000010000\","
    "\"entries\":14,\"count\":13,\"capacity\":32,\"tombstones\":1,\"buckets\":4,\"old_buckets\":2,\"evacuated_"
    "buckets\":1,"
    "\"overflow_buckets\":3,\"tables\":1,\"directory_slots\":1,\"key_bytes\":8,\"element_bytes\":8,\"parts\":["
    "{\"part\":\"header\"," SIZES "},{\"part\":\"buckets\"," SIZES "}],\"total\":{" SIZES "},\"pages_resident\":1,"
    "\"pages_alone\":1,\"pages_shared\":1,\"alone\":4096,\"alone_spans\":8192,\"huge\":4096,\"naive\":224,\"remade\":"
    "{\"capacity\":16,\"bytes\":40},\"grown\":{\"entries\":27,\"capacity\":64,\"bytes\":1152},\"torn_reads\":1,"
    "\"attempts\":2,\"unknown_objects\":1,\"unfollowed\":1,\"spent\":1,\"deep\":false,\"walk_ns\":1000},"
    "{\"name\":\"main.n\",\"type\":\"map[int]int\",\"why\":\"nil\"}]";

/* For free; NULL: it became too large. */
static char *edited_dump(struct input *input)
{
    static struct containers containers;
    json_t *document = json_loads(DUMP_FIXTURE, 0, NULL);
    json_object_set_new(json_object_get(document, "go"), "maps", json_loads(WATCHED, 0, NULL));
    for (int i = 0; i < EDITS_MAX && input->left > 0; i++) {
        containers.count = 0;
        collect(&containers, document);
        json_t *container = containers.list[input_take(input, 2) % containers.count];
        size_t place = input_take(input, 1);
        edit(container, place, input_take(input, 1) % 8 == 0 ? NULL : make_value(input, &containers));
    }
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

/* ---- what must hold ---- */

static void check_samples(const struct dump *dump)
{
    struct export_samples samples;
    struct error error;
    struct dump_sizes left = dump->rss.sum;
    uint64_t inuse_bytes = INT64_MAX;
    uint64_t pinned_bytes = dump->rss.classes[CLASS_GO_OBJECTS].sizes.resident_bytes +
                            dump->rss.classes[CLASS_GO_UNUSED].sizes.resident_bytes;
    uint64_t released_bytes = dump->rss.classes[CLASS_GO_RELEASED].sizes.mapped_bytes;
    MUST(export_samples_make(&samples, dump, &error));
    for (uint64_t i = 0; i < samples.count; i++) {
        const uint64_t *values = samples.samples[i].values;
        MUST(!__builtin_sub_overflow(left.resident_bytes, values[EXPORT_RESIDENT], &left.resident_bytes));
        MUST(!__builtin_sub_overflow(left.swapped_bytes, values[EXPORT_SWAPPED], &left.swapped_bytes));
        MUST(!__builtin_sub_overflow(left.huge_bytes, values[EXPORT_HUGE], &left.huge_bytes));
        MUST(!__builtin_sub_overflow(left.lazyfree_bytes, values[EXPORT_LAZYFREE], &left.lazyfree_bytes));
        MUST(!__builtin_sub_overflow(released_bytes, values[EXPORT_RELEASED], &released_bytes));
        MUST(!__builtin_sub_overflow(inuse_bytes, values[EXPORT_INUSE], &inuse_bytes));
        MUST(!__builtin_sub_overflow(pinned_bytes, values[EXPORT_PINNED], &pinned_bytes));
    }
    MUST((left.resident_bytes | left.swapped_bytes | left.huge_bytes | left.lazyfree_bytes | released_bytes) == 0);
    export_samples_free(&samples);
}

static void use_dump(const struct dump *dump)
{
    struct error error;
    FILE *out = fopen("/dev/null", "we");
    struct export_input exported = {.dumps = dump, .dumps_count = 1};
    MUST(out != NULL);
    report_write_dump(out, dump, "fuzz", &(struct report_options){.width_columns = 80, .top_rows = 3});
    for (uint32_t i = 0; i < EXPORT_FORMATS_COUNT; i++)
        MUST(EXPORT_FORMATS[i].write(out, &exported, &error));
    for (uint64_t i = 0; i < dump->go_maps_count; i++)
        map_table_write_details(out, &dump->go_maps[i], &(struct map_table_options){80, i % 2 == 0, {false, false}});
    fclose(out);
    check_samples(dump);
}

static void load(const char *bytes, size_t count)
{
    static int fd = -1;
    static char path[64];
    struct dump dump;
    struct error error = {""};
    if (fd < 0)
        fd = memfd_create("dump", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, bytes, count, 0) == (ssize_t)count);
    if (dump_load_with_events(&dump, path, &error)) {
        use_dump(&dump);
        dump_free(&dump);
    } else {
        MUST(error.text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    if (input_take(&input, 1) % 2 == 0) {
        load((const char *)input.at, input.left);
        return 0;
    }
    char *text = edited_dump(&input);
    if (text != NULL && strlen(text) < DOCUMENT_BYTES_MAX)
        load(text, strlen(text));
    free(text);
    return 0;
}
