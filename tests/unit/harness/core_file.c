/* SPDX-License-Identifier: Apache-2.0
 *
 * Core files: what a sound one tells, and that a damaged one is refused or read as far as it is sound, never beyond.
 */
#include "harness/core_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/files.h"
#include "tests/unit/support/made_core.h"
#include "tests/unit/support/random.h"

enum { PAGE = MADE_PAGE_BYTES, BUMP_BYTES = 64 << 20 };

#define HEAP_START 0x1000000ull
#define STACK_START 0x7ffc00000000ull
#define VDSO_START 0x7ffd00000000ull
#define VSYSCALL_START 0xffffffffff600000ull

static uint8_t page_of_a[PAGE], page_of_b[2 * PAGE];

static const struct made_segment SEGMENTS[] = {
    {HEAP_START, 2 * PAGE, PAGE, PF_R | PF_W, page_of_a},
    {HEAP_START + 2 * PAGE, 2 * PAGE, 2 * PAGE, PF_R | PF_W, page_of_b}, /* right behind */
    {0x7f0000000000, 4 * PAGE, 0, PF_R | PF_X, NULL},
    {0x7f0000004000, PAGE, 0, 0, NULL},
    {STACK_START, 2 * PAGE, 2 * PAGE, PF_R | PF_W, NULL},
    {VDSO_START - PAGE, PAGE, 0, PF_R, NULL},
    {VDSO_START, PAGE, PAGE, PF_R | PF_X, NULL},
    {VSYSCALL_START, PAGE, PAGE, PF_X, NULL},
};

enum { SEGMENTS_COUNT = sizeof SEGMENTS / sizeof SEGMENTS[0] };

static const struct made_mapping MAPPINGS[] = {
    {0x7f0000000000, 0x7f0000004000, 3, "/usr/lib/libshop.so"},
    {0x7f0000010000, 0x7f0000012000, 7, "/usr/lib/left-out.so"}, /* has no segment, as gdb does it */
};

static const Elf64_auxv_t AUXV[] = {
    {AT_SYSINFO_EHDR, {VDSO_START}},
    {AT_PAGESZ, {PAGE}},
    {AT_RANDOM, {STACK_START + PAGE + 0x123}},
    {AT_NULL, {0}},
};

static const struct made_core_plan PLAN = {
    .segments = SEGMENTS,
    .segments_count = SEGMENTS_COUNT,
    .mappings = MAPPINGS,
    .mappings_count = 2,
    .auxv = AUXV,
    .threads = 3,
    .comm = "shop",
};

static struct made_core made;
static struct core_file core;
static struct bump bump;

static void build(const struct made_core_plan *plan)
{
    for (unsigned i = 0; i < 2 * PAGE; i++) {
        page_of_a[i % PAGE] = (uint8_t)(i % PAGE * 3 + 1);
        page_of_b[i] = (uint8_t)(i * 5 + 2);
    }
    made_core_build(&made, plan);
}

/* The first `bytes` bytes of it. */
static bool open_part(uint64_t bytes, struct error *error)
{
    struct memory_file file = memory_file_make(made.bytes, bytes);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    memset(error, 0, sizeof *error);
    bool is_open = core_file_open(&core, file.path, &bump, error);
    memory_file_close(&file);
    return is_open;
}

static void open_made(const struct made_core_plan *plan)
{
    struct error error;
    build(plan);
    cr_assert(open_part(made.count, &error), "%s", error.text);
}

static const struct vma *vma_at(uintptr_t start)
{
    for (uint64_t i = 0; i < core.vmas.count; i++) {
        if (core.vmas.vmas[i].start == start)
            return &core.vmas.vmas[i];
    }
    cr_assert_fail("no mapping at %#lx", start);
    return NULL;
}

