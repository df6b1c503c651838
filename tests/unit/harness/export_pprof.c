/* SPDX-License-Identifier: Apache-2.0
 *
 * The profile, read back by a small decoder of its own: what stands in it, and that every reference leads somewhere.
 * What pprof makes of it is tested with pprof (tests/e2e/export_pprof.c).
 */
#include "exported.h"

#include <inttypes.h>
#include <zlib.h>

#include "harness/export_samples.h"

/* ---- decoding ---- */

struct slice {
    const uint8_t *at, *end;
};

struct field_value {
    uint64_t field, number;
    struct slice bytes; /* of a field with a length */
};

static uint64_t take_varint(struct slice *slice)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        cr_assert(slice->at < slice->end && shift < 64, "a varint is cut or too long");
        uint8_t byte = *slice->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static bool take_field(struct slice *slice, struct field_value *value)
{
    if (slice->at == slice->end)
        return false;
    uint64_t tag = take_varint(slice);
    *value = (struct field_value){.field = tag >> 3};
    if ((tag & 7) == 0) {
        value->number = take_varint(slice);
        return true;
    }
    cr_assert_eq(tag & 7, 2u, "no such kind of field");
    uint64_t count = take_varint(slice);
    cr_assert(count <= (uint64_t)(slice->end - slice->at), "a field is longer than its message");
    value->bytes = (struct slice){slice->at, slice->at + count};
    slice->at += count;
    return true;
}

/* The number of a field that a message has once, 0 when it has none. */
static uint64_t number_of(struct slice message, uint64_t field)
{
    struct field_value value;
    while (take_field(&message, &value)) {
        if (value.field == field)
            return value.number;
    }
    return 0;
}

enum { TEXTS_MAX = 1024, SAMPLES_MAX = 1024, VALUES = EXPORT_VALUE_COUNT, CODE_MAX = 16 };
#define CODE_LOCATIONS (1ull << 32)

/* A location with an address: its names come from files that no test here has. */
struct code {
    uint64_t address, mapping;
};

struct decoded_sample {
    const char *frames[FRAME_COUNT];
    uint64_t code_count;
    struct code code[CODE_MAX]; /* below the frames */
    uint64_t values[VALUES];
    char labels[256]; /* "class=libs pid=4711 " */
};

struct decoded {
    uint8_t *bytes;
    uint64_t texts_count, samples_count, types_count;
    char *texts[TEXTS_MAX];
    bool is_location[TEXTS_MAX], is_function[TEXTS_MAX]; /* of that id */
    uint64_t location_function[TEXTS_MAX], function_name[TEXTS_MAX];
    struct code code[CODE_MAX];
    const char *types[VALUES], *units[VALUES];
    struct decoded_sample samples[SAMPLES_MAX];
    const char *default_type, *comments[4], *file, *build_id;
    uint64_t comments_count, time_ns, duration_ns, mappings_count, has_functions;
    struct {
        uint64_t start, limit, has_functions;
        const char *file, *build_id;
    } modules[4]; /* mappings from number 2 on */
    uint64_t modules_count;
};

static const char *text(const struct decoded *profile, uint64_t index)
{
    cr_assert(index < profile->texts_count, "text %" PRIu64 " is not there", index);
    return profile->texts[index];
}

static struct slice unzip(const struct exported *exported, struct decoded *profile)
{
    enum { ROOM = 1 << 20 };
    profile->bytes = malloc(ROOM);
    z_stream stream = {.next_in = (uint8_t *)exported->bytes,
                       .avail_in = (uInt)exported->count,
                       .next_out = profile->bytes,
                       .avail_out = ROOM};
    cr_assert_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    cr_assert_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    cr_assert_eq(stream.avail_in, 0u, "there is something behind the profile");
    inflateEnd(&stream);
    return (struct slice){profile->bytes, profile->bytes + stream.total_out};
}

