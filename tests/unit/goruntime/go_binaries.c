/* SPDX-License-Identifier: Apache-2.0
 *
 * The `go` command of every toolchain at hand, mapped as the loader would map it, without running it. What is found
 * must agree with a plain search of the file.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "goruntime/runtime_find.h"
#include "memory/units.h"

enum { PAGE_BYTES = 4096, PIE_BASE = 0x300000000000 };

struct loaded {
    const uint8_t *file;
    uint64_t file_bytes;
    uintptr_t base;
    uintptr_t start, end; /* reserved address space */
};

static const Elf64_Phdr *programs_of(const struct loaded *loaded, unsigned *count)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)loaded->file;
    *count = header->e_phnum;
    return (const Elf64_Phdr *)(loaded->file + header->e_phoff);
}

static void map_segment(int fd, uintptr_t bias, const Elf64_Phdr *program)
{
    uintptr_t start = bias + align_down(program->p_vaddr, PAGE_BYTES);
    uintptr_t file_end = bias + program->p_vaddr + program->p_filesz;
    uint64_t offset = align_down(program->p_offset, PAGE_BYTES);
    void *got =
        mmap((void *)start, file_end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset);
    cr_assert_eq((uintptr_t)got, start);
    if (program->p_memsz > program->p_filesz)
        memset((void *)file_end, 0, align_up(file_end, PAGE_BYTES) - file_end);
}

/* False when its addresses are taken in this process. */
static bool load(struct loaded *loaded, const char *path)
{
    struct stat status;
    unsigned count;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0 && fstat(fd, &status) == 0);
    *loaded = (struct loaded){.file_bytes = (uint64_t)status.st_size, .start = UINTPTR_MAX};
    loaded->file = mmap(NULL, loaded->file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    cr_assert_neq(loaded->file, MAP_FAILED);
    const Elf64_Phdr *programs = programs_of(loaded, &count);
    uintptr_t bias = ((const Elf64_Ehdr *)loaded->file)->e_type == ET_DYN ? PIE_BASE : 0;
    for (unsigned i = 0; i < count; i++) {
        if (programs[i].p_type != PT_LOAD)
            continue;
        loaded->start = min_u64(loaded->start, bias + align_down(programs[i].p_vaddr, PAGE_BYTES));
        loaded->end = max_u64(loaded->end, align_up(bias + programs[i].p_vaddr + programs[i].p_memsz, PAGE_BYTES));
    }
    loaded->base = loaded->start;
    void *room = mmap((void *)loaded->start, loaded->end - loaded->start, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    bool is_free = (uintptr_t)room == loaded->start;
    for (unsigned i = 0; is_free && i < count; i++) {
        if (programs[i].p_type == PT_LOAD)
            map_segment(fd, bias, &programs[i]);
    }
    close(fd);
    return is_free;
}

static void unload(const struct loaded *loaded)
{
    munmap((void *)loaded->file, loaded->file_bytes);
    munmap((void *)loaded->start, loaded->end - loaded->start);
}

/* The one place in the file's executable segments where the code of runtime.madvise stands. */
static uintptr_t search_madvise(const struct loaded *loaded)
{
    static const uint8_t FRONT[] = {0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x10, 0x8b, 0x54, 0x24, 0x18};
    unsigned count, hits = 0;
    uintptr_t entry = 0;
    const Elf64_Phdr *programs = programs_of(loaded, &count);
    for (unsigned i = 0; i < count; i++) {
        if (programs[i].p_type != PT_LOAD || !(programs[i].p_flags & PF_X))
            continue;
        const uint8_t *at = loaded->file + programs[i].p_offset, *end = at + programs[i].p_filesz;
        while ((at = memmem(at, (size_t)(end - at), FRONT, sizeof FRONT)) != NULL) {
            bool is_madvise = at[14] == 0xb8 ? at[15] == 28 : at[14] == 0x48 && at[17] == 28;
            if (is_madvise) {
                entry = loaded->base + (uintptr_t)(at - loaded->file);
                hits++;
            }
            at++;
        }
    }
    cr_assert_eq(hits, 1);
    return entry;
}

static void check_found(const struct go_runtime *found, const struct loaded *loaded, unsigned minor, const char *how)
{
    cr_expect_eq(found->version.minor, minor, "%s: %s", how, found->version.text);
    cr_expect_eq(found->madvise_entry, search_madvise(loaded), "%s", how);
    cr_expect_null(found->madvise_not_found, "%s: %s", how, found->madvise_not_found);
    cr_expect(found->has_pclntab, "%s", how);
    cr_expect_eq(found->pclntab.format, minor >= 20 ? PCLNTAB_1_20 : minor >= 18 ? PCLNTAB_1_18 : PCLNTAB_1_16);
    cr_expect_eq(found->image_start, loaded->start, "%s", how);
    cr_expect_eq(found->image_end, loaded->end, "%s", how);
}

Test(go_binaries, of_every_toolchain_are_understood_with_and_without_section_headers)
{
    static struct go_runtime found;
    static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];
    glob_t paths;
    struct reader_process self;
    if (glob("build/go/*/bin/go", 0, NULL, &paths) != 0)
        cr_skip_test("no toolchain below build/go (make toolchains)");
    reader_process_open(&self, getpid());
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        struct loaded loaded;
        unsigned minor;
        const char *path = paths.gl_pathv[i];
        cr_assert_eq(sscanf(path, "build/go/1.%u/", &minor), 1);
        if (!load(&loaded, path)) {
            cr_log_warn("%s: its addresses are taken in this process", path);
            unload(&loaded);
            continue;
        }
        cr_assert(runtime_find(&found, &self.reader, loaded.base, path, scratch), "%s", path);
        check_found(&found, &loaded, minor, path);
        cr_assert(runtime_find(&found, &self.reader, loaded.base, "/nonexistent/go", scratch), "%s", path);
        check_found(&found, &loaded, minor, "without section headers");
        unload(&loaded);
    }
    globfree(&paths);
}

Test(go_binaries, programs_without_go_are_not_taken_for_go)
{
    static const char *const PATHS[] = {"/bin/sh", "/usr/bin/env", "/usr/bin/python3"};
    static struct go_runtime found;
    static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];
    struct reader_process self;
    reader_process_open(&self, getpid());
    for (unsigned i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        struct loaded loaded;
        if (access(PATHS[i], R_OK) != 0 || !load(&loaded, PATHS[i]))
            continue;
        cr_expect_not(runtime_find(&found, &self.reader, loaded.base, PATHS[i], scratch), "%s", PATHS[i]);
        cr_expect_not(runtime_find(&found, &self.reader, loaded.base, "/nonexistent/file", scratch), "%s", PATHS[i]);
        unload(&loaded);
    }
}