Test(core_file, tells_who_the_process_was)
{
    open_made(&PLAN);
    cr_expect_eq(core.notes.pid, MADE_CORE_PID);
    cr_expect_eq(core.notes.threads, 3);
    cr_expect_str_eq(core.notes.comm, "shop");
    cr_expect_str_eq(core.notes.arguments, "shop");
    cr_expect_eq(core.notes.os_page_bytes, PAGE);
    cr_expect_eq(core.cut_bytes, 0);
    cr_expect_eq(core.untrusted, 0);
    core_file_close(&core);
}

Test(core_file, without_notes_the_memory_is_there_all_the_same)
{
    struct made_core_plan plan = PLAN;
    plan.mappings_count = plan.threads = 0;
    plan.auxv = NULL;
    open_made(&plan);
    cr_expect_eq(core.notes.pid, 0);
    cr_expect_eq(core.vmas.count, SEGMENTS_COUNT);
    cr_expect_str_eq(vma_at(STACK_START)->name, "");
    cr_expect_null(core.program);
    core_file_close(&core);
}

Test(core_file, long_name_fills_the_field_without_an_end)
{
    struct made_core_plan plan = PLAN;
    plan.comm = "exactly16letters";
    open_made(&plan);
    cr_expect_str_eq(core.notes.comm, "exactly16letters");
    core_file_close(&core);
}

Test(core_file, lists_mappings_with_permissions_and_names)
{
    static const struct {
        uintptr_t start;
        uint64_t pages, file_offset_bytes;
        const char *permissions, *name;
        bool is_file;
    } EXPECTED[] = {
        {HEAP_START, 2, 0, "rw-", "", false},
        {HEAP_START + 2 * PAGE, 2, 0, "rw-", "", false},
        {0x7f0000000000, 4, 3 * PAGE, "r-x", "/usr/lib/libshop.so", true},
        {0x7f0000004000, 1, 0, "---", "", false},
        {0x7f0000010000, 2, 7 * PAGE, "r--", "/usr/lib/left-out.so", true},
        {STACK_START, 2, 0, "rw-", "[stack]", false},
        {VDSO_START - PAGE, 1, 0, "r--", "[vvar]", false},
        {VDSO_START, 1, 0, "r-x", "[vdso]", false},
        {VSYSCALL_START, 1, 0, "--x", "[vsyscall]", false},
    };
    open_made(&PLAN);
    cr_assert_eq(core.vmas.count, sizeof EXPECTED / sizeof EXPECTED[0]);
    for (unsigned i = 0; i < core.vmas.count; i++) {
        const struct vma *vma = &core.vmas.vmas[i];
        char permissions[] = {vma->is_readable ? 'r' : '-', vma->is_writable ? 'w' : '-',
                              vma->is_executable ? 'x' : '-', '\0'};
        cr_expect_eq(vma->start, EXPECTED[i].start, "mapping %u", i);
        cr_expect_eq(vma->end, EXPECTED[i].start + EXPECTED[i].pages * PAGE, "mapping %u", i);
        cr_expect_eq(vma->file_offset_bytes, EXPECTED[i].file_offset_bytes, "mapping %u", i);
        cr_expect_str_eq(permissions, EXPECTED[i].permissions, "mapping %u", i);
        cr_expect_str_eq(vma->name, EXPECTED[i].name, "mapping %u", i);
        cr_expect_eq(vma_is_file(vma), EXPECTED[i].is_file, "mapping %u", i);
    }
    core_file_close(&core);
}

Test(core_file, more_than_65534_mappings_are_counted_elsewhere)
{
    struct made_core_plan plan = PLAN;
    plan.has_extended_count = true;
    open_made(&plan);
    cr_expect_eq(made_core_header(&made)->e_phnum, PN_XNUM);
    cr_expect_eq(core.vmas.count, SEGMENTS_COUNT + 1);
    core_file_close(&core);
}

