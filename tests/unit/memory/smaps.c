/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/smaps: fields go to the mapping above them, numbers that do not fit count as nothing, and
 * MADV_FREE shows in the own process.
 */
#include "memory/smaps.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/support/files.h"

enum { ENTRIES_MAX = 4096 };

struct entries {
    struct smaps_entry entries[ENTRIES_MAX];
    unsigned count;
};

static struct entries found;

static void keep(void *context, const struct smaps_entry *entry)
{
    struct entries *entries = context;
    if (entries->count < ENTRIES_MAX)
        entries->entries[entries->count++] = *entry;
}

static int read_text(const char *text)
{
    struct memory_file file = memory_file_of_text(text);
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    found.count = 0;
    int error = smaps_read(file.path, &bump, keep, &found);
    bump_close(&bump);
    memory_file_close(&file);
    return error;
}

Test(smaps, gives_each_mapping_its_fields)
{
    cr_assert_eq(read_text("Rss:                 999 kB\n" /* above any mapping: of nothing */
                           "00400000-00945000 r-xp 00000000 fe:01 77                    /srv/a b (deleted)\n"
                           "Size:               5396 kB\n"
                           "Rss:                2048 kB\n"
                           "Pss:                1024 kB\n"
                           "FilePmdMapped:      2048 kB\n"
                           "VmFlags: rd ex mr mw me\n"
                           "c000000000-c000400000 rw-p 00000000 00:00 0                  [anon: Go: heap]\n"
                           "Rss:                 512 kB\n"
                           "LazyFree:             64 kB\n"
                           "AnonHugePages:      4096 kB\n"
                           "ShmemPmdMapped:     2048 kB\n"
                           "Swap:                  4 kB\n"
                           "SwapPss:               2 kB\n"
                           "7f0000000000-7f0000001000 ---p 00000000 00:00 0 "),
                 0);
    cr_assert_eq(found.count, 3);
    const struct smaps_entry EXPECTED[] = {
        {0x400000, 0x945000, 2048 << 10, 0, 2048 << 10, 0},
        {0xc000000000, 0xc000400000, 512 << 10, 4 << 10, (4096 + 2048) << 10, 64 << 10},
        {0x7f0000000000, 0x7f0000001000, 0, 0, 0, 0},
    };
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(found.entries[i].start, EXPECTED[i].start, "entry %u", i);
        cr_expect_eq(found.entries[i].end, EXPECTED[i].end, "entry %u", i);
        cr_expect_eq(found.entries[i].resident_bytes, EXPECTED[i].resident_bytes, "entry %u", i);
        cr_expect_eq(found.entries[i].swapped_bytes, EXPECTED[i].swapped_bytes, "entry %u", i);
        cr_expect_eq(found.entries[i].huge_bytes, EXPECTED[i].huge_bytes, "entry %u", i);
        cr_expect_eq(found.entries[i].lazyfree_bytes, EXPECTED[i].lazyfree_bytes, "entry %u", i);
    }
}

Test(smaps, numbers_that_overflow_count_as_nothing)
{
    static const char *const VALUES[] = {
        "18446744073709551616", "18446744073709551615", "18014398509481985", "-5", "x", ""};
    for (unsigned i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        char text[200];
        strcpy(text, "1000-2000 rw-p 00000000 00:00 0\nRss: ");
        strcat(text, VALUES[i]);
        strcat(text, "\nSwap: 4 kB\n");
        cr_assert_eq(read_text(text), 0);
        cr_assert_eq(found.count, 1);
        cr_expect_eq(found.entries[0].resident_bytes, 0, "\"%s\" gives %lu", VALUES[i],
                     found.entries[0].resident_bytes);
        cr_expect_eq(found.entries[0].swapped_bytes, 4096);
    }
}

Test(smaps, of_an_empty_file_calls_nobody)
{
    cr_expect_eq(read_text(""), 0);
    cr_expect_eq(found.count, 0);
}

Test(smaps, says_what_is_wrong)
{
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    cr_expect_eq(smaps_read("/nonexistent/smaps", &bump, keep, &found), -ENOENT);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 4096), 0);
    cr_expect_eq(smaps_read("/proc/self/smaps", &bump, keep, &found), -ENOMEM);
    bump_close(&bump);
}

Test(smaps, sees_resident_and_lazily_freed_memory_of_the_own_process)
{
    /* The kernel marks lazily freed pages in batches: the last 31 on a CPU may not be marked yet (mm/swap.c). */
    enum { PAGES = 1024, FREED = 512, BATCH = 31, PAGE_BYTES = 4096 };
    /* Shared neighbours cannot merge with private memory: the mapping keeps its bounds. */
    char *room = mmap(NULL, (PAGES + 2) * PAGE_BYTES, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *mine = mmap(room + PAGE_BYTES, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_eq(mine, room + PAGE_BYTES);
    memset(mine, 1, PAGES * PAGE_BYTES);
    cr_assert_eq(madvise(mine, FREED * PAGE_BYTES, MADV_FREE), 0);
    struct bump bump;
    cr_assert_eq(bump_open(&bump, 1 << 20), 0);
    cr_assert_eq(smaps_read("/proc/self/smaps", &bump, keep, &found), 0);
    bump_close(&bump);
    for (unsigned i = 0; i < found.count; i++) {
        if (found.entries[i].start != (uintptr_t)mine)
            continue;
        cr_expect_eq(found.entries[i].resident_bytes, PAGES * PAGE_BYTES);
        cr_expect_leq(found.entries[i].lazyfree_bytes, FREED * PAGE_BYTES);
        cr_expect_geq(found.entries[i].lazyfree_bytes, (FREED - BATCH) * PAGE_BYTES);
        return;
    }
    cr_assert_fail("the mapping is not in smaps");
}
