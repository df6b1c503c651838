/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments of `page`, and its lines.
 */
#include "harness/page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/page_words.h"
#include "harness/page_write.h"

Test(page, addresses_are_hex_with_or_without_a_prefix)
{
    static const struct {
        const char *text;
        bool is_good;
        uintptr_t address;
    } CASES[] = {
        {"0xc000123000", true, 0xc000123000},
        {"c000123000", true, 0xc000123000},
        {"0XC0", true, 0xc0},
        {"face", true, 0xface},
        {"0", true, 0},
        {"ffffffffffffffff", true, UINTPTR_MAX},
        {"0x10000000000000000", false, 0},
        {"", false, 0},
        {"0x", false, 0},
        {"x12", false, 0},
        {"main.x", false, 0},
        {"12 ", false, 0},
        {" 12", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {"0x0x1", false, 0},
        {"12g", false, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uintptr_t address = 0;
        cr_expect_eq(page_parse_address(CASES[i].text, &address), CASES[i].is_good, "'%s'", CASES[i].text);
        cr_expect(!CASES[i].is_good || address == CASES[i].address, "'%s' is %lx", CASES[i].text, address);
    }
}

Test(page, frames_are_decimal_or_hex_with_a_prefix)
{
    static const struct {
        const char *text;
        uint64_t frame; /* 0: refused */
    } CASES[] = {
        {"1234", 1234}, {"0x1234", 0x1234}, {"0x7fffffffffffff", 0x7fffffffffffff},
        {"0", 0},       {"0x0", 0},         {"0x80000000000000", 0},
        {"abc", 0},     {"12a", 0},         {"", 0},
        {"-1", 0},      {"0x", 0},          {"99999999999999999999", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t frame = 0;
        cr_expect_eq(page_parse_frame(CASES[i].text, &frame), CASES[i].frame != 0, "'%s'", CASES[i].text);
        cr_expect(CASES[i].frame == 0 || frame == CASES[i].frame, "'%s'", CASES[i].text);
    }
}

/* ---- lines ---- */

static char *written;
static size_t written_bytes;

static const char *text_of_facts(const struct page_facts *facts)
{
    FILE *out = open_memstream(&written, &written_bytes);
    page_write_text(out, facts);
    fclose(out);
    return written;
}

static const char *line_of_facts(const struct page_facts *facts)
{
    FILE *out = open_memstream(&written, &written_bytes);
    page_write_line(out, facts);
    fclose(out);
    return written;
}

static void expect_in(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
    cr_expect_null(strstr(text, part), "'%s' is in:\n%s", part, text);
}

static const struct vma HEAP_VMA = {
    .start = 0xc000000000, .end = 0xc004000000, .is_readable = true, .is_writable = true, .name = ""};

static struct page_facts made_object(void)
{
    return (struct page_facts){
        .address = 0xc000002070,
        .vma = &HEAP_VMA,
        .has_class = true,
        .memory_class = CLASS_GO_OBJECTS,
        .is_go = true,
        .go = {.module = "/app",
               .version = "go1.27",
               .go_minor = 27,
               .arena = 0xc000000000,
               .number = 1,
               .start = 0xc000002000,
               .is_in_page_allocator = true,
               .is_marked_allocated = true,
               .palloc_state = PALLOC_ALLOCATED,
               .kind = PAGE_OBJECTS,
               .has_span = true,
               .mspan = 0x7f0000000000,
               .span = {.start = 0xc000002000,
                        .pages = 1,
                        .slots = 128,
                        .slot_bytes = 64,
                        .free_index = 3,
                        .alloc_count = 5,
                        .sweepgen = 6,
                        .span_class = 5 << 1 | 1,
                        .state = MSPAN_IN_USE},
               .sweep = SWEEP_DONE,
               .heap_sweepgen = 6,
               .has_gc = true,
               .gc = {.cycles = 3},
               .slot = {.is_slot = true,
                        .number = 1,
                        .start = 0xc000002040,
                        .end = 0xc000002080,
                        .is_allocated = ANSWER_YES,
                        .allocated_by = "it lies below freeindex",
                        .is_marked = ANSWER_NO,
                        .marked_by = "allocated since then"},
               .has_objects = true,
               .objects_on_page_bytes = 320},
        .os = {.start = 0xc000002000,
               .bytes = 4096,
               .is_present = true,
               .is_exclusive = true,
               .frame_state = FRAME_KNOWN,
               .frame = 0x1234,
               .count = 1,
               .flags = 1ull << 12},
    };
}

Test(page, object_is_told_in_full)
{
    struct page_facts facts = made_object();
    const char *text = text_of_facts(&facts);
    expect_in(text, "mapping     0xc000000000-0xc004000000 rw-p anonymous\n");
    expect_in(text, "class       go.objects: ");
    expect_in(text, "arena       0xc000000000, Go page 1 of 8192 (0xc000002000-0xc000004000)\n");
    expect_in(text, "Go page     a span of objects; the page allocator: allocated\n");
    expect_in(text, "1 page, in use, size class 5: 128 slots of 64 B without pointers (mspan 0x7f0000000000)\n");
    expect_in(text, "sweep       swept (sweepgen 6, the heap's 6)\n");
    expect_in(text, "counts      freeindex 3, allocCount 5, free slots are known to be zero\n");
    expect_in(text, "slot        number 1, 0xc000002040-0xc000002080, the address is 48 bytes into it\n");
    expect_in(text, "allocated   yes: it lies below freeindex\n");
    expect_in(text, "marked      no, by the last collection (cycle 3): allocated since then\n");
    expect_in(text, "320 of its 4096 bytes lie in allocated slots\n");
    expect_in(text, "frame       0x1234, mapped 1 time\n");
    expect_in(text, "flags       anon\n");
    expect_not_in(text, "runs now");
    facts.go.slot.is_marking = true;
    facts.go.slot.is_marked_now = ANSWER_NO;
    expect_in(text_of_facts(&facts), "by the collection that runs now: no (yet)\n");
    facts.go.slot.is_slot = false;
    expect_in(text_of_facts(&facts), "slot        none: behind the span's last slot");
    expect_in(line_of_facts(&facts),
              "0xc000002000  go.objects      span 0xc000002000, size class 5: 128 slots of 64 B");
}

Test(page, hidden_frames_and_unreadable_files_are_said_so)
{
    struct page_facts facts = made_object();
    facts.os.frame_state = FRAME_HIDDEN;
    expect_in(text_of_facts(&facts), "frame       hidden: PFN, flags and map count need CAP_SYS_ADMIN; be root\n");
    facts.os.frame_state = FRAME_KNOWN;
    facts.os.flags_error = facts.os.count_error = -13;
    expect_in(text_of_facts(&facts), "map count not readable: Permission denied\n");
    expect_in(written, "/proc/kpageflags cannot be read: Permission denied\n");
}

Test(page, name_of_a_mapping_cannot_move_the_cursor)
{
    const struct vma vma = {
        .start = 0x1000, .end = 0x2000, .inode = 7, .file_offset_bytes = 0x3000, .name = "/a\033[2J"};
    struct page_facts facts = {.address = 0x1010, .vma = &vma, .has_class = true, .memory_class = CLASS_FILES};
    expect_in(text_of_facts(&facts), "0x1000-0x2000 ---p /a?[2J, offset 0x3010 in the file\n");
}

Test(page, unmapped_address_has_neighbours_and_nothing_else)
{
    struct page_facts facts = {.address = 0x10, .above = &HEAP_VMA};
    expect_in(text_of_facts(&facts), "mapping     none: nothing is mapped there\nabove it    0xc000000000-");
    expect_not_in(written, "class");
    expect_not_in(written, "OS page");
}

/* ---- words ---- */

Test(page, what_the_page_allocator_says)
{
    static const struct {
        struct go_page page;
        const char *word;
    } CASES[] = {
        {{.is_in_page_allocator = false, .palloc_state = PALLOC_RELEASED}, "none"},
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_FREE}, "free"},
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_RELEASED}, "scavenged"},
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_ALLOCATED, .is_marked_allocated = true}, "allocated"},
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_FREE, .is_marked_allocated = true}, "cached"},
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_RELEASED, .is_marked_allocated = true},
         "allocated and scavenged"},
        /* A page cache that was read before says nothing about a span of now. */
        {{.is_in_page_allocator = true, .palloc_state = PALLOC_FREE, .is_marked_allocated = true, .has_span = true},
         "allocated"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(palloc_word(&CASES[i].page), CASES[i].word);
}
