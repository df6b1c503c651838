/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch map` against programs that know their maps (tests/apps/maps): the numbers against what the program reads
 * of its own structs, bytes against what HeapAlloc grew by, pages against pagemap as the test reads it itself.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/checks.h"
#include "tests/e2e/map_answers.h"
#include "tests/e2e/map_truth.h"
#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/core.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/outbox.h"
#include "tests/e2e/support/temp_dir.h"
#include "tests/e2e/support/text.h"

enum { WHAT_BYTES = 128, PATH_BYTES = 256, PHASES_MAX = 12, MAPS_MAX = 32 };

/* HeapAlloc moves by itself, a little: now and then the runtime allocates or frees a small object of its own between
 * two readings. Where nothing was made, 16 bytes were seen. */
enum { HEAP_NOISE_BYTES = 64 };

struct scene {
    struct temp_dir dir;
    struct program *program;
    char pid[16];
    const char *version;
};

static void begin_quietly(void)
{
    allow_core();
    forbid_huge_pages();
}

static struct scene start_form(const struct toolchain *toolchain, const char *form, const char *const *phases)
{
    struct scene scene = {.dir = temp_dir_make(), .version = toolchain->version};
    const char *arguments[PHASES_MAX + 3] = {app_path(toolchain, form), scene.dir.path};
    for (unsigned i = 0; phases[i] != NULL; i++) {
        if (i == PHASES_MAX)
            fail("more than %d phases", PHASES_MAX);
        arguments[i + 2] = phases[i];
    }
    scene.program = program_start(&(struct program_setup){
        .arguments = arguments,
        .environment = (const char *[]){"GOTRACEBACK=crash", NULL},
        .directory = scene.dir.path,
        .before_exec = begin_quietly,
    });
    snprintf(scene.pid, sizeof scene.pid, "%d", (int)program_pid(scene.program));
    return scene;
}

static struct scene start(const struct toolchain *toolchain, const char *const *phases)
{
    return start_form(toolchain, "maps", phases);
}

static void end(struct scene *scene)
{
    program_free(scene->program);
    temp_dir_remove(&scene->dir);
}

/* ---- one map ---- */

/* How the program calls a number, and how the answer does. */
static const struct {
    const char *truth, *answer;
} NUMBERS[] = {
    {"address", "address"},
    {"entries", "entries"},
    {"entries", "count"},
    {"capacity", "capacity"},
    {"tombstones", "tombstones"},
    {"buckets", "buckets"},
    {"old_buckets", "old_buckets"},
    {"evacuated_buckets", "evacuated_buckets"},
    {"overflow_buckets", "overflow_buckets"},
    {"tables", "tables"},
    {"directory_slots", "directory_slots"},
    {"key_bytes", "key_bytes"},
    {"element_bytes", "element_bytes"},
};

/* reflect writes "interface {}", of which the line of truth makes "interface_{}". */
static bool is_same_type(const char *answer, const char *truth)
{
    for (; *answer != '\0' && (*answer == *truth || (*answer == ' ' && *truth == '_')); answer++)
        truth++;
    return *answer == '\0' && *truth == '\0';
}

static void check_numbers(const json_t *answer, const struct map_truth *truth, const char *what)
{
    for (unsigned i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        uint64_t is = map_answer_number(answer, NUMBERS[i].answer),
                 expected = text_number(truth->line, NUMBERS[i].truth);
        cr_expect_eq(is, expected, "%s: %s is %" PRIu64 ", not %" PRIu64, what, NUMBERS[i].answer, is, expected);
    }
    const char *type = dump_text(answer, "type");
    cr_expect(is_same_type(type, truth->type), "%s: the type is %s, not %s", what, type, truth->type);
    /* Nothing moves: once through, without a doubt. */
    static const char *const NOTHING[] = {"torn_reads", "unknown_objects"};
    for (unsigned i = 0; i < sizeof NOTHING / sizeof NOTHING[0]; i++)
        cr_expect_eq(map_answer_number(answer, NOTHING[i]), 0u, "%s: %s is %" PRIu64, what, NOTHING[i],
                     map_answer_number(answer, NOTHING[i]));
}

static void check_pages(const json_t *answer, const struct map_truth *truth, unsigned part, pid_t pid, const char *what)
{
    struct map_pages pages = map_truth_pages(truth, part, pid);
    struct map_answer_part is = map_answer_part(answer, part);
    cr_expect_eq(is.objects, pages.objects, "%s, part %u: %" PRIu64 " objects, not %" PRIu64, what, part, is.objects,
                 pages.objects);
    cr_expect_eq(is.allocated_bytes, pages.slot_bytes, "%s, part %u: %" PRIu64 " bytes allocated, not %" PRIu64, what,
                 part, is.allocated_bytes, pages.slot_bytes);
    cr_expect_eq(is.go_pages, pages.go_pages, "%s, part %u: %" PRIu64 " pages, not %" PRIu64, what, part, is.go_pages,
                 pages.go_pages);
    cr_expect_eq(is.resident_bytes, pages.resident_bytes, "%s, part %u: %" PRIu64 " bytes resident, not %" PRIu64, what,
                 part, is.resident_bytes, pages.resident_bytes);
    cr_expect_geq(is.spans_bytes, is.allocated_bytes, "%s, part %u", what, part);
    if (part != TRUTH_PARTS)
        return;
    uint64_t resident = map_answer_number(answer, "pages_resident"), alone = map_answer_number(answer, "pages_alone");
    uint64_t shared = map_answer_number(answer, "pages_shared");
    cr_expect_eq(resident, pages.resident_go_pages, "%s: %" PRIu64 " pages are resident, not %" PRIu64, what, resident,
                 pages.resident_go_pages);
    cr_expect_eq(alone + shared, pages.go_pages, "%s: %" PRIu64 " pages alone, %" PRIu64 " shared, of %" PRIu64, what,
                 alone, shared, pages.go_pages);
}

static void check_bytes(const json_t *answer, const struct map_truth *truth, const char *what)
{
    double heap = (double)(int64_t)text_number(truth->line, "heap_bytes");
    double is = (double)map_answer_part(answer, TRUTH_PARTS).allocated_bytes;
    double bound = heap / 100 > HEAP_NOISE_BYTES ? heap / 100 : HEAP_NOISE_BYTES,
           off = is > heap ? is - heap : heap - is;
    cr_expect_leq(off, bound, "%s: %.0f bytes, HeapAlloc grew by %.0f", what, is, heap);
    static const unsigned POINTED[] = {TRUTH_KEYS, TRUTH_ELEMENTS};
    for (unsigned i = 0; i < sizeof POINTED / sizeof POINTED[0]; i++) {
        struct map_answer_part part = map_answer_part(answer, POINTED[i]);
        uint64_t asked = part.asked_bytes, all = truth->asked_bytes[POINTED[i]];
        /* Of tiny objects that share slots with another part's not more than the slots that are this one's. */
        uint64_t expected = all < part.allocated_bytes ? all : part.allocated_bytes;
        cr_expect_eq(asked, expected, "%s, part %u: %" PRIu64 " bytes asked for, not %" PRIu64, what, POINTED[i], asked,
                     expected);
    }
}

/* `is_deep`: the answer is by --deep. */
static void check_map(const json_t *answers, const struct map_truth *truth, bool is_deep, pid_t pid, const char *phase,
                      const char *version)
{
    char what[WHAT_BYTES];
    const json_t *answer = map_answer_of(answers, truth->variable);
    snprintf(what, sizeof what, "go%s %s %s%s", version, phase, truth->variable, is_deep ? " --deep" : "");
    cr_assert(map_answer_is_known(answer), "%s: %s", what, json_string_value(dump_find(answer, "why")));
    check_numbers(answer, truth, what);
    if (truth->is_deep && !is_deep)
        return;
    check_bytes(answer, truth, what);
    check_pages(answer, truth, TRUTH_PARTS, pid, what);
    /* Which part a shared object belongs to is the order of the walk. */
    for (unsigned part = 0; part < TRUTH_PARTS && !truth->has_shared_objects && !truth->is_deep; part++)
        check_pages(answer, truth, part, pid, what);
}

/* ---- phases ---- */

/* Nothing has changed since the truth was told: the same line again. */
static bool is_at_rest(struct program *program, const char *phase, char before[MAP_TRUTH_LINE_BYTES])
{
    char after[MAP_TRUTH_LINE_BYTES];
    program_send(program, "again");
    snprintf(after, sizeof after, "%s", program_await_phase(program, phase));
    bool is_same = strcmp(before, after) == 0;
    memcpy(before, after, sizeof after);
    return is_same;
}

/* Answers about all maps of the package, or about one; taken while the program rests. */
static json_t *ask(const struct scene *scene, const char *phase, const char *variable, bool is_deep)
{
    char line[MAP_TRUTH_LINE_BYTES];
    program_send(scene->program, "again");
    snprintf(line, sizeof line, "%s", program_await_phase(scene->program, phase));
    for (unsigned attempt = 0; attempt < 20; attempt++) {
        json_t *answers = map_answers_run((const char *[]){variable, scene->pid, is_deep ? "--deep" : NULL, NULL});
        if (is_at_rest(scene->program, phase, line))
            return answers;
        json_decref(answers);
    }
    fail("the program never rests in %s", phase);
}

struct phase {
    char name[MAP_TRUTH_NAME_BYTES];
    unsigned maps;
    struct map_truth truths[MAPS_MAX];
};

/* False: there is none more. */
static bool phase_await(struct phase *phase, const struct scene *scene)
{
    map_truth_next_phase(scene->program, phase->name, &phase->maps);
    if (strcmp(phase->name, "end") == 0)
        return false;
    if (phase->maps == 0 || phase->maps > MAPS_MAX)
        fail("%s: %u maps", phase->name, phase->maps);
    for (unsigned i = 0; i < phase->maps; i++)
        map_truth_read(&phase->truths[i], scene->program, scene->dir.path);
    program_await_phase(scene->program, phase->name);
    return true;
}

static void phase_leave(struct phase *phase, const struct scene *scene)
{
    for (unsigned i = 0; i < phase->maps; i++)
        map_truth_free(&phase->truths[i]);
    program_go_on(scene->program);
}

static void check_phase(const struct phase *phase, const struct scene *scene)
{
    for (int is_deep = 0; is_deep <= 1; is_deep++) {
        json_t *answers = ask(scene, phase->name, "main.*", is_deep == 1);
        for (unsigned i = 0; i < phase->maps; i++)
            check_map(answers, &phase->truths[i], is_deep == 1, program_pid(scene->program), phase->name,
                      scene->version);
        json_decref(answers);
    }
}

static void check_phases_of(const struct toolchain *toolchain, const char *form, const char *const *phases)
{
    static struct phase phase;
    unsigned count = 0;
    struct scene scene = start_form(toolchain, form, phases);
    for (; phase_await(&phase, &scene); count++) {
        check_phase(&phase, &scene);
        phase_leave(&phase, &scene);
    }
    cr_expect_eq(phases[count], NULL, "%u phases", count);
    end(&scene);
}

static void check_phases(const struct toolchain *toolchain, const char *const *phases)
{
    check_phases_of(toolchain, "maps", phases);
}

TOOLCHAIN_TEST(maps, small_ones_of_all_types_are_told_as_they_are, .timeout = 600)
{
    check_phases(toolchain, (const char *[]){"nil", "0", "1", "8", "9", "1000", NULL});
}

TOOLCHAIN_TEST(maps, made_with_a_hint_or_after_deletes_they_are_told_as_they_are, .timeout = 600)
{
    check_phases(toolchain, (const char *[]){"hint", "hinted", "half", "deleted", "cleared", "refilled", NULL});
}

/* Up to go1.23 in mid-evacuation, to the double and to the same size, and with as many overflow buckets as may be;
 * later with several tables, and with tombstones. */
TOOLCHAIN_TEST(maps, growing_and_crowded_ones_are_told_as_they_are, .timeout = 600)
{
    check_phases(toolchain, (const char *[]){"growing", "same_size", "overflow", NULL});
}

/* Of go1.24 and go1.25. */
TOOLCHAIN_TEST(maps, of_the_older_design_in_versions_that_have_both_are_told_as_they_are, .timeout = 600)
{
    unsigned minor = toolchain_minor(toolchain);
    if (minor == 24 || minor == 25)
        check_phases_of(toolchain, "maps.noswiss",
                        (const char *[]){"nil", "9", "1000", "half", "growing", "same_size", "overflow", NULL});
}

/* One variable at a time. */
TOOLCHAIN_TEST(maps, of_a_million_entries_they_are_told_as_they_are, .timeout = 900)
{
    static struct phase phase;
    struct scene scene = start(toolchain, (const char *[]){"million", "hint_million", NULL});
    while (phase_await(&phase, &scene)) {
        for (unsigned i = 0; i < phase.maps; i++) {
            json_t *answers = ask(&scene, phase.name, phase.truths[i].variable, false);
            cr_expect_eq(json_array_size(dump_at(answers, "maps")), 1u);
            check_map(answers, &phase.truths[i], false, program_pid(scene.program), phase.name, scene.version);
            json_decref(answers);
        }
        phase_leave(&phase, &scene);
    }
    end(&scene);
}

/* What making the map anew would give is what make() gives. */
TOOLCHAIN_TEST(maps, made_anew_they_would_be_as_made_with_that_hint, .timeout = 300)
{
    static struct phase phase;
    uint64_t capacity[MAPS_MAX], bytes[MAPS_MAX];
    struct scene scene = start(toolchain, (const char *[]){"hint", "1000", NULL});
    while (phase_await(&phase, &scene)) {
        json_t *answers = ask(&scene, phase.name, "main.*", false);
        for (unsigned i = 0; i < phase.maps; i++) {
            const struct map_truth *truth = &phase.truths[i];
            if (strcmp(phase.name, "hint") == 0) {
                capacity[i] = text_number(truth->line, "capacity");
                bytes[i] = map_truth_pages(truth, TRUTH_BUCKETS, program_pid(scene.program)).slot_bytes;
                continue;
            }
            const json_t *answer = map_answer_of(answers, truth->variable);
            cr_expect_eq(dump_number(answer, "remade/capacity"), capacity[i],
                         "go%s %s: %" PRIu64 " slots, not %" PRIu64, scene.version, truth->variable,
                         dump_number(answer, "remade/capacity"), capacity[i]);
            cr_expect_eq(dump_number(answer, "remade/bytes"), bytes[i], "go%s %s: %" PRIu64 " bytes, not %" PRIu64,
                         scene.version, truth->variable, dump_number(answer, "remade/bytes"), bytes[i]);
        }
        json_decref(answers);
        phase_leave(&phase, &scene);
    }
    end(&scene);
}

/* ---- ways to a map ---- */

static void expect_same_answer(const json_t *answer, const json_t *expected, bool has_other_name, const char *what)
{
    json_t *copies[2] = {map_answer_lasting(answer), map_answer_lasting(expected)};
    char *texts[2];
    for (int i = 0; i < 2; i++) {
        if (has_other_name)
            json_object_del(copies[i], "name");
        texts[i] = json_dumps(copies[i], JSON_INDENT(1) | JSON_SORT_KEYS);
        json_decref(copies[i]);
    }
    cr_expect_str_eq(texts[0], texts[1], "%s: %s, not %s", what, texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

static void check_ways(const struct toolchain *toolchain, const char *form)
{
    static const char *const WAYS[] = {"main.Server.cache", "main.Shards[3]", "main.Server.shards[3]",
                                       "main.Server.next.next.cache", "main.Server.next.shards[3]"};
    static struct phase phase;
    char address[MAP_TRUTH_NAME_BYTES];
    struct scene scene = start_form(toolchain, form, (const char *[]){"paths", NULL});
    phase_await(&phase, &scene);
    json_t *expected = ask(&scene, phase.name, "main.MStringInt64", false);
    const json_t *direct = map_answer_of(expected, "main.MStringInt64");
    check_map(expected, &phase.truths[0], false, program_pid(scene.program), phase.name, scene.version);
    for (unsigned i = 0; i < sizeof WAYS / sizeof WAYS[0]; i++) {
        json_t *answers = ask(&scene, phase.name, WAYS[i], false);
        expect_same_answer(map_answer_of(answers, WAYS[i]), direct, true, WAYS[i]);
        json_decref(answers);
    }
    snprintf(address, sizeof address, "0x%" PRIx64, text_number(phase.truths[0].line, "address"));
    json_t *answers = map_answers_run((const char *[]){address, "--type", "map[string]int64", scene.pid, NULL});
    cr_assert_eq(json_array_size(dump_at(answers, "maps")), 1u);
    expect_same_answer(json_array_get(dump_at(answers, "maps"), 0), direct, true, address);
    json_decref(answers);
    json_decref(expected);
    phase_leave(&phase, &scene);
    end(&scene);
}

TOOLCHAIN_TEST(maps, all_ways_to_a_map_lead_to_the_same_answer, .timeout = 300)
{
    check_ways(toolchain, "maps");
    check_ways(toolchain, "maps.pie");
}

/* ---- from inside ---- */

/* The dumps of a program that watches its maps say what the command says from outside. */
TOOLCHAIN_TEST(maps, that_a_program_watches_are_in_its_dumps, .timeout = 300)
{
    static struct phase phase;
    char output[PATH_BYTES];
    struct scene scene = {.dir = temp_dir_make(), .version = toolchain->version};
    struct temp_dir dumps = temp_dir_make();
    struct outbox outbox;
    outbox_open(&outbox, dumps.path);
    snprintf(output, sizeof output, "%s/%%n.json", dumps.path);
    scene.program = program_start(&(struct program_setup){
        .arguments = (const char *[]){built_path("gopagewatch"), "run", "--watch", "main.*", "--every", "300ms", "-o",
                                      output, "--", app_path(toolchain, "maps"), scene.dir.path, "1000", NULL}});
    snprintf(scene.pid, sizeof scene.pid, "%d", (int)program_pid(scene.program));
    phase_await(&phase, &scene);
    json_t *outside = ask(&scene, phase.name, "main.*", false);
    /* One may have begun before the program came to rest. */
    outbox_await(&outbox, scene.program);
    while (outbox_next(&outbox) != NULL) {
    }
    outbox_await(&outbox, scene.program);
    json_t *dump = dump_load(outbox_await(&outbox, scene.program));
    cr_expect_eq(json_array_size(dump_at(dump, "go/maps")), json_array_size(dump_at(outside, "maps")));
    for (unsigned i = 0; i < phase.maps; i++) {
        const char *variable = phase.truths[i].variable;
        expect_same_answer(map_answer_of(dump_at(dump, "go"), variable), map_answer_of(outside, variable), false,
                           variable);
    }
    json_decref(dump);
    json_decref(outside);
    phase_leave(&phase, &scene);
    outbox_close(&outbox);
    temp_dir_remove(&dumps);
    end(&scene);
}

/* ---- a core ---- */

TOOLCHAIN_TEST(maps, of_a_core_are_those_of_the_process_that_died, .timeout = 300)
{
    static struct phase phase;
    char core[PATH_BYTES];
    if (!has_plain_cores())
        cr_skip_test("this system does not leave cores beside the process (kernel.core_pattern)");
    struct scene scene = start(toolchain, (const char *[]){"growing", NULL});
    snprintf(core, sizeof core, "%s/core", scene.dir.path);
    phase_await(&phase, &scene);
    json_t *live = ask(&scene, phase.name, "main.*", true);
    program_signal(scene.program, SIGABRT);
    cr_assert_eq(program_await_end(scene.program), -SIGABRT, "%s", program_errors(scene.program));
    json_t *dead = map_answers_run(
        (const char *[]){"main.*", "--deep", "--exe", app_path(toolchain, "maps"), "--core", core, NULL});
    for (unsigned i = 0; i < phase.maps; i++) {
        const char *variable = phase.truths[i].variable;
        expect_same_answer(map_answer_of(dead, variable), map_answer_of(live, variable), false, variable);
        map_truth_free(&phase.truths[i]);
    }
    json_decref(dead);
    json_decref(live);
    end(&scene);
}

/* ---- refusals ---- */

TOOLCHAIN_TEST(maps, stripped_program_is_refused, .timeout = 180)
{
    char pid[16];
    struct program *program = program_start(
        &(struct program_setup){.arguments = (const char *[]){app_path(toolchain, "mapdemo.stripped"), NULL}});
    program_await_phase(program, "full");
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    expect_refusal(gopagewatch_run((const char *[]){"map", "main.filled", pid, NULL}), 4, "debug information");
    program_free(program);
}

TOOLCHAIN_TEST(maps, variable_that_is_not_there_or_no_map_is_refused, .timeout = 180)
{
    struct scene scene = start(toolchain, (const char *[]){"1", NULL});
    program_await_phase(scene.program, "1");
    expect_refusal(gopagewatch_run((const char *[]){"map", "main.MNobody", scene.pid, NULL}), 4, "main.MNobody");
    expect_refusal(gopagewatch_run((const char *[]){"map", "main.statics", scene.pid, NULL}), 4, "main.statics");
    expect_refusal(gopagewatch_run((const char *[]){"map", "nobody.*", scene.pid, NULL}), 4, "nobody");
    end(&scene);
}
