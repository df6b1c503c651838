/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing /proc/PID/maps: the forms that the kernel writes, the forms that it does not, and the own process against
 * what is known of it.
 */
#include "memory/vma.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/support/files.h"

Test(vma, takes_every_form_that_the_kernel_writes)
{
    static const struct {
        const char *line, *permissions, *name;
        uintptr_t start, end;
        uint64_t offset, inode;
        uint32_t major, minor;
    } CASES[] = {
        {"55d0c6e1a000-55d0c6e1c000 r--p 00000000 fe:01 1051146                    /usr/bin/cat", "r--p",
         "/usr/bin/cat", 0x55d0c6e1a000, 0x55d0c6e1c000, 0, 1051146, 0xfe, 1},
        {"00400000-00945000 r-xp 00001000 08:02 77 /srv/my app/shop (deleted)", "r-xp", "/srv/my app/shop (deleted)",
         0x400000, 0x945000, 0x1000, 77, 8, 2},
        {"c000000000-c000400000 rw-p 00000000 00:00 0                              [anon: Go: heap]", "rw-p",
         "[anon: Go: heap]", 0xc000000000, 0xc000400000, 0, 0, 0, 0},
        {"c000400000-c004000000 ---p 00000000 00:00 0 ", "---p", "", 0xc000400000, 0xc004000000, 0, 0, 0, 0},
        {"7ffc1b5a1000-7ffc1b5c2000 rw-p 00000000 00:00 0                          [stack]", "rw-p", "[stack]",
         0x7ffc1b5a1000, 0x7ffc1b5c2000, 0, 0, 0, 0},
        {"7f0000000000-7f0000001000 rw-s 00000000 00:01 2052                       /memfd:a b (deleted)", "rw-s",
         "/memfd:a b (deleted)", 0x7f0000000000, 0x7f0000001000, 0, 2052, 0, 1},
        {"7f0000000000-7f0000001000 rw-p 00000000 00:00 0                          [anon_shmem:x y]", "rw-p",
         "[anon_shmem:x y]", 0x7f0000000000, 0x7f0000001000, 0, 0, 0, 0},
        {"7f0000000000-7f0000001000 -wxs fffff000 103:0f 18446744073709551615 /a\\012b", "-wxs", "/a\\012b",
         0x7f0000000000, 0x7f0000001000, 0xfffff000, UINT64_MAX, 0x103, 0xf},
        {"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]", "--xp", "[vsyscall]",
         0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, 0},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct vma vma;
        uint64_t name_bytes;
        cr_assert(vma_parse_line(text_of(CASES[i].line), &vma, &name_bytes), "%s", CASES[i].line);
        char permissions[] = {vma.is_readable ? 'r' : '-', vma.is_writable ? 'w' : '-', vma.is_executable ? 'x' : '-',
                              vma.is_shared ? 's' : 'p', '\0'};
        cr_expect_str_eq(permissions, CASES[i].permissions);
        cr_expect_eq(vma.start, CASES[i].start);
        cr_expect_eq(vma.end, CASES[i].end);
        cr_expect_eq(vma.file_offset_bytes, CASES[i].offset);
        cr_expect_eq(vma.inode, CASES[i].inode);
        cr_expect_eq(vma.device_major, CASES[i].major);
        cr_expect_eq(vma.device_minor, CASES[i].minor);
        cr_expect_eq(name_bytes, strlen(CASES[i].name), "%s", CASES[i].line);
        cr_expect_arr_eq(vma.name, CASES[i].name, name_bytes);
        cr_expect_eq(vma_is_file(&vma), CASES[i].inode != 0);
        cr_expect_eq(vma_is_private_anonymous(&vma), CASES[i].inode == 0 && CASES[i].permissions[3] == 'p');
    }
}

Test(vma, refuses_what_is_no_mapping)
{
    static const char *const LINES[] = {
        "",
        "-",
        "Rss:                 132 kB",
        "VmFlags: rd wr mr mw me ac",
        "1000",
        "1000-",
        "1000 2000 rw-p 00000000 00:00 0",
        "2000-1000 rw-p 00000000 00:00 0",
        "1000-1000 rw-p 00000000 00:00 0",
        "1000-2000",
        "1000-2000 rw",
        "1000-2000 rw-p",
        "1000-2000 rw-p zz 00:00 0",
        "1000-2000 rw-p 00000000",
        "1000-2000 rw-p 00000000 0000 0",
        "1000-2000 rw-p 00000000 00:",
        "1000-2000 rw-p 00000000 00:00",
        "1000-2000 rw-p 00000000 00:00 x",
        "10000000000000000-10000000000001000 rw-p 00000000 00:00 0",
        "1000-10000000000001000 rw-p 00000000 00:00 0",
        "1000-2000 rw-p 10000000000000000 00:00 0",
        "1000-2000 rw-p 00000000 00:00 18446744073709551616",
    };
    for (unsigned i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        struct vma vma;
        uint64_t name_bytes;
        cr_expect_not(vma_parse_line(text_of(LINES[i]), &vma, &name_bytes), "\"%s\"", LINES[i]);
    }
}

