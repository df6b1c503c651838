/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch page` of objects: their types, against what the program made (tests/apps/pagetruth/objects.go), and the
 * maps they belong to, against where the program says the objects of its maps are (tests/apps/maps).
 *
 * Where in its buckets a map has a key or an element is found here by the pointer to it in the process's memory, which
 * only one place has.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/map_truth.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { MAPS_MAX = 32, HEX_BYTES = 24, PATH_BYTES = 64, TRUTH_BYTES = 1024, ARGUMENTS_MAX = 8 };

/* `more`: NULL at the end. For json_decref. */
static json_t *page_at(const char *pid, uint64_t address, const char *const *more)
{
    char hex[HEX_BYTES];
    json_error_t problem;
    snprintf(hex, sizeof hex, "0x%" PRIx64, address);
    const char *arguments[ARGUMENTS_MAX + 5] = {"page", hex, pid, "--json"};
    for (unsigned i = 0; more[i] != NULL && i < ARGUMENTS_MAX; i++)
        arguments[4 + i] = more[i];
    struct program *program = gopagewatch_run(arguments);
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    json_t *page = json_loads(program_output(program), JSON_REJECT_DUPLICATES, &problem);
    cr_assert_not_null(page, "%s: %s", problem.text, program_output(program));
    program_free(program);
    return page;
}

static bool is_word(const json_t *value, const char *word)
{
    return word == NULL ? json_is_null(value) : json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

/* ---- types ---- */

static const char NO_POINTERS[] = "it has no pointers, and no type is kept";
static const char UP_TO_512[] = "objects of up to 512 B carry none";
static const char LARGE_ARRAY[] = "its header leads to no type: of large arrays only pointer bits are kept";

/* Of go1.22 on. `name` NULL: not known by `why_not`; both NULL: a type without a name. */
static const struct {
    const char *word, *name, *why_not;
    uint64_t type_bytes, elements, asked_bytes;
} OBJECTS[] = {
    {"node", "main.node", NULL, 1792, 1, 1792},
    {"rows", "main.row", NULL, 200, 3, 600},
    {"list", "*main.node", NULL, 8, 100000, 800000},
    {"pointers", "[100000]*main.node", NULL, 800000, 1, 800000},
    {"made", NULL, NULL, 800, 1, 800},
    {"leaf", NULL, NO_POINTERS, 0, 0, 1792},
    {"big", NULL, NO_POINTERS, 0, 0, 64 << 20},
    {"odd_large", NULL, NO_POINTERS, 0, 0, 100001},
    {"tiny", NULL, NO_POINTERS, 0, 0, 9},
    {"small", NULL, UP_TO_512, 0, 0, 320},
};

enum { OBJECTS_COUNT = sizeof OBJECTS / sizeof OBJECTS[0], FIRST_WITH_TYPES = 22, LAST_WITH_PROGRAMS = 23 };

/* Why the type is not known; NULL: it is. */
static const char *expected_why(int i, unsigned minor, char *text, size_t bytes)
{
    if (OBJECTS[i].why_not == NO_POINTERS)
        return NO_POINTERS;
    if (minor < FIRST_WITH_TYPES) {
        snprintf(text, bytes, "go1.%u keeps pointer bits of its heap, no types", minor);
        return text;
    }
    return minor <= LAST_WITH_PROGRAMS && strcmp(OBJECTS[i].word, "pointers") == 0 ? LARGE_ARRAY : OBJECTS[i].why_not;
}

static void check_object(const char *truth, const char *pid, int i, unsigned minor)
{
    char text[96];
    uint64_t address = text_number(truth, OBJECTS[i].word);
    const char *what = OBJECTS[i].word, *why = expected_why(i, minor, text, sizeof text);
    json_t *page = page_at(pid, address, (const char *[]){NULL});
    cr_expect(is_word(dump_at(page, "object/type_why_not"), why), "go1.%u %s: %s", minor, what,
              json_is_null(dump_at(page, "object/type_why_not")) ? "known" : dump_text(page, "object/type_why_not"));
    cr_expect_leq(dump_number(page, "object/asked_min"), OBJECTS[i].asked_bytes, "go1.%u %s", minor, what);
    cr_expect_geq(dump_number(page, "object/asked_max"), OBJECTS[i].asked_bytes, "go1.%u %s", minor, what);
    cr_expect_leq(dump_number(page, "object/asked_max") + dump_number(page, "object/header_bytes"),
                  dump_number(page, "go/span/slot_bytes"));
    cr_expect_eq(json_is_true(dump_at(page, "object/is_tiny")), strcmp(what, "tiny") == 0, "go1.%u %s", minor, what);
    if (why == NULL) {
        cr_expect(is_word(dump_at(page, "object/type/name"), OBJECTS[i].name), "go1.%u %s", minor, what);
        cr_expect_eq(dump_number(page, "object/type/bytes"), OBJECTS[i].type_bytes, "go1.%u %s", minor, what);
        cr_expect_eq(dump_number(page, "object/type/elements_max"), OBJECTS[i].elements, "go1.%u %s", minor, what);
    } else {
        cr_expect(json_is_null(dump_at(page, "object/type")), "go1.%u %s", minor, what);
    }
    if (why == NULL && strcmp(what, "node") == 0)
        cr_expect_eq(dump_address(page, "object/type/descriptor"), text_number(truth, "node_type"));
    json_decref(page);
}

TOOLCHAIN_TEST(page_object, types_are_those_that_the_program_made, .timeout = 300)
{
    char truth[TRUTH_BYTES], pid[16];
    struct program *program =
        program_start(&(struct program_setup){.arguments = (const char *[]){app_path(toolchain, "pagetruth"), NULL}});
    snprintf(truth, sizeof truth, "%s", program_await_phase(program, "held"));
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    for (int i = 0; i < OBJECTS_COUNT; i++)
        check_object(truth, pid, i, (unsigned)toolchain_minor(toolchain));
    /* What is not there has no type. */
    static const char *const NOTHING[] = {"dead", "kept", "stack", "malloc"};
    for (unsigned i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++) {
        json_t *page = page_at(pid, text_number(truth, NOTHING[i]), (const char *[]){NULL});
        cr_expect(json_is_null(dump_at(page, "object")) && json_is_null(dump_at(page, "maps")), "%s", NOTHING[i]);
        json_decref(page);
    }
    program_free(program);
}

/* ---- maps ---- */

static const char *const PARTS[TRUTH_PARTS] = {"header",   "tables", "buckets",  "old_buckets",
                                               "overflow", "keys",   "elements", "deep"};

struct scene {
    struct temp_dir dir;
    struct program *program;
    char pid[16];
    unsigned minor;
    int memory; /* /proc/PID/mem */
};

static struct scene start(const struct toolchain *toolchain, const char *phase)
{
    char path[PATH_BYTES];
    struct scene scene = {.dir = temp_dir_make(), .minor = (unsigned)toolchain_minor(toolchain)};
    scene.program = program_start(&(struct program_setup){
        .arguments = (const char *[]){app_path(toolchain, "maps"), scene.dir.path, phase, NULL}});
    snprintf(scene.pid, sizeof scene.pid, "%d", (int)program_pid(scene.program));
    snprintf(path, sizeof path, "/proc/%s/mem", scene.pid);
    scene.memory = open(path, O_RDONLY | O_CLOEXEC);
    must(scene.memory >= 0, "%s", path);
    return scene;
}

static void end(struct scene *scene)
{
    close(scene->memory);
    program_free(scene->program);
    temp_dir_remove(&scene->dir);
}

static void read_memory(const struct scene *scene, uint64_t address, void *bytes, size_t count)
{
    must(pread(scene->memory, bytes, count, (off_t)address) == (ssize_t)count, "memory at %" PRIx64, address);
}

static json_t *ask(const struct scene *scene, const struct map_truth *truth, uint64_t address)
{
    json_t *page = page_at(scene->pid, address,
                           (const char *[]){"--map", truth->variable, truth->is_deep ? "--deep" : NULL, NULL});
    cr_assert_eq(json_array_size(dump_at(page, "maps/owners")), 1u, "go1.%u %s: nobody's: %" PRIx64, scene->minor,
                 truth->variable, address);
    cr_expect_str_eq(dump_text(page, "maps/owners/0/name"), truth->variable);
    cr_expect_eq(dump_address(page, "maps/owners/0/address"), text_number(truth->line, "address"));
    return page;
}

/* The first, one in the middle and the last object of each part; those that two parts share may be told as either's. */
static unsigned check_parts(const struct scene *scene, const struct map_truth *truth)
{
    unsigned checked = 0;
    for (unsigned part = 0; part < TRUTH_PARTS; part++) {
        const struct map_object *found[3] = {0};
        size_t count = 0, seen = 0;
        for (size_t i = 0; i < truth->objects_count; i++)
            count += truth->objects[i].part == part;
        for (size_t i = 0; i < truth->objects_count; i++) {
            if (truth->objects[i].part != part)
                continue;
            unsigned which = seen == 0 ? 0 : seen == count / 2 ? 1 : 2;
            found[which] = &truth->objects[i];
            seen++;
        }
        for (unsigned k = 0; k < 3 && !truth->has_shared_objects; k++) {
            if (found[k] == NULL)
                continue;
            json_t *page = ask(scene, truth, found[k]->base + found[k]->slot_bytes / 2);
            cr_expect_str_eq(dump_text(page, "maps/owners/0/part"), PARTS[part], "go1.%u %s: %" PRIx64, scene->minor,
                             truth->variable, found[k]->base);
            checked++;
            json_decref(page);
        }
    }
    return checked;
}

/* Where in the map's slots the pointer to `target` is; 0: nowhere. */
static uint64_t find_pointer(const struct scene *scene, const struct map_truth *truth, uint64_t target)
{
    uint64_t found = 0;
    for (size_t i = 0; i < truth->objects_count && found == 0; i++) {
        const struct map_object *object = &truth->objects[i];
        if (object->part != TRUTH_BUCKETS && object->part != TRUTH_OVERFLOW)
            continue;
        uint64_t *words = malloc(object->slot_bytes);
        must(words != NULL, "malloc");
        read_memory(scene, object->base, words, object->slot_bytes);
        for (uint64_t k = 0; k < object->slot_bytes / sizeof *words && found == 0; k++)
            found = words[k] == target ? object->base + k * sizeof *words : 0;
        free(words);
    }
    return found;
}

/* Slots of a map from string to string: by the sources of each design. */
static uint64_t place_in_group(const struct scene *scene, bool is_key, uint64_t slot)
{
    if (scene->minor < 24)
        return 8 + (is_key ? 0 : 8 * 16) + slot * 16;
    return 8 + slot * 32 + (is_key ? 0 : 16);
}

enum { GROUP_BYTES_BUCKETS = 8 + 8 * 32 + 8, GROUP_BYTES_SWISS = 8 + 8 * 32 };

/* The key's bytes (or the element's) at `target`, and the slot that holds their string. */
static void check_slot(const struct scene *scene, const struct map_truth *truth, uint64_t target, bool is_key)
{
    uint8_t control[8];
    uint64_t at = find_pointer(scene, truth, target);
    bool is_swiss = scene->minor >= 24;
    if (at == 0) /* in an old bucket */
        return;
    json_t *page = ask(scene, truth, at + 8);
    const json_t *place = dump_at(page, "maps/owners/0/place");
    uint64_t start = dump_address(place, "start"), slot = dump_number(place, "slot");
    cr_expect_str_eq(dump_text(place, "what"), is_key ? "key" : "element", "go1.%u %" PRIx64, scene->minor, at);
    cr_expect_str_eq(dump_text(place, "state"), "full", "go1.%u %" PRIx64, scene->minor, at);
    cr_assert_lt(slot, 8u);
    cr_expect_eq(start + place_in_group(scene, is_key, slot), at, "go1.%u: slot %" PRIu64, scene->minor, slot);
    read_memory(scene, start, control, sizeof control);
    cr_expect(is_swiss ? control[slot] < 0x80 : control[slot] >= 5, "go1.%u: slot %" PRIu64, scene->minor, slot);
    const char *kind = dump_text(place, "kind");
    if (strcmp(kind, "bucket") == 0 || strcmp(kind, "group") == 0) {
        uint64_t first = dump_address(page, "go/slot/start") + dump_number(page, "object/header_bytes");
        cr_expect_eq(first + dump_number(place, "number") * (is_swiss ? GROUP_BYTES_SWISS : GROUP_BYTES_BUCKETS), start,
                     "go1.%u", scene->minor);
    }
    json_t *byte = ask(scene, truth, start + slot);
    cr_expect_str_eq(dump_text(byte, "maps/owners/0/place/what"), "control");
    cr_expect_eq(dump_number(byte, "maps/owners/0/place/slot"), slot);
    json_decref(byte);
    json_decref(page);
}

static void check_slots(const struct scene *scene, const struct map_truth *truth)
{
    unsigned checked[2] = {0};
    for (size_t i = 0; i < truth->objects_count; i++) {
        const struct map_object *object = &truth->objects[i];
        bool is_key = object->part == TRUTH_KEYS;
        if ((is_key || object->part == TRUTH_ELEMENTS) && checked[is_key]++ < 3)
            check_slot(scene, truth, object->base, is_key);
    }
    cr_expect(checked[0] > 0 && checked[1] > 0, "no strings in %s", truth->variable);
}

/* ---- states ---- */

static uint64_t group_bytes(const struct scene *scene)
{
    return scene->minor >= 24 ? GROUP_BYTES_SWISS : GROUP_BYTES_BUCKETS;
}

/* By the sources of each design. */
static const char *state_of(const struct scene *scene, const uint8_t *group, unsigned slot)
{
    if (scene->minor >= 24)
        return group[slot] < 0x80 ? "full" : group[slot] == 0xfe ? "tombstone" : "empty";
    if (group[0] >= 2 && group[0] <= 4)
        return "evacuated";
    return group[slot] >= 5 ? "full" : "empty";
}

/* The first bucket or group of a map's object. */
static uint64_t first_group(const struct scene *scene, const struct map_object *object)
{
    json_t *page = page_at(scene->pid, object->base, (const char *[]){NULL});
    uint64_t first = object->base + dump_number(page, "object/header_bytes");
    json_decref(page);
    return first;
}

/* Both kinds of buckets; asks about one slot of the state. Returns whether the map has one. */
static bool check_state(const struct scene *scene, const struct map_truth *truth, const char *state)
{
    for (size_t i = 0; i < truth->objects_count; i++) {
        const struct map_object *object = &truth->objects[i];
        uint8_t group[GROUP_BYTES_BUCKETS];
        if (object->part != TRUTH_BUCKETS && object->part != TRUTH_OLD_BUCKETS)
            continue;
        uint64_t first = first_group(scene, object), bytes = group_bytes(scene);
        /* Behind the buckets of the array are spare ones, a sixteenth. */
        uint64_t groups = object->asked_bytes / bytes * 15 / 16;
        for (uint64_t number = 0; number < groups; number++) {
            read_memory(scene, first + number * bytes, group, bytes);
            unsigned slot = 0;
            while (slot < 8 && strcmp(state_of(scene, group, slot), state) != 0)
                slot++;
            if (slot == 8)
                continue;
            json_t *page = ask(scene, truth, first + number * bytes + place_in_group(scene, false, slot));
            const json_t *place = dump_at(page, "maps/owners/0/place");
            cr_expect_str_eq(dump_text(place, "state"), state, "go1.%u", scene->minor);
            cr_expect_str_eq(dump_text(place, "what"), "element");
            cr_expect_str_eq(dump_text(place, "kind"), scene->minor >= 24              ? "group"
                                                       : object->part == TRUTH_BUCKETS ? "bucket"
                                                                                       : "old_bucket");
            cr_expect_eq(dump_number(place, "number"), number, "go1.%u", scene->minor);
            cr_expect_eq(dump_number(place, "slot"), slot, "go1.%u", scene->minor);
            json_decref(page);
            return true;
        }
    }
    return false;
}

/* Chains: up to go1.23. Asks about the pointer of each bucket that has one, and about the bucket that it leads to. */
static unsigned check_chains(const struct scene *scene, const struct map_truth *truth, uint64_t bytes)
{
    unsigned checked = 0;
    for (size_t i = 0; i < truth->objects_count; i++) {
        const struct map_object *object = &truth->objects[i];
        uint64_t next;
        if (object->part != TRUTH_BUCKETS)
            continue;
        uint64_t first = first_group(scene, object), groups = object->asked_bytes / bytes * 15 / 16;
        for (uint64_t number = 0; number < groups && checked < 8; number++) {
            uint64_t at = first + number * bytes + bytes - sizeof next;
            read_memory(scene, at, &next, sizeof next);
            if (next == 0)
                continue;
            json_t *pointer = ask(scene, truth, at), *bucket = ask(scene, truth, next + 8);
            const json_t *place = dump_at(bucket, "maps/owners/0/place");
            cr_expect_str_eq(dump_text(pointer, "maps/owners/0/place/what"), "overflow");
            cr_expect_eq(dump_number(pointer, "maps/owners/0/place/number"), number);
            cr_expect_eq(dump_address(place, "start"), next);
            if (next >= object->base && next - object->base < object->slot_bytes) {
                cr_expect_str_eq(dump_text(place, "kind"), "spare_bucket");
            } else {
                cr_expect_str_eq(dump_text(place, "kind"), "overflow_bucket");
                cr_expect_str_eq(dump_text(place, "chain_of"), "bucket");
                cr_expect_str_eq(dump_text(bucket, "maps/owners/0/part"), "overflow");
                cr_expect_eq(dump_number(place, "number"), number);
                cr_expect_eq(dump_number(place, "chain"), 1u);
            }
            checked++;
            json_decref(pointer);
            json_decref(bucket);
        }
    }
    return checked;
}

/* The first entry of a map whose elements are constants: their bytes lie in the program's image. */
static void check_static(const struct scene *scene, const struct map_truth *truth)
{
    uint8_t group[GROUP_BYTES_BUCKETS];
    size_t i = 0;
    while (i < truth->objects_count && truth->objects[i].part != TRUTH_BUCKETS)
        i++;
    cr_assert_lt(i, truth->objects_count);
    const struct map_object *object = &truth->objects[i];
    uint64_t bytes = group_bytes(scene), at = first_group(scene, object), end = at + object->asked_bytes, target;
    unsigned slot = 8;
    for (at -= bytes; slot == 8;) {
        at += bytes;
        cr_assert_leq(at + bytes, end, "no slot is full");
        read_memory(scene, at, group, bytes);
        for (slot = 0; slot < 8 && strcmp(state_of(scene, group, slot), "full") != 0;)
            slot++;
    }
    read_memory(scene, at + place_in_group(scene, false, slot), &target, sizeof target);
    json_t *page = ask(scene, truth, target + 3);
    cr_expect_str_eq(dump_text(page, "maps/owners/0/part"), "elements", "go1.%u", scene->minor);
    cr_expect_str_eq(dump_text(page, "class"), "go.image", "go1.%u", scene->minor);
    cr_expect(json_is_null(dump_at(page, "go")));
    json_decref(page);
}

static bool is_of_interest(const struct map_truth *truth)
{
    static const char *const NAMES[] = {"main.MLongString", "main.MInt64Pointer", "main.MLargeLarge", "main.MNested",
                                        "main.MStringAny"};
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (strcmp(truth->variable, NAMES[i]) == 0)
            return true;
    }
    return false;
}

/* Reads all maps of the phase; to be freed. Their number. */
static unsigned await_phase(const struct scene *scene, const char *phase, struct map_truth truths[MAPS_MAX])
{
    char reached[MAP_TRUTH_NAME_BYTES];
    unsigned maps;
    map_truth_next_phase(scene->program, reached, &maps);
    cr_assert(maps > 0 && maps <= MAPS_MAX);
    for (unsigned i = 0; i < maps; i++)
        map_truth_read(&truths[i], scene->program, scene->dir.path);
    program_await_phase(scene->program, phase);
    return maps;
}

static void check_phase(const struct toolchain *toolchain, const char *phase)
{
    struct map_truth truths[MAPS_MAX];
    unsigned checked = 0;
    struct scene scene = start(toolchain, phase);
    unsigned maps = await_phase(&scene, phase, truths);
    for (unsigned i = 0; i < maps; i++) {
        if (is_of_interest(&truths[i]))
            checked += check_parts(&scene, &truths[i]);
        if (strcmp(truths[i].variable, "main.MLongString") == 0)
            check_slots(&scene, &truths[i]);
        if (strcmp(truths[i].variable, "main.MStringStatic") == 0)
            check_static(&scene, &truths[i]);
        map_truth_free(&truths[i]);
    }
    cr_expect_gt(checked, 20u);
    end(&scene);
}

TOOLCHAIN_TEST(page_object, belongs_to_a_map_as_the_part_that_the_program_says, .timeout = 600)
{
    check_phase(toolchain, "1000");
}

TOOLCHAIN_TEST(page_object, belongs_to_a_map_that_grows, .timeout = 600)
{
    check_phase(toolchain, "growing");
}

static void check_states(const struct toolchain *toolchain, const char *phase, const char *variable,
                         const char *const *states)
{
    struct map_truth truths[MAPS_MAX];
    bool is_found = false;
    struct scene scene = start(toolchain, phase);
    unsigned maps = await_phase(&scene, phase, truths);
    for (unsigned i = 0; i < maps; i++) {
        if (strcmp(truths[i].variable, variable) == 0) {
            is_found = true;
            for (unsigned k = 0; states[k] != NULL; k++)
                cr_expect(check_state(&scene, &truths[i], states[k]), "go%s: no slot is %s", toolchain->version,
                          states[k]);
        }
        map_truth_free(&truths[i]);
    }
    cr_expect(is_found);
    end(&scene);
}

TOOLCHAIN_TEST(page_object, slots_are_full_empty_deleted_or_evacuated, .timeout = 300)
{
    bool is_swiss = toolchain_minor(toolchain) >= 24;
    check_states(toolchain, "half", "main.MLongString",
                 is_swiss ? (const char *[]){"full", "empty", "tombstone", NULL}
                          : (const char *[]){"full", "empty", NULL});
    if (!is_swiss)
        check_states(toolchain, "growing", "main.MLongString", (const char *[]){"full", "evacuated", NULL});
}

TOOLCHAIN_TEST(page_object, overflow_buckets_hang_on_their_chains, .timeout = 300)
{
    struct map_truth truths[MAPS_MAX];
    if (toolchain_minor(toolchain) >= 24)
        return;                                           /* Swiss maps have none */
    const uint64_t bucket_bytes = 8 + 8 * 16 + 8 * 8 + 8; /* of a map[string]int64 */
    struct scene scene = start(toolchain, "overflow");
    unsigned maps = await_phase(&scene, "overflow", truths), checked = 0;
    for (unsigned i = 0; i < maps; i++) {
        if (strcmp(truths[i].variable, "main.MStringInt64") == 0)
            checked = check_chains(&scene, &truths[i], bucket_bytes);
        map_truth_free(&truths[i]);
    }
    cr_expect_gt(checked, 2u);
    end(&scene);
}

/* ---- which maps ---- */

TOOLCHAIN_TEST(page_object, maps_are_searched_by_name_and_unasked, .timeout = 180)
{
    struct map_truth truths[MAPS_MAX];
    struct scene scene = start(toolchain, "100");
    unsigned maps = await_phase(&scene, "100", truths);
    uint64_t address = text_number(truths[0].line, "address");
    json_t *unasked = page_at(scene.pid, address, (const char *[]){NULL});
    cr_expect_str_eq(dump_text(unasked, "maps/owners/0/name"), truths[0].variable);
    cr_expect_str_eq(dump_text(unasked, "maps/pattern"), "*");
    cr_expect_geq(dump_number(unasked, "maps/searched"), maps);
    json_t *other = page_at(scene.pid, address, (const char *[]){"--map", truths[1].variable, NULL});
    cr_expect_eq(json_array_size(dump_at(other, "maps/owners")), 0u);
    cr_expect_eq(dump_number(other, "maps/searched"), 1u);
    cr_expect_eq(dump_number(other, "maps/entries"), text_number(truths[1].line, "entries"));
    json_t *both = page_at(scene.pid, address, (const char *[]){"--map", truths[1].variable, "--map", "main.*", NULL});
    cr_expect_str_eq(dump_text(both, "maps/owners/0/part"), "header");
    cr_expect_eq(json_array_size(dump_at(both, "maps/owners")), 1u);
    struct program *missing =
        gopagewatch_run((const char *[]){"page", "1000", scene.pid, "--map", "main.NoSuch", NULL});
    expect_refusal(missing, 4, "there is no variable main.NoSuch");
    json_decref(unasked);
    json_decref(other);
    json_decref(both);
    for (unsigned i = 0; i < maps; i++)
        map_truth_free(&truths[i]);
    end(&scene);
}

Test(page_object, map_goes_with_an_address, .timeout = 180)
{
    expect_refusal(gopagewatch_run((const char *[]){"page", "--pfn", "1", "1", "--map", "main.x", NULL}), 2,
                   "--map goes with an address, not with --pfn");
}