/* Texts, locations and functions come first: the rest refers to them. */
static void decode_tables(struct decoded *profile, struct slice message)
{
    struct field_value value;
    while (take_field(&message, &value)) {
        uint64_t id = value.field == 4 || value.field == 5 ? number_of(value.bytes, 1) : 0;
        switch (value.field) {
        case 6:
            cr_assert(profile->texts_count < TEXTS_MAX);
            profile->texts[profile->texts_count++] =
                strndup((const char *)value.bytes.at, (size_t)(value.bytes.end - value.bytes.at));
            break;
        case 4: {
            struct field_value part;
            if (id >= CODE_LOCATIONS) {
                cr_assert(id < CODE_LOCATIONS + CODE_MAX && profile->code[id - CODE_LOCATIONS].address == 0);
                profile->code[id - CODE_LOCATIONS] =
                    (struct code){number_of(value.bytes, 3), number_of(value.bytes, 2)};
                break;
            }
            cr_assert(id != 0 && id < TEXTS_MAX && !profile->is_location[id], "location %" PRIu64, id);
            cr_expect_eq(number_of(value.bytes, 2), 1u, "the location has no mapping");
            profile->is_location[id] = true;
            while (take_field(&value.bytes, &part)) {
                if (part.field == 4)
                    profile->location_function[id] = number_of(part.bytes, 1);
            }
            break;
        }
        case 5:
            cr_assert(id != 0 && id < TEXTS_MAX && !profile->is_function[id], "function %" PRIu64, id);
            profile->is_function[id] = true;
            profile->function_name[id] = number_of(value.bytes, 2);
            break;
        }
    }
}

static const char *frame(const struct decoded *profile, uint64_t location)
{
    cr_assert(location < TEXTS_MAX && profile->is_location[location], "location %" PRIu64 " is not there", location);
    uint64_t function = profile->location_function[location];
    cr_assert(function < TEXTS_MAX && profile->is_function[function], "function %" PRIu64 " is not there", function);
    return text(profile, profile->function_name[function]);
}

static void decode_sample(struct decoded *profile, struct slice message)
{
    struct field_value value;
    cr_assert(profile->samples_count < SAMPLES_MAX);
    struct decoded_sample *sample = &profile->samples[profile->samples_count++];
    while (take_field(&message, &value)) {
        if (value.field == 1) {
            uint64_t id = take_varint(&value.bytes);
            for (; id >= CODE_LOCATIONS; id = take_varint(&value.bytes)) {
                cr_assert(id < CODE_LOCATIONS + CODE_MAX && sample->code_count < CODE_MAX);
                sample->code[sample->code_count++] = profile->code[id - CODE_LOCATIONS];
            }
            for (int i = 0; i < FRAME_COUNT; i++)
                sample->frames[i] = frame(profile, i == 0 ? id : take_varint(&value.bytes));
            cr_assert_eq(value.bytes.at, value.bytes.end, "the stack of names is not three deep");
        } else if (value.field == 2) {
            for (int i = 0; i < VALUES; i++)
                sample->values[i] = take_varint(&value.bytes);
            cr_assert_eq(value.bytes.at, value.bytes.end, "more values than types");
        } else if (value.field == 3) {
            size_t filled = strlen(sample->labels);
            snprintf(sample->labels + filled, sizeof sample->labels - filled, "%s=%s ",
                     text(profile, number_of(value.bytes, 1)), text(profile, number_of(value.bytes, 2)));
        }
    }
}

static void decode_rest(struct decoded *profile, struct slice message)
{
    struct field_value value;
    while (take_field(&message, &value)) {
        switch (value.field) {
        case 1:
            cr_assert(profile->types_count < VALUES);
            profile->types[profile->types_count] = text(profile, number_of(value.bytes, 1));
            profile->units[profile->types_count++] = text(profile, number_of(value.bytes, 2));
            break;
        case 2:
            decode_sample(profile, value.bytes);
            break;
        case 3:
            cr_expect_eq(number_of(value.bytes, 1), ++profile->mappings_count);
            if (profile->mappings_count > 1) {
                cr_assert(profile->modules_count < 4);
                profile->modules[profile->modules_count].start = number_of(value.bytes, 2);
                profile->modules[profile->modules_count].limit = number_of(value.bytes, 3);
                profile->modules[profile->modules_count].file = text(profile, number_of(value.bytes, 5));
                profile->modules[profile->modules_count].build_id = text(profile, number_of(value.bytes, 6));
                profile->modules[profile->modules_count++].has_functions = number_of(value.bytes, 7);
                break;
            }
            profile->file = text(profile, number_of(value.bytes, 5));
            profile->build_id = text(profile, number_of(value.bytes, 6));
            profile->has_functions = number_of(value.bytes, 7);
            break;
        case 9:
            profile->time_ns = value.number;
            break;
        case 10:
            profile->duration_ns = value.number;
            break;
        case 13:
            cr_assert(profile->comments_count < 4);
            profile->comments[profile->comments_count++] = text(profile, value.number);
            break;
        case 14:
            profile->default_type = text(profile, value.number);
            break;
        }
    }
}

