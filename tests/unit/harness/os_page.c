/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel tells of a page: the bits, their words, and pages of our own.
 */
#include "harness/os_page.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/page_words.h"

static const char *words_of(const struct os_page *page)
{
    static char text[PAGE_WORDS_BYTES];
    os_page_words(page, text, sizeof text);
    return text;
}

Test(os_page, entries_are_decoded_bit_by_bit)
{
    struct os_page page = {0};
    os_page_decode(&page, OS_PAGE_PRESENT | OS_PAGE_EXCLUSIVE | 0x1234);
    cr_expect(page.is_present && page.is_exclusive && !page.is_swapped && !page.is_file_or_shared && !page.is_guard);
    cr_expect_eq(page.frame_state, FRAME_KNOWN);
    cr_expect_eq(page.frame, 0x1234u);

    os_page_decode(&page, OS_PAGE_PRESENT | OS_PAGE_FILE | OS_PAGE_SOFT_DIRTY);
    cr_expect(page.is_present && page.is_file_or_shared && page.is_soft_dirty && !page.is_exclusive);
    cr_expect_eq(page.frame_state, FRAME_HIDDEN, "frame 0 stands for a hidden one");

    os_page_decode(&page, OS_PAGE_SWAPPED | 0x777ull << 5 | 3);
    cr_expect(page.is_swapped && !page.is_present);
    cr_expect_eq(page.frame_state, FRAME_NONE);
    cr_expect_eq(page.swap_type, 3u);
    cr_expect_eq(page.swap_offset, 0x777u);

    os_page_decode(&page, OS_PAGE_GUARD);
    cr_expect(page.is_guard && !page.is_present && !page.is_swapped);
    os_page_decode(&page, 0);
    cr_expect(!page.is_guard && !page.is_present && !page.is_swapped && page.frame_state == FRAME_NONE);
}