Test(core_file, segments_may_come_in_any_order)
{
    struct error error;
    build(&PLAN);
    Elf64_Phdr *programs = made_core_programs(&made);
    Elf64_Phdr first = programs[1];
    programs[1] = programs[SEGMENTS_COUNT];
    programs[SEGMENTS_COUNT] = first;
    cr_assert(open_part(made.count, &error), "%s", error.text);
    cr_expect_eq(core.vmas.vmas[0].start, HEAP_START);
    cr_expect_eq(core.vmas.count, SEGMENTS_COUNT + 1);
    core_file_close(&core);
}

Test(core_file, reads_what_it_holds_over_the_end_of_a_mapping_and_nothing_else)
{
    static const struct {
        uintptr_t address;
        uint64_t bytes;
        bool is_there;
    } CASES[] = {
        {HEAP_START, PAGE, true},
        {HEAP_START + PAGE - 1, 1, true},
        {HEAP_START + PAGE - 1, 2, false}, /* the second page was not written */
        {HEAP_START + 2 * PAGE, 2 * PAGE, true},
        {HEAP_START + 4 * PAGE - 8, 8, true},
        {HEAP_START + 4 * PAGE - 8, 9, false},
        {HEAP_START - 1, 1, false},
        {HEAP_START - 1, 2, false},
        {0x7f0000000000, 1, false}, /* of a file that is not there */
        {0x7f0000010000, 1, false},
        {STACK_START, 2 * PAGE, true},
        {VSYSCALL_START, PAGE, true},
        {VSYSCALL_START + PAGE - 1, 2, false},
        {0, 1, false},
        {UINTPTR_MAX, 1, false},
        {UINTPTR_MAX, UINT64_MAX, false},
        {HEAP_START, 0, true},
    };
    static uint8_t buffer[4 * PAGE];
    open_made(&PLAN);
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(reader_read(&core.reader, CASES[i].address, buffer, CASES[i].bytes), CASES[i].is_there, "case %u",
                     i);
    cr_assert(reader_read(&core.reader, HEAP_START, buffer, PAGE));
    cr_expect_arr_eq(buffer, page_of_a, PAGE);
    cr_assert(reader_read(&core.reader, HEAP_START + 2 * PAGE + 7, buffer, PAGE));
    cr_expect_arr_eq(buffer, page_of_b + 7, PAGE);
    core_file_close(&core);
}

Test(core_file, neighbouring_mappings_are_read_as_one)
{
    static uint8_t buffer[3 * PAGE];
    struct made_segment segments[] = {SEGMENTS[0], SEGMENTS[1]};
    segments[0].memory_bytes = PAGE;
    segments[1].start = HEAP_START + PAGE;
    open_made(&(struct made_core_plan){.segments = segments, .segments_count = 2});
    cr_assert(reader_read(&core.reader, HEAP_START, buffer, sizeof buffer));
    cr_expect_arr_eq(buffer, page_of_a, PAGE);
    cr_expect_arr_eq(buffer + PAGE, page_of_b, 2 * PAGE);
    core_file_close(&core);
}

/* ---- what is no core ---- */

static void expect_refusal(uint64_t bytes, const char *said)
{
    struct error error;
    cr_expect_not(open_part(bytes, &error), "expected: %s", said);
    cr_expect_not_null(strstr(error.text, said), "\"%s\" does not say \"%s\"", error.text, said);
    cr_expect_eq(core.fd, -1);
}

Test(core_file, other_files_are_refused_with_what_they_are)
{
    static const struct {
        uint64_t offset;
        uint64_t value;
        unsigned bytes;
        const char *said;
    } CASES[] = {
        {0, 0xfd2fb528, 4, "is packed by zstd; unpack it first ('zstd -d FILE')"},
        {0, 0x8b1f, 2, "is packed by gzip"},
        {0, 0x184d2204, 4, "is packed by lz4"},
        {0, 0x587a37fd, 4, "does not begin with an ELF header"},
        {0, 'X', 1, "does not begin with an ELF header"},
        {EI_CLASS, ELFCLASS32, 1, "is of a 32-bit process"},
        {EI_DATA, ELFDATA2MSB, 1, "big-endian"},
        {16, ET_EXEC, 2, "its ELF type is 2, not 4; EXE comes first, CORE second"},
        {18, EM_AARCH64, 2, "is of another architecture (ELF machine 183)"},
        {32, UINT64_MAX, 8, "has no program headers"},
        {32, 1 << 30, 8, "has no program headers"},
        {54, 32, 2, "has no program headers (32 bytes each"},
        {56, 0, 2, "claims 0 program headers"},
        {56, PN_XNUM, 2, "claims"}, /* and there is no section header: the ELF header is read as one */
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        build(&PLAN);
        memcpy(made.bytes + CASES[i].offset, &CASES[i].value, CASES[i].bytes);
        expect_refusal(made.count, CASES[i].said);
    }
}