static struct decoded *decode(const struct change *changes)
{
    struct exported exported = export_changed("pprof", changes);
    struct decoded *profile = calloc(1, sizeof *profile);
    struct slice message = unzip(&exported, profile);
    decode_tables(profile, message);
    decode_rest(profile, message);
    exported_free(&exported);
    return profile;
}

static void decoded_free(struct decoded *profile)
{
    for (uint64_t i = 0; i < profile->texts_count; i++)
        free(profile->texts[i]);
    free(profile->bytes);
    free(profile);
}

/* ---- tests ---- */

Test(export_pprof, types_are_those_that_are_documented)
{
    static const char *const TYPES[VALUES][2] = {
        {"pages", "count"},          {"resident_space", "bytes"}, {"swapped_space", "bytes"},
        {"hugepage_space", "bytes"}, {"lazyfree_space", "bytes"}, {"released_space", "bytes"},
        {"inuse_space", "bytes"},    {"pinned_space", "bytes"},
    };
    struct decoded *profile = decode(CHANGES());
    cr_expect_str_eq(profile->texts[0], "");
    cr_assert_eq(profile->types_count, (uint64_t)VALUES);
    for (int i = 0; i < VALUES; i++) {
        cr_expect_str_eq(profile->types[i], TYPES[i][0]);
        cr_expect_str_eq(profile->units[i], TYPES[i][1]);
    }
    cr_expect_str_eq(profile->default_type, "resident_space");
    decoded_free(profile);
}

Test(export_pprof, head_says_what_was_measured_and_when)
{
    struct decoded *profile = decode(CHANGES({"label", "\"after load\""}));
    cr_expect_eq(profile->time_ns, 1795404361123456789u);
    cr_expect_eq(profile->duration_ns, 1200000u);
    cr_expect_eq(profile->mappings_count, 1u);
    cr_expect_str_eq(profile->file, "/srv/shop");
    cr_expect_str_eq(profile->build_id, "00ff");
    cr_expect_eq(profile->has_functions, 1u, "pprof would look for symbols");
    cr_assert_eq(profile->comments_count, 3u);
    cr_expect_str_eq(profile->comments[0], "shop (pid 4711) on web-3, go1.26.10");
    cr_expect_str_eq(profile->comments[1], "dump 3 (signal) at 2026-11-23T03:26:01.123456789Z, label after load");
    cr_expect_str_eq(profile->comments[2], "stacks are estimates: MemProfileRate is 524288");
    decoded_free(profile);
}

/* Address and mapping of each frame, in a profile that pprof can name by the files' build ids. */
Test(export_pprof, stacks_of_the_heap_profile_stand_below_their_size_class)
{
    struct decoded *profile = decode(
        CHANGES({"go/profile/rate", "1"}, {"go/profile/stacks/0/pinned_spans", "8192"},
                {"rss/classes/go.objects", SIZES(191360, 191360, 0, 0, 0)},
                {"rss/classes/go.unused", SIZES(54400, 54400, 0, 0, 0)},
                {"modules", "[{\"path\":\"/srv/shop\",\"start\":\"0x400000\",\"end\":\"0x493000\",\"bias\":\"0x0\","
                            "\"build_id\":\"00ff\"}]"}));
    const struct decoded_sample *found = NULL;
    for (uint64_t i = 0; i < profile->samples_count; i++) {
        if (profile->samples[i].code_count != 0)
            found = &profile->samples[i];
    }
    cr_assert_not_null(found);
    cr_expect_eq(found->code_count, 2u);
    cr_expect_eq(found->code[0].address, 0x492ea4u);
    cr_expect_eq(found->code[0].mapping, 2u);
    cr_expect_eq(found->code[1].address, 0x493d2eu);
    cr_expect_eq(found->code[1].mapping, 0u, "it is in no module");
    cr_expect_str_eq(found->frames[FRAME_LEAF], "64 B slots");
    cr_expect_str_eq(found->frames[FRAME_CLASS], "go.objects");
    cr_expect_eq(found->values[EXPORT_RESIDENT], 128u);
    cr_expect_eq(found->values[EXPORT_INUSE], 128u);
    cr_expect_eq(found->values[EXPORT_PINNED], 8192u);
    cr_assert_eq(profile->modules_count, 1u);
    cr_expect_eq(profile->modules[0].start, 0x400000u);
    cr_expect_eq(profile->modules[0].limit, 0x493000u);
    cr_expect_str_eq(profile->modules[0].file, "/srv/shop");
    cr_expect_str_eq(profile->modules[0].build_id, "00ff");
    cr_expect_eq(profile->modules[0].has_functions, 0u, "there is no such file");
    decoded_free(profile);
}

