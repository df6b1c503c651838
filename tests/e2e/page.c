/* SPDX-License-Identifier: Apache-2.0
 *
 * `gopagewatch page` against a program that knows what lies where (tests/apps/pagetruth), and against pagemap as the
 * test reads it itself.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/support/apps.h"
#include "tests/e2e/support/dump.h"
#include "tests/e2e/support/fail.h"
#include "tests/e2e/support/gopagewatch.h"
#include "tests/e2e/support/text.h"

enum { TRUTH_BYTES = 1024, HEX_BYTES = 24, GO_PAGE_BYTES = 8192 };

struct truth {
    struct program *program;
    char pid[16];
    char held[TRUTH_BYTES]; /* the line of truth */
};

static struct truth start_truth(const struct toolchain *toolchain, const char *const *environment)
{
    struct truth truth;
    struct program_setup setup = {.arguments = (const char *[]){app_path(toolchain, "pagetruth"), NULL},
                                  .environment = environment};
    truth.program = program_start(&setup);
    snprintf(truth.held, sizeof truth.held, "%s", program_await_phase(truth.program, "held"));
    snprintf(truth.pid, sizeof truth.pid, "%d", (int)program_pid(truth.program));
    return truth;
}

static json_t *run_json(const char *const *arguments)
{
    json_error_t problem;
    struct program *program = gopagewatch_run(arguments);
    cr_assert_eq(program_await_end(program), 0, "%s", program_errors(program));
    cr_expect_str_empty(program_errors(program));
    json_t *page = json_loads(program_output(program), JSON_REJECT_DUPLICATES, &problem);
    cr_assert_not_null(page, "%s: %s", problem.text, program_output(program));
    cr_expect_str_eq(dump_text(page, "schema"), "gopagewatch.page/1");
    program_free(program);
    return page;
}

static json_t *page_at(const struct truth *truth, uint64_t address)
{
    char hex[HEX_BYTES];
    snprintf(hex, sizeof hex, "0x%" PRIx64, address);
    json_t *page = run_json((const char *[]){"page", hex, truth->pid, "--json", NULL});
    cr_expect_eq(dump_address(page, "address"), address);
    return page;
}