Test(core_file, path_that_holds_no_file_is_refused)
{
    static const struct {
        const char *path, *said;
    } CASES[] = {
        {"/nonexistent/core", "cannot be opened: No such file"},
        {"/tmp", "is no regular file"},
        {"/dev/zero", "is no regular file"},
    };
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct error error;
        cr_expect_not(core_file_open(&core, CASES[i].path, &bump, &error));
        cr_expect_not_null(strstr(error.text, CASES[i].said), "%s: %s", CASES[i].path, error.text);
        cr_expect_eq(core.fd, -1);
    }
}

/* ---- what is damaged ---- */

/* What must hold of any core that was opened: mappings in order and apart, what is held lies in the file, and reading
 * and scanning all of it comes to an end. */
static void count_run(void *context, const struct residency_run *run)
{
    uintptr_t *end = context;
    cr_assert_lt(run->start, run->end);
    cr_assert_geq(run->start, *end);
    cr_assert_eq(run->start % PAGE, 0);
    cr_assert_eq(run->end % PAGE, 0);
    *end = run->end;
}

static void check_opened(void)
{
    static uint8_t buffer[PAGE];
    uintptr_t end = 0;
    for (uint64_t i = 0; i < core.vmas.count; i++) {
        const struct vma *vma = &core.vmas.vmas[i];
        cr_assert_lt(vma->start, vma->end);
        cr_assert_geq(vma->start, end);
        cr_assert_leq(core.parts[i].file_offset, core.file_bytes);
        cr_assert_leq(core.parts[i].bytes, core.file_bytes - core.parts[i].file_offset);
        cr_assert_leq(core.parts[i].bytes, vma->end - vma->start);
        cr_assert_leq(strlen(vma->name), core.file_bytes);
        cr_assert_eq(reader_read(&core.reader, vma->start, buffer, 1), core.parts[i].bytes > 0);
        end = vma->start;
        cr_assert_eq(residency_scan(&core.residency.residency, vma->start, vma->end, count_run, &end), 0);
        cr_assert_leq(end, vma->end);
        end = vma->end;
    }
}

Test(core_file, cut_at_any_byte_it_is_refused_or_the_rest_is_missing, .timeout = 120)
{
    struct error error;
    build(&PLAN);
    unsigned refused = 0;
    for (uint64_t bytes = 0; bytes < made.count; bytes++) {
        if (!open_part(bytes, &error)) {
            cr_assert_leq(bytes, made.memory, "%lu bytes: %s", bytes, error.text);
            cr_assert_gt(strlen(error.text), 0);
            refused++;
            continue;
        }
        cr_assert_geq(bytes, made.notes + made.notes_bytes);
        cr_assert_eq(core.cut_bytes, made.count - (bytes > made.memory ? bytes : made.memory), "%lu bytes", bytes);
        cr_assert_eq(core.vmas.count, SEGMENTS_COUNT + 1);
        check_opened();
        core_file_close(&core);
    }
    cr_expect_eq(refused, made.notes + made.notes_bytes);
}

Test(core_file, cut_off_notes_say_so)
{
    build(&PLAN);
    expect_refusal(made.notes + 10, "is cut off: its notes end at byte");
    expect_refusal(200, "is cut off: 9 program headers do not fit into its 200 bytes");
    expect_refusal(0, "does not begin with an ELF header");
}