Test(export_pprof, what_is_not_known_is_left_out)
{
    struct decoded *profile =
        decode(CHANGES({"process/comm", "null"}, {"process/exe", "null"}, {"process/host", "null"},
                       {"environment/go_version", "null"}, {"environment/build_id", "null"}, {"time/took_ns", "null"}));
    cr_expect_eq(profile->duration_ns, 0u);
    cr_expect_str_eq(profile->file, "");
    cr_expect_str_eq(profile->comments[0], "process (pid 4711) on a host not known, Go version not known");
    cr_expect_str_eq(profile->samples[0].labels, "class=go.objects pid=4711 ");
    decoded_free(profile);
}

Test(export_pprof, samples_are_those_of_the_builder)
{
    struct dump dump =
        changed_dump(CHANGES({"rss/classes/go.released", SIZES(1000000, 300000, 200000, 100000, 50000)}));
    struct decoded *profile =
        decode(CHANGES({"rss/classes/go.released", SIZES(1000000, 300000, 200000, 100000, 50000)}));
    struct export_samples samples;
    struct error error;
    cr_assert(export_samples_make(&samples, &dump, &error));
    cr_assert_eq(profile->samples_count, samples.count);
    for (uint64_t i = 0; i < samples.count; i++) {
        for (int k = 0; k < FRAME_COUNT; k++)
            cr_expect_str_eq(profile->samples[i].frames[k], samples.samples[i].frames[k]);
        cr_expect_eq(memcmp(profile->samples[i].values, samples.samples[i].values, sizeof samples.samples[i].values),
                     0);
        char labels[256];
        snprintf(labels, sizeof labels, "class=%s comm=shop pid=4711 go_version=go1.26.10 ",
                 samples.samples[i].frames[FRAME_CLASS]);
        cr_expect_str_eq(profile->samples[i].labels, labels);
    }
    export_samples_free(&samples);
    decoded_free(profile);
    dump_free(&dump);
}

/* The table of texts holds each once: a name that is a class, a leaf and the program is one text and one function. */
Test(export_pprof, equal_texts_are_one)
{
    struct decoded *profile =
        decode(CHANGES({"process/comm", "\"libs\""}, {"maps/0/name", "\"/lib/libs\""}, {"maps/0/class", "\"libs\""}));
    for (uint64_t i = 0; i < profile->texts_count; i++) {
        for (uint64_t k = 0; k < i; k++)
            cr_expect_str_neq(profile->texts[i], profile->texts[k]);
    }
    decoded_free(profile);
}

/* Whole texts, cut nowhere: a cut could fall into the middle of a letter, and readers refuse what is no UTF-8. */
Test(export_pprof, long_names_stay_whole)
{
    char name[2000], json[2100];
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 3);
    snprintf(json, sizeof json, "\"%s\"", name);
    struct decoded *profile = decode(CHANGES({"process/comm", json}, {"label", json}));
    cr_expect_not_null(strstr(profile->comments[0], name));
    cr_expect_not_null(strstr(profile->comments[1], name));
    decoded_free(profile);
}

Test(export_pprof, same_dump_gives_the_same_bytes)
{
    struct exported one = export_changed("pprof", CHANGES()), other = export_changed("pprof", CHANGES());
    cr_assert_eq(one.count, other.count);
    cr_expect_eq(memcmp(one.bytes, other.bytes, one.count), 0);
    exported_free(&one);
    exported_free(&other);
}
