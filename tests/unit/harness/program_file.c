/* SPDX-License-Identifier: Apache-2.0
 *
 * A program's file as memory, against the very program as the loader has put it there: this test.
 */
#include "harness/program_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/units.h"
#include "tests/unit/support/files.h"

static int counted = 42;
static int *volatile pointers[3] = {NULL, &counted, NULL}; /* relocated when this program is position independent */
static char zeros[64];

static struct bump bump;
static struct program_file file;

static void open_path(const char *path)
{
    struct error error;
    cr_assert_eq(bump_open(&bump, 1 << 30), 0);
    cr_assert(program_file_open(&file, path, &bump, &error), "%s", error.text);
}

static uintptr_t own_base(void)
{
    return align_down(getauxval(AT_PHDR), 4096);
}

static uintptr_t in_file(const volatile void *here)
{
    return (uintptr_t)here - own_base() + file.base;
}

Test(program_file, pointers_are_relocated_like_the_loader_does)
{
    uint64_t value, parts[3];
    int number;
    open_path("/proc/self/exe");
    cr_expect(file.is_elf && file.is_64_bit && file.has_symbols);
    cr_expect_not_null(strstr(file.loader, "ld-linux"));
    cr_assert(reader_read(&file.reader, in_file(&counted), &number, sizeof number));
    cr_expect_eq(number, 42);
    cr_assert(reader_read(&file.reader, in_file(&pointers[1]), &value, sizeof value));
    cr_expect_eq(value, in_file(pointers[1]));
    cr_assert(reader_read(&file.reader, in_file(pointers), parts, sizeof parts));
    cr_expect(parts[0] == 0 && parts[1] == value && parts[2] == 0);
    for (unsigned skipped = 1; skipped < 8; skipped++) {
        uint8_t tail[8];
        cr_assert(reader_read(&file.reader, in_file(&pointers[1]) + skipped, tail, 8 - skipped));
        cr_expect_eq(memcmp(tail, (uint8_t *)&value + skipped, 8 - skipped), 0, "from byte %u", skipped);
        cr_assert(reader_read(&file.reader, in_file(&pointers[1]), tail, skipped));
        cr_expect_eq(memcmp(tail, &value, skipped), 0, "to byte %u", skipped);
    }
    program_file_close(&file);
}

Test(program_file, behind_the_file_there_are_zeros_and_behind_the_segments_last_page_nothing)
{
    uint8_t some[sizeof zeros];
    open_path("/proc/self/exe");
    memset(some, 1, sizeof some);
    cr_assert(reader_read(&file.reader, in_file(zeros), some, sizeof some));
    for (unsigned i = 0; i < sizeof some; i++)
        cr_expect_eq(some[i], 0);
    uint64_t end = 0;
    for (uint32_t i = 0; i < file.segments_count; i++) {
        if (file.segments[i].p_type == PT_LOAD)
            end = max_u64(end, file.segments[i].p_vaddr + file.segments[i].p_memsz);
    }
    end = align_up(end, 4096);
    cr_assert(reader_read(&file.reader, end + file.bias - 4, some, 4));
    cr_expect_eq(memcmp(some, "\0\0\0\0", 4), 0);
    cr_expect_not(reader_read(&file.reader, end + file.bias - 4, some, 5));
    cr_expect_not(reader_read(&file.reader, end + file.bias, some, 1));
    cr_expect_not(reader_read(&file.reader, UINTPTR_MAX, some, 1));
    program_file_close(&file);
}

static void expect_refused(const char *path, const char *why)
{
    struct error error;
    cr_expect_not(program_file_open(&file, path, &bump, &error));
    cr_expect_not_null(strstr(error.text, why), "%s", error.text);
}

Test(program_file, what_is_no_regular_file_is_refused)
{
    struct temporary_directory directory;
    char fifo[FILE_PATH_BYTES];
    temporary_directory_make(&directory);
    cr_assert_eq(mkfifo(path_in(&directory, "fifo", fifo), 0600), 0);
    expect_refused(fifo, "no regular file");
    temporary_directory_remove(&directory);
    expect_refused("/nonexistent", "No such file");
    expect_refused("/", "no regular file");
    expect_refused("/dev/null", "no regular file");
}

/* Headers of a hostile file: any of them may lie. */
Test(program_file, damaged_headers_are_no_program)
{
    uint8_t front[4096];
    char path[] = "/tmp/gpw-program-XXXXXX";
    int own = open("/proc/self/exe", O_RDONLY), fd = mkstemp(path);
    cr_assert(own >= 0 && fd >= 0 && read(own, front, sizeof front) == sizeof front);
    for (unsigned offset = 0; offset < 4096; offset += offset < 1024 ? 1 : 64) {
        static const uint8_t VALUES[] = {0, 0x7f, 0xff};
        for (unsigned i = 0; i < sizeof VALUES; i++) {
            uint8_t damaged[sizeof front], some[64];
            memcpy(damaged, front, sizeof front);
            damaged[offset] = VALUES[i];
            cr_assert_eq(pwrite(fd, damaged, sizeof damaged, 0), (ssize_t)sizeof damaged);
            struct error error;
            bump_close(&bump);
            cr_assert_eq(bump_open(&bump, 1 << 30), 0);
            cr_assert(program_file_open(&file, path, &bump, &error));
            reader_read(&file.reader, file.base, some, sizeof some);
            program_file_close(&file);
        }
    }
    cr_assert_eq(ftruncate(fd, 20), 0);
    bump_close(&bump);
    open_path(path);
    cr_expect(file.is_elf && !file.is_64_bit && file.segments_count == 0);
    program_file_close(&file);
    close(fd);
    close(own);
    unlink(path);
}