/* Each 8-byte word of headers and notes becomes each of these. */
Test(core_file, wild_values_anywhere_are_survived, .timeout = 240)
{
    build(&PLAN);
    const uint64_t WILD[] = {0,         1,          PAGE - 1,   made.count, made.count - 1,        1ull << 63,
                             INT64_MAX, UINT64_MAX, UINT32_MAX, 0x7fffffff, UINT64_MAX - PAGE + 1, 1ull << 47,
                             PAGE,      HEAP_START, 1ull << 32, 0xffff,     0x0101010101010101ull};
    static struct made_core sound;
    sound = made;
    unsigned opened = 0;
    for (uint64_t offset = 0; offset + 8 <= made.notes + made.notes_bytes; offset += 4) {
        for (unsigned i = 0; i < sizeof WILD / sizeof WILD[0]; i++) {
            struct error error;
            memcpy(made.bytes + offset, &WILD[i], 8);
            if (open_part(made.count, &error)) {
                opened++;
                check_opened();
                core_file_close(&core);
            } else {
                cr_assert_gt(strlen(error.text), 0);
            }
            memcpy(made.bytes + offset, sound.bytes + offset, 8);
        }
    }
    cr_expect_gt(opened, 1000);
}

Test(core_file, random_damage_is_survived, .timeout = 240)
{
    enum { ROUNDS = 3000 };
    struct random random = {77};
    for (int round = 0; round < ROUNDS; round++) {
        struct error error;
        build(&PLAN);
        for (uint64_t i = 1 + random_below(&random, 20); i > 0; i--)
            made.bytes[random_below(&random, made.notes + made.notes_bytes)] = (uint8_t)random_next(&random);
        if (open_part(made.count, &error)) {
            check_opened();
            core_file_close(&core);
        }
    }
}

Test(core_file, mappings_that_cannot_be_are_counted_and_left_out)
{
    static const struct {
        const char *what;
        uint64_t start, memory_bytes, file_bytes;
    } CASES[] = {
        {"overlaps the one before", HEAP_START + PAGE, 2 * PAGE, PAGE},
        {"is not of whole pages", HEAP_START + 2 * PAGE + 1, 2 * PAGE, PAGE},
        {"ends within a page", HEAP_START + 2 * PAGE, PAGE + 1, PAGE},
        {"holds more than it maps", HEAP_START + 2 * PAGE, PAGE, 2 * PAGE},
        {"goes round", UINT64_MAX - PAGE + 1, 2 * PAGE, PAGE},
        {"is larger than address space", HEAP_START + 2 * PAGE, 1ull << 49, PAGE},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct error error;
        struct made_core_plan plan = {.segments = SEGMENTS, .segments_count = 2};
        build(&plan);
        Elf64_Phdr *second = &made_core_programs(&made)[2];
        second->p_vaddr = CASES[i].start;
        second->p_memsz = CASES[i].memory_bytes;
        second->p_filesz = CASES[i].file_bytes;
        cr_assert(open_part(made.count, &error), "%s: %s", CASES[i].what, error.text);
        cr_expect_eq(core.vmas.count, 1, "%s", CASES[i].what);
        cr_expect_eq(core.untrusted, 1, "%s", CASES[i].what);
        check_opened();
        core_file_close(&core);
    }
}

/* ---- what is resident ---- */

struct pages {
    uint64_t count;
    uintptr_t first, last_end;
};

static void add_pages(void *context, const struct residency_run *run)
{
    struct pages *pages = context;
    pages->first = pages->count == 0 ? run->start : pages->first;
    pages->last_end = run->end;
    pages->count += (run->end - run->start) / PAGE;
    cr_expect_eq(run->kind, RESIDENCY_RESIDENT);
    cr_expect_not(run->is_huge);
}

/* A file of one segment at HEAP_START with 64 pages, of which those in `pattern` are written; memory begins `shift`
 * bytes behind a page of the file. */