Test(os_page, words_say_what_is_known_and_no_more)
{
    static const struct {
        struct os_page page;
        const char *words;
    } CASES[] = {
        {{.error = -ENXIO}, "pagemap cannot be read: No such device or address"},
        {{.is_present = false}, "not there: never touched, or given up"},
        {{.is_swapped = true}, "swapped out or being moved"},
        {{.is_guard = true}, "a guard: touching it faults"},
        {{.is_present = true, .is_exclusive = true}, "present, anonymous, mapped by this process alone"},
        {{.is_present = true, .is_file_or_shared = true, .knows_huge = true},
         "present, of a file or shared memory, not exclusive"},
        {{.is_present = true, .is_exclusive = true, .knows_huge = true, .is_huge = true},
         "present, anonymous, mapped by this process alone, in a huge page"},
        {{.is_present = true}, "present, anonymous, not exclusive, perhaps the shared zero page"},
        {{.is_present = true, .knows_zero_page = true, .is_zero_page = true},
         "the shared zero page: read, never written, no part of the RSS"},
        {{.knows_soft_dirty = true, .is_soft_dirty = true}, "not there: never touched, or given up, soft-dirty"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_str_eq(words_of(&CASES[i].page), CASES[i].words);
}

Test(os_page, words_are_cut_at_the_buffer)
{
    struct os_page page = {.is_present = true, .is_exclusive = true};
    char whole[PAGE_WORDS_BYTES], text[PAGE_WORDS_BYTES];
    os_page_words(&page, whole, sizeof whole);
    for (size_t bytes = 1; bytes < sizeof whole; bytes++) {
        memset(text, '!', sizeof text);
        os_page_words(&page, text, bytes);
        cr_assert_eq(strncmp(text, whole, bytes - 1), 0, "%zu: %s", bytes, text);
        cr_assert_lt(strnlen(text, bytes), bytes);
        cr_assert_eq(text[bytes], '!');
    }
}

Test(os_page, flags_have_the_kernels_names)
{
    static const struct {
        uint64_t flags;
        const char *text;
    } CASES[] = {
        {0, ""},
        {1, "locked"},
        {1ull << 24, "zero_page"},
        {1ull << 22 | 1ull << 12 | 1ull << 5, "lru anon thp"},
        {1ull << 34 | 1ull << 12, "anon anon_exclusive"},
        {1ull << 34, "mappedtodisk"},
        {1ull << 26, "pgtable"},
        {1ull << 27 | 1ull << 63, "bit27 bit63"},
    };
    char text[PAGE_WORDS_BYTES];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        os_frame_flags_text(CASES[i].flags, text, sizeof text);
        cr_expect_str_eq(text, CASES[i].text);
    }
    char *guarded = malloc(24);
    os_frame_flags_text(UINT64_MAX, guarded, 24);
    cr_expect_eq(strlen(guarded), 23u);
    free(guarded);
}

/* ---- pages of our own ---- */

static char buffer[RESIDENCY_BUFFER_BYTES] __attribute__((aligned(8)));
static uint64_t page_bytes;

static void open_own(struct residency *residency)
{
    page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    cr_assert_eq(residency_open(residency, "/proc/self/pagemap", page_bytes, buffer), 0);
}

Test(os_page, own_pages_are_what_was_done_to_them)
{
    struct residency residency;
    struct os_page page;
    open_own(&residency);
    char *memory = mmap(NULL, 4 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    madvise(memory, 4 * page_bytes, MADV_NOHUGEPAGE);
    (void)*(volatile char *)memory;
    memory[page_bytes] = 1;

    os_page_look(&page, (uintptr_t)memory + 100, &residency);
    cr_expect_eq(page.error, 0);
    cr_expect_eq(page.start, (uintptr_t)memory);
    cr_expect(page.is_present && !page.is_exclusive);
    cr_expect(!page.knows_zero_page || page.is_zero_page);

    os_page_look(&page, (uintptr_t)memory + 2 * page_bytes - 1, &residency);
    cr_expect_eq(page.start, (uintptr_t)memory + page_bytes);
    cr_expect(page.is_present && page.is_exclusive && !page.is_zero_page && !page.is_huge && !page.is_file_or_shared);
    bool sees_frames = os_page_own_frame(NULL) != 0;
    cr_expect_eq(page.frame_state, sees_frames ? FRAME_KNOWN : FRAME_HIDDEN);
    if (sees_frames && page.flags_error == 0) {
        cr_expect(page.flags >> 12 & 1, "anon");
        cr_expect_eq(page.count, 1u);
    }

    os_page_look(&page, (uintptr_t)memory + 2 * page_bytes, &residency);
    cr_expect(page.error == 0 && !page.is_present && page.frame_state == FRAME_NONE);
    residency_close(&residency);
}

Test(os_page, what_cannot_be_read_is_an_error)
{
    struct residency residency;
    struct os_page page;
    uint64_t flags;
    open_own(&residency);
    os_page_look(&page, UINTPTR_MAX, &residency);
    cr_expect_neq(page.error, 0);
    cr_expect(!page.is_present);
    residency_close(&residency);
    cr_expect_neq(os_frame_flags(UINT64_MAX / 8, &flags), 0);
}

Test(os_page, the_scan_is_asked_only_where_it_is)
{
    struct residency residency;
    struct residency_page look;
    open_own(&residency);
    if (residency.method == RESIDENCY_BY_SCAN) {
        cr_expect_eq(residency_look(&residency, (uintptr_t)buffer & ~(page_bytes - 1), &look), 0);
        cr_expect_eq(residency_look(&residency, 0, &look), 0);
        cr_expect(!look.is_present && !look.is_swapped && !look.is_zero_page && !look.is_huge);
    }
    residency.method = RESIDENCY_BY_PAGEMAP;
    cr_expect_eq(residency_look(&residency, (uintptr_t)buffer & ~(page_bytes - 1), &look), -ENOTSUP);
    residency_close(&residency);
}