static bool is_word(const json_t *value, const char *word)
{
    return word == NULL ? json_is_null(value) : json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

static void expect_word(const json_t *page, const char *path, const char *word, const char *what)
{
    const json_t *value = dump_at(page, path);
    cr_expect(is_word(value, word), "%s: %s is %s, not %s", what, path,
              json_is_string(value) ? json_string_value(value) : "no text", word == NULL ? "null" : word);
}

static void expect_bool(const json_t *page, const char *path, bool expected, const char *what)
{
    const json_t *value = dump_at(page, path);
    cr_expect(json_is_boolean(value) && json_is_true(value) == expected, "%s: %s is not %s", what, path,
              expected ? "true" : "false");
}

/* ---- what it is ---- */

/* NULL: null. */
static const struct {
    const char *word, *memory_class, *kind, *allocator;
    bool is_present;
} PAGES[] = {
    {"node", "go.objects", "objects", "allocated", true},
    {"leaf", "go.objects", "objects", "allocated", true},
    {"dead", "go.unused", "objects", "allocated", true},
    {"big", "go.objects", "objects", "allocated", false},
    {"touched", "go.objects", "objects", "allocated", true},
    {"stack", "go.stacks", "stack", "allocated", true},
    {"kept", "go.free", "free", "free", true},
    {"given", "go.released", "released", "scavenged", false},
    {"global", "go.image", NULL, NULL, true},
    {"malloc", "c.heap.used", NULL, NULL, true},
    {"mapped", "c.mmap", NULL, NULL, true},
    {"zero", "c.mmap", NULL, NULL, true},
    {"no_access", NULL, NULL, NULL, false},
};

enum { PAGES_COUNT = sizeof PAGES / sizeof PAGES[0] };

/* The test's own reading: all but the frame, which the kernel may move. */
static void check_pagemap(const struct truth *truth, const json_t *page, uint64_t address, const char *what)
{
    char path[64];
    uint64_t entry, page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    const uint64_t bits = ~((1ull << 55) - 1);
    snprintf(path, sizeof path, "/proc/%s/pagemap", truth->pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && pread(fd, &entry, sizeof entry, (off_t)(address / page_bytes * sizeof entry)) == sizeof entry, "%s",
         path);
    close(fd);
    cr_expect_eq(dump_address(page, "os/pagemap") & bits, entry & bits, "%s: %" PRIx64, what, entry);
    expect_bool(page, "os/present", entry >> 63 & 1, what);
    expect_bool(page, "os/swapped", entry >> 62 & 1, what);
    expect_bool(page, "os/file", entry >> 61 & 1, what);
    expect_bool(page, "os/exclusive", entry >> 56 & 1, what);
    cr_expect_eq(dump_address(page, "os/start"), address / page_bytes * page_bytes, "%s", what);
    bool is_visible = (entry >> 63 & 1) != 0 && (entry & ~bits) != 0;
    cr_expect_eq(json_is_integer(dump_at(page, "os/frame")), is_visible, "%s: a frame", what);
}

static void check_page(const struct truth *truth, int i, const char *version)
{
    char what[64];
    snprintf(what, sizeof what, "go%s %s", version, PAGES[i].word);
    uint64_t address = text_number(truth->held, PAGES[i].word);
    json_t *page = page_at(truth, address);
    expect_word(page, "class", PAGES[i].memory_class, what);
    expect_bool(page, "os/present", PAGES[i].is_present, what);
    cr_expect_leq(dump_address(page, "mapping/start"), address);
    cr_expect_gt(dump_address(page, "mapping/end"), address);
    check_pagemap(truth, page, address, what);
    if (PAGES[i].kind == NULL) {
        cr_expect(json_is_null(dump_at(page, "go")), "%s is in no arena", what);
    } else {
        expect_word(page, "go/kind", PAGES[i].kind, what);
        expect_word(page, "go/page_allocator", PAGES[i].allocator, what);
        uint64_t start = dump_address(page, "go/arena") + dump_number(page, "go/page") * GO_PAGE_BYTES;
        cr_expect_eq(start, address / GO_PAGE_BYTES * GO_PAGE_BYTES, "%s", what);
        cr_expect_eq(dump_address(page, "go/start"), start);
    }
    if (strcmp(PAGES[i].word, "zero") == 0 && json_is_boolean(dump_at(page, "os/zero_page")))
        expect_bool(page, "os/zero_page", true, what);
    json_decref(page);
}

TOOLCHAIN_TEST(page, says_of_every_kind_of_memory_what_the_program_knows, .timeout = 300)
{
    struct truth truth = start_truth(toolchain, NULL);
    for (int i = 0; i < PAGES_COUNT; i++)
        check_page(&truth, i, toolchain->version);
    program_free(truth.program);
}

/* ---- objects ---- */

static void check_object(const struct truth *truth, const char *word, uint64_t slot_bytes, bool has_pointers,
                         bool is_alive)
{
    uint64_t address = text_number(truth->held, word);
    json_t *page = page_at(truth, address);
    cr_expect_eq(dump_number(page, "go/span/slot_bytes"), slot_bytes, "%s", word);
    cr_expect_eq(dump_address(page, "go/slot/end") - dump_address(page, "go/slot/start"), slot_bytes, "%s", word);
    cr_expect_leq(dump_address(page, "go/slot/start"), address, "%s", word);
    cr_expect_gt(dump_address(page, "go/slot/end"), address, "%s", word);
    cr_expect_eq(dump_address(page, "go/slot/start"),
                 dump_address(page, "go/span/start") + dump_number(page, "go/slot/number") * slot_bytes, "%s", word);
    expect_bool(page, "go/span/noscan", !has_pointers, word);
    expect_bool(page, "go/slot/allocated", is_alive, word);
    expect_bool(page, "go/slot/marked", is_alive, word);
    expect_word(page, "go/span/state", "in use", word);
    cr_expect_eq(dump_number(page, "go/span/sweepgen") % 2,
                 dump_number(page, "go/span/heap_sweepgen") % 2 == 0 ? 0u : 1u);
    json_decref(page);
}

static void check_large(const struct truth *truth)
{
    uint64_t start = text_number(truth->held, "big"), bytes = text_number(truth->held, "big_bytes");
    json_t *page = page_at(truth, text_number(truth->held, "touched"));
    cr_expect_eq(dump_address(page, "go/span/start"), start);
    cr_expect_eq(dump_number(page, "go/span/pages") * GO_PAGE_BYTES, bytes);
    cr_expect_eq(dump_address(page, "go/slot/start"), start);
    cr_expect_eq(dump_number(page, "go/span/size_class"), 0u);
    expect_bool(page, "go/slot/marked", true, "big");
    json_decref(page);
}

TOOLCHAIN_TEST(page, tells_objects_dead_ones_and_new_ones_apart, .timeout = 300)
{
    struct truth truth = start_truth(toolchain, NULL);
    uint64_t slot_bytes = text_number(truth.held, "slot_bytes");
    /* From go1.22 on an object of that size with pointers has a header of 8 bytes, and the next class. */
    check_object(&truth, "node", toolchain_minor(toolchain) < 22 ? slot_bytes : 2048, true, true);
    check_object(&truth, "leaf", slot_bytes, false, true);
    check_object(&truth, "dead", slot_bytes, false, false);
    check_large(&truth);

    program_go_on(truth.program);
    uint64_t fresh = text_number(program_await_phase(truth.program, "fresh"), "fresh");
    json_t *page = page_at(&truth, fresh);
    cr_expect_eq(dump_address(page, "go/slot/start"), fresh);
    expect_bool(page, "go/slot/allocated", true, "fresh");
    expect_bool(page, "go/slot/marked", false, "fresh");
    expect_word(page, "go/slot/marked_by", "allocated since then", "fresh");
    json_decref(page);
    program_free(truth.program);
}

/* ---- for people ---- */

static const char *const LINES[] = {"mapping ", "class ", "arena ",     "Go page ", "span ",   "sweep ",
                                    "counts ",  "slot ",  "allocated ", "marked ",  "OS page "};

TOOLCHAIN_TEST(page, text_has_a_line_for_each_fact, .timeout = 180)
{
    char hex[HEX_BYTES], line[128];
    struct truth truth = start_truth(toolchain, NULL);
    /* Without 0x as well. */
    snprintf(hex, sizeof hex, "%" PRIx64, text_number(truth.held, "leaf"));
    struct program *program = gopagewatch_run((const char *[]){"page", hex, truth.pid, NULL});
    const char *text = program_output(program);
    cr_expect_eq(program_await_end(program), 0);
    snprintf(line, sizeof line, "0x%s in pagetruth (pid %s), go%s", hex, truth.pid, toolchain->version);
    cr_expect_eq(strncmp(text, line, strlen(line)), 0, "%s", text);
    for (unsigned i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        snprintf(line, sizeof line, "\n%s", LINES[i]);
        cr_expect_not_null(strstr(text, line), "no line %s in %s", LINES[i], text);
    }
    program_free(program);
    program = gopagewatch_run((const char *[]){"page", "10", truth.pid, NULL});
    cr_expect_not_null(strstr(program_output(program), "mapping     none: nothing is mapped there\n"));
    cr_expect_eq(program_await_end(program), 0);
    program_free(program);
    program_free(truth.program);
}

/* ---- the way back ---- */

static void check_frame(const struct truth *truth, const char *word)
{
    uint64_t address = text_number(truth->held, word), frame = 0;
    char number[HEX_BYTES];
    json_t *found = NULL, *there = NULL;
    /* The kernel may move a page in between: then its frame is another one. */
    for (int i = 0; i < 10; i++) {
        json_t *page = page_at(truth, address);
        frame = dump_number(page, "os/frame");
        snprintf(number, sizeof number, "%" PRIu64, frame);
        found = run_json((const char *[]){"page", "--pfn", number, truth->pid, "--json", NULL});
        there = page_at(truth, address);
        bool is_same = dump_number(there, "os/frame") == frame;
        json_decref(page);
        if (is_same)
            break;
        json_decref(found);
        json_decref(there);
        found = there = NULL;
    }
    cr_assert_not_null(found, "%s: its page never rests", word);
    cr_expect_eq(dump_number(found, "frame"), frame);
    cr_assert_eq(json_array_size(dump_at(found, "pages")), 1u, "%s", word);
    cr_expect_eq(dump_address(found, "pages/0/address"), dump_address(there, "os/start"), "%s", word);
    cr_expect_eq(json_is_null(dump_at(found, "pages/0/go")), json_is_null(dump_at(there, "go")), "%s", word);
    if (json_is_null(dump_at(there, "go")))
        expect_word(found, "pages/0/class", dump_text(there, "class"), word);
    else
        cr_expect(json_equal(dump_at(found, "pages/0/go/span"), dump_at(there, "go/span")), "%s: another span", word);
    json_decref(found);
    json_decref(there);
}

/* The frame of the shared zero page is nobody's. */
static void check_zero_frame(const struct truth *truth)
{
    char number[HEX_BYTES];
    json_t *page = page_at(truth, text_number(truth->held, "zero"));
    snprintf(number, sizeof number, "0x%" PRIx64, dump_number(page, "os/frame"));
    expect_refusal(gopagewatch_run((const char *[]){"page", "--pfn", number, truth->pid, NULL}), 4,
                   "is the shared zero page");
    json_decref(page);
}

static bool sees_frames(const struct truth *truth)
{
    json_t *page = page_at(truth, text_number(truth->held, "malloc"));
    bool is_known = json_is_integer(dump_at(page, "os/frame"));
    json_decref(page);
    if (!is_known)
        cr_skip_test("page frames are hidden here (CAP_SYS_ADMIN)");
    return is_known;
}

TOOLCHAIN_TEST(page, frame_leads_back_to_its_page, .timeout = 300)
{
    static const char *const WORDS[] = {"node", "touched", "stack", "kept", "global", "malloc", "mapped"};
    struct truth truth = start_truth(toolchain, NULL);
    if (!sees_frames(&truth))
        return;
    for (unsigned i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        check_frame(&truth, WORDS[i]);
    check_zero_frame(&truth);
    program_free(truth.program);
}

/* ---- refusals ---- */

static const struct {
    const char *arguments[6];
    int code;
    const char *reason;
} REFUSALS[] = {
    {{"page", "--what"}, 2, "option '--what' is unknown"},
    {{"page", "-q"}, 2, "option '-q' is unknown"},
    {{"page"}, 2, "no address was named"},
    {{"page", "1000"}, 2, "no process was named"},
    {{"page", "--pfn", "1"}, 2, "no process was named"},
    {{"page", "--pfn"}, 2, "option '--pfn' needs a value"},
    {{"page", "1000", "1", "2"}, 2, "not '2' as well"},
    {{"page", "--pfn", "1", "1", "2"}, 2, "not '2' as well"},
    {{"page", "main.x", "1"}, 2, "'main.x' is no address: give it in hex"},
    {{"page", "0x", "1"}, 2, "'0x' is no address"},
    {{"page", "1000", "0x1000"}, 2, "'0x1000' is no process id; the address comes first"},
    {{"page", "1000", "0"}, 2, "'0' is no process id"},
    {{"page", "--pfn", "0", "1"}, 2, "'0' is no frame number"},
    {{"page", "--pfn", "main.x", "1"}, 2, "'main.x' is no frame number"},
    {{"page", "1000", "2147483647"}, 4, "there is no such process"},
};

Test(page, wrong_use_and_missing_processes_cost_one_line, .timeout = 180)
{
    for (unsigned i = 0; i < sizeof REFUSALS / sizeof REFUSALS[0]; i++)
        expect_refusal(gopagewatch_run(REFUSALS[i].arguments), REFUSALS[i].code, REFUSALS[i].reason);
}

Test(page, process_that_is_not_go_is_refused, .timeout = 180)
{
    char pid[16];
    struct program *program = program_start(&(struct program_setup){.arguments = (const char *[]){"cat", NULL}});
    snprintf(pid, sizeof pid, "%d", (int)program_pid(program));
    expect_refusal(gopagewatch_run((const char *[]){"page", "1000", pid, NULL}), 4, "is not a Go process");
    program_free(program);
}

Test(page, kernel_thread_is_refused, .timeout = 180)
{
    char name[32] = "";
    int fd = open("/proc/2/comm", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, name, sizeof name - 1) <= 0 || strcmp(name, "kthreadd\n") != 0)
        cr_skip_test("process 2 is no thread of the kernel here");
    else
        expect_refusal(gopagewatch_run((const char *[]){"page", "1000", "2", NULL}), 4, "it is a thread of the kernel");
}

Test(page, other_users_process_is_refused, .timeout = 180)
{
    if (!can_be_nobody()) {
        cr_skip_test("this test cannot become nobody");
        return;
    }
    struct toolchain toolchain = toolchain_newest();
    struct truth truth = start_truth(&toolchain, NULL);
    expect_refusal(gopagewatch_run_as_nobody((const char *[]){"page", "1000", truth.pid, NULL}), 4,
                   "it runs as uid 0, you are uid 65534");
    expect_refusal(gopagewatch_run_as_nobody((const char *[]){"page", "--pfn", "1234", truth.pid, NULL}), 4,
                   "frame numbers are hidden from you: they need CAP_SYS_ADMIN; be root");
    program_free(truth.program);
}