static void open_sparse(const char *pattern, uint64_t shift)
{
    struct error error;
    const struct made_segment segment = {HEAP_START, 64 * PAGE, 64 * PAGE, PF_R | PF_W, NULL};
    build(&(struct made_core_plan){.segments = &segment, .segments_count = 1});
    made_core_programs(&made)[1].p_offset = made.memory + shift;
    int fd = memfd_create("core", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(fd, (off_t)(made.memory + shift + 64 * PAGE)), 0);
    cr_assert_eq(pwrite(fd, made.bytes, made.memory, 0), (ssize_t)made.memory);
    for (unsigned i = 0; pattern[i] != '\0'; i++) {
        if (pattern[i] == '#')
            cr_assert_eq(pwrite(fd, page_of_a, PAGE, (off_t)(made.memory + shift + i * PAGE)), PAGE);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cr_assert_eq(bump_open(&bump, BUMP_BYTES), 0);
    cr_assert(core_file_open(&core, path, &bump, &error), "%s", error.text);
    close(fd);
}

Test(core_file, pages_that_are_no_holes_were_resident)
{
    static const struct {
        const char *pattern;
        uint64_t pages, first, end;
    } CASES[] = {{"....", 0, 0, 0}, {"#", 1, 0, 1}, {".##.#", 3, 1, 5}, {"####....####", 8, 0, 12}};
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct pages pages = {0, 0, 0};
        open_sparse(CASES[i].pattern, 0);
        cr_assert(core.knows_residency);
        cr_assert_eq(core.residency.residency.method, RESIDENCY_BY_BACK_END);
        cr_assert_eq(
            residency_scan(&core.residency.residency, HEAP_START - PAGE, HEAP_START + 100 * PAGE, add_pages, &pages),
            0);
        cr_expect_eq(pages.count, CASES[i].pages, "%s", CASES[i].pattern);
        if (pages.count > 0) {
            cr_expect_eq(pages.first, HEAP_START + CASES[i].first * PAGE, "%s", CASES[i].pattern);
            cr_expect_eq(pages.last_end, HEAP_START + CASES[i].end * PAGE, "%s", CASES[i].pattern);
        }
        cr_expect_eq(core_file_resident_bytes(&core), CASES[i].pages * PAGE, "%s", CASES[i].pattern);
        core_file_close(&core);
    }
}

Test(core_file, part_of_a_mapping_is_scanned_alone)
{
    struct pages pages = {0, 0, 0};
    open_sparse("##.####", 0);
    uintptr_t start = HEAP_START + PAGE;
    cr_assert_eq(residency_scan(&core.residency.residency, start, start + 3 * PAGE, add_pages, &pages), 0);
    cr_expect_eq(pages.count, 2);
    cr_expect_eq(pages.first, start);
    cr_expect_eq(pages.last_end, start + 3 * PAGE);
    core_file_close(&core);
}

/* gdb does not align memory in its files: the blocks of pages 0 and 3 to 4 reach into 1, 2 and 5, and each counts once.
 */
Test(core_file, page_that_is_data_in_part_was_resident)
{
    struct pages pages = {0, 0, 0};
    uintptr_t end = 0;
    open_sparse("#..##", 0x118);
    cr_assert_eq(residency_scan(&core.residency.residency, HEAP_START, HEAP_START + 64 * PAGE, add_pages, &pages), 0);
    cr_expect_eq(pages.count, 6);
    cr_expect_eq(pages.last_end, HEAP_START + 6 * PAGE);
    cr_expect_eq(residency_scan(&core.residency.residency, HEAP_START, HEAP_START + 64 * PAGE, count_run, &end), 0);
    core_file_close(&core);
}

Test(core_file, without_holes_nothing_is_known_to_be_resident)
{
    open_made(&PLAN); /* memory_file_make writes all of it */
    cr_expect_not(core.knows_residency);
    cr_expect_eq(core_file_resident_bytes(&core), 0);
    core_file_close(&core);
}