Test(vma_list, counts_lines_that_it_does_not_understand)
{
    struct memory_file file = memory_file_of_text("1000-2000 rw-p 00000000 00:00 0 \n"
                                                  "nonsense\n"
                                                  "3000-4000 r--p 00000000 08:01 9 /a b\n"
                                                  "4000-5000 rw-p 00001000 08:01 9 /a b\n"
                                                  "\n"
                                                  "5000-6000 rw-p 00001000 08:01 9 /a bc\n"
                                                  "6000-7000 rw-p 00001000 08:01 9 /a b");
    struct bump bump;
    struct vma_list list;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert_eq(vma_list_read(&list, file.path, &bump), 0);
    cr_assert_eq(list.count, 5);
    cr_expect_eq(list.unparsed_lines, 2);
    cr_expect_str_eq(list.vmas[0].name, "");
    cr_expect_str_eq(list.vmas[1].name, "/a b");
    cr_expect_eq(list.vmas[2].name, list.vmas[1].name, "one copy of a name serves its neighbours");
    cr_expect_str_eq(list.vmas[3].name, "/a bc");
    cr_expect_str_eq(list.vmas[4].name, "/a b");
    bump_close(&bump);
    memory_file_close(&file);
}

Test(vma_list, a_line_longer_than_the_buffer_is_one_mapping_with_a_cut_name)
{
    enum { NAME_BYTES = 100000 };
    static const char HEAD[] = "1000-2000 rw-p 00000000 08:01 9 /";
    static const char NEXT[] = "\n3000-4000 rw-p 00000000 08:01 9 /b\n";
    char *content = malloc(sizeof HEAD + NAME_BYTES + sizeof NEXT);
    strcpy(content, HEAD);
    memset(content + sizeof HEAD - 1, 'a', NAME_BYTES);
    strcpy(content + sizeof HEAD - 1 + NAME_BYTES, NEXT);
    struct memory_file file = memory_file_of_text(content);
    struct bump bump;
    struct vma_list list;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert_eq(vma_list_read(&list, file.path, &bump), 0);
    cr_assert_eq(list.count, 2);
    cr_expect_eq(list.unparsed_lines, 0);
    cr_expect_lt(strlen(list.vmas[0].name), (size_t)NAME_BYTES);
    cr_expect_str_eq(list.vmas[1].name, "/b");
    bump_close(&bump);
    memory_file_close(&file);
    free(content);
}

Test(vma_list, finds_the_own_mappings_in_address_order)
{
    static const int PROTECTION = PROT_READ | PROT_WRITE;
    char *mine = mmap(NULL, 3 * 4096, PROTECTION, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(mine, MAP_FAILED);
    cr_assert_eq(mprotect(mine + 4096, 4096, PROT_NONE), 0);
    struct bump bump;
    struct vma_list list;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_assert_eq(vma_list_read(&list, "/proc/self/maps", &bump), 0);
    cr_expect_eq(list.unparsed_lines, 0);
    bool has_hole = false, has_stack = false;
    for (uint64_t i = 0; i < list.count; i++) {
        const struct vma *vma = &list.vmas[i];
        cr_expect(i == 0 || list.vmas[i - 1].end <= vma->start);
        has_hole |= vma->start == (uintptr_t)mine + 4096 && vma->end == vma->start + 4096 && !vma->is_readable &&
                    !vma->is_writable && !vma->is_executable && vma_is_private_anonymous(vma);
        has_stack |= strcmp(vma->name, "[stack]") == 0;
    }
    cr_expect(has_hole);
    cr_expect(has_stack);
    bump_close(&bump);
}

Test(vma_list, says_what_is_wrong)
{
    struct bump bump;
    struct vma_list list;
    cr_assert_eq(bump_open(&bump, 64 << 20), 0);
    cr_expect_eq(vma_list_read(&list, "/nonexistent/maps", &bump), -ENOENT);
    bump_close(&bump);
    cr_assert_eq(bump_open(&bump, 64 << 10), 0);
    cr_expect_eq(vma_list_read(&list, "/proc/self/maps", &bump), -ENOMEM);
    bump_close(&bump);
}

Test(vma, private_anonymous_memory_has_no_gap_no_file_and_no_sharer)
{
    struct vma vmas[] = {
        {.start = 0x1000, .end = 0x2000, .inode = 7},
        {.start = 0x2000, .end = 0x4000},
        {.start = 0x4000, .end = 0x5000},
        {.start = 0x5000, .end = 0x6000, .is_shared = true},
        {.start = 0x8000, .end = 0x9000},
    };
    static const struct {
        uintptr_t start, end;
        bool is_private_anonymous;
    } CASES[] = {
        {0x2000, 0x4000, true},  {0x2000, 0x5000, true},  {0x3000, 0x4800, true},  {0x8000, 0x9000, true},
        {0x1000, 0x2000, false}, {0x1000, 0x3000, false}, {0x4000, 0x6000, false}, {0x6000, 0x7000, false},
        {0x8000, 0xa000, false}, {0x7000, 0x9000, false}, {0, 0x1000, false},      {0xa000, 0xb000, false},
    };
    const struct vma_list list = {.vmas = vmas, .count = sizeof vmas / sizeof vmas[0]};
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(vma_list_is_private_anonymous(&list, CASES[i].start, CASES[i].end), CASES[i].is_private_anonymous,
                     "case %u", i);
}
