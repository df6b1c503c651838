/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for this test's own code and that of its libraries, by the modules that a dump of it would have; and files that
 * are not the right ones.
 */
#include "harness/symbols.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump/module_rows.h"
#include "tests/unit/support/files.h"

enum { FRAMES_MAX = 16, ID_BYTES = 2 * ELF_GO_BUILD_ID_BYTES + 1, MODULES_MAX = 64 };

static struct bump bump;
static struct dump_module modules[MODULES_MAX];
static uint64_t modules_count;
static char ids[MODULES_MAX][ID_BYTES];
static struct symbols symbols;
static struct symbol_frame frames[FRAMES_MAX];
static struct error error;

/* What a dump of this process would say. */
static void find_own_modules(void)
{
    struct vma_list vmas;
    struct reader_process reader;
    struct module_rows rows;
    cr_assert_eq(bump_open(&bump, 1 << 28), 0);
    cr_assert_eq(vma_list_read(&vmas, "/proc/self/maps", &bump), 0);
    reader_process_open(&reader, getpid());
    cr_assert(module_rows_find(&rows, &vmas, &reader.reader, &bump));
    reader_process_close(&reader);
    cr_assert(rows.count > 3 && rows.count <= MODULES_MAX);
    for (uint64_t i = 0; i < rows.count; i++) {
        const struct module_row *row = &rows.rows[i];
        for (uint32_t k = 0; k < row->build_id_bytes; k++)
            snprintf(ids[i] + 2 * k, 3, "%02x", row->build_id[k]);
        modules[i] = (struct dump_module){.start = row->start,
                                          .end = row->end,
                                          .bias = row->bias,
                                          .path = row->path,
                                          .build_id = row->build_id_bytes == 0 ? NULL : ids[i]};
    }
    modules_count = rows.count;
}

static void open_symbols(const struct symbols_options *options)
{
    cr_assert(symbols_open(&symbols, modules, modules_count, options, &error), "%s", error.text);
}

static uint64_t module_of(uint64_t address)
{
    for (uint64_t i = 0; i < modules_count; i++) {
        if (address >= modules[i].start && address < modules[i].end)
            return i;
    }
    cr_assert_fail("%#lx is in no module", address);
    return 0;
}

TestSuite(symbols, .init = find_own_modules);

static int line_of_call;

__attribute__((noinline)) static uint64_t callers_address(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) uint64_t inlined_place(void)
{
    line_of_call = __LINE__ + 1;
    uint64_t address = callers_address();
    __asm__ volatile("" : : "r"(address)); /* no tail call */
    return address;
}

__attribute__((noinline)) static uint64_t outer_place(int *line)
{
    *line = __LINE__ + 1;
    uint64_t address = inlined_place();
    __asm__ volatile("" : : "r"(address));
    return address;
}

Test(symbols, own_code_has_functions_files_lines_and_inlined_calls)
{
    int line;
    uint64_t address = outer_place(&line);
    open_symbols(NULL);
    cr_assert_eq(symbols_resolve(&symbols, address, true, frames, FRAMES_MAX), 2);
    cr_expect_str_eq(frames[0].function, "inlined_place");
    cr_expect_eq(frames[0].line, (uint64_t)line_of_call);
    cr_expect(frames[0].is_inlined);
    cr_expect_str_eq(frames[1].function, "outer_place");
    cr_expect_eq(frames[1].line, (uint64_t)line);
    cr_expect_not(frames[1].is_inlined);
    for (int i = 0; i < 2; i++) {
        const struct dump_module *module = &modules[module_of(address)];
        cr_expect_not_null(strstr(frames[i].file, "/tests/unit/harness/symbols.c"), "%s", frames[i].file);
        cr_expect_eq(frames[i].file[0], '/');
        cr_expect_eq(frames[i].module, module->path);
        cr_expect_eq(frames[i].address_in_file, address - 1 - module->bias);
    }
    cr_expect_null(symbols_module_why(&symbols, module_of(address)));
    symbols_close(&symbols);
}

Test(symbols, a_function_of_a_library_without_debug_information_is_named_by_its_symbol)
{
    uint64_t address = (uintptr_t)dlsym(RTLD_DEFAULT, "json_object_size");
    cr_assert_neq(address, 0);
    open_symbols(NULL);
    cr_assert_eq(symbols_resolve(&symbols, address, false, frames, FRAMES_MAX), 1);
    cr_expect_str_eq(frames[0].function, "json_object_size");
    cr_expect_not_null(strstr(frames[0].module, "libjansson"));
    symbols_close(&symbols);
}

Test(symbols, a_return_address_behind_the_last_call_of_a_function_is_that_functions)
{
    uint64_t address = (uintptr_t)dlsym(RTLD_DEFAULT, "json_object_size");
    open_symbols(NULL);
    symbols_resolve(&symbols, address, true, frames, FRAMES_MAX);
    cr_expect(frames[0].function == NULL || strcmp(frames[0].function, "json_object_size") != 0);
    symbols_close(&symbols);
}

Test(symbols, what_was_found_once_is_kept)
{
    int line;
    struct symbol_frame again[FRAMES_MAX];
    uint64_t address = outer_place(&line);
    open_symbols(NULL);
    cr_assert_eq(symbols_resolve(&symbols, address, true, frames, FRAMES_MAX), 2);
    uint64_t used_bytes = symbols.bump.used_bytes;
    cr_assert_eq(symbols_resolve(&symbols, address - 1, false, again, FRAMES_MAX), 2);
    cr_expect_eq(memcmp(frames, again, 2 * sizeof *frames), 0);
    cr_expect_eq(symbols_resolve(&symbols, address, true, again, 1), 1);
    cr_expect_eq(symbols.bump.used_bytes, used_bytes);
    symbols_close(&symbols);
}

Test(symbols, an_address_in_no_module_has_one_frame_without_a_name)
{
    open_symbols(NULL);
    const uint64_t ADDRESSES[] = {0, 1, UINT64_MAX, (uintptr_t)&bump.used_bytes, (uintptr_t)bump.start};
    for (unsigned i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++) {
        cr_assert_eq(symbols_resolve(&symbols, ADDRESSES[i], true, frames, FRAMES_MAX), 1);
        cr_expect_null(frames[0].function);
        cr_expect_null(frames[0].file);
    }
    cr_expect_null(frames[0].module);
    symbols_close(&symbols);

    cr_assert(symbols_open(&symbols, NULL, 0, NULL, &error), "a dump of an older version");
    cr_expect_eq(symbols_resolve(&symbols, 0x401000, true, frames, FRAMES_MAX), 1);
    cr_expect_null(frames[0].module);
    symbols_close(&symbols);
}

/* ---- files ---- */

/* The module of outer_place is not used, for that reason; the address is still told. */
static void expect_why(const struct symbols_options *options, const char *why)
{
    int line;
    uint64_t address = outer_place(&line), index = module_of(address);
    open_symbols(options);
    cr_expect_null(symbols_module_why(&symbols, index), "nobody asked yet");
    cr_assert_eq(symbols_resolve(&symbols, address, true, frames, FRAMES_MAX), 1);
    cr_expect_null(frames[0].function);
    cr_expect_str_eq(frames[0].module, modules[index].path);
    cr_expect_eq(frames[0].address_in_file, address - 1 - modules[index].bias);
    const char *text = symbols_module_why(&symbols, index);
    cr_assert_not_null(text);
    cr_expect_not_null(strstr(text, why), "%s", text);
    cr_expect_eq(strncmp(text, modules[index].path, strlen(modules[index].path)), 0, "%s", text);
    symbols_close(&symbols);
}

static struct dump_module *own_module(void)
{
    int line;
    return &modules[module_of(outer_place(&line))];
}

Test(symbols, a_file_with_another_build_id_is_not_used)
{
    char *id = ids[own_module() - modules];
    id[0] = id[0] == '0' ? '1' : '0';
    expect_why(NULL, "it has build id ");
}

Test(symbols, a_file_is_not_used_when_only_one_has_a_build_id)
{
    own_module()->build_id = NULL;
    expect_why(NULL, "only one of them has a build id");
}

Test(symbols, a_file_that_is_gone_is_missed_by_name)
{
    own_module()->path = "/nonexistent/shop";
    expect_why(NULL, "/nonexistent/shop: cannot be read: No such file or directory");
}

Test(symbols, a_file_that_was_replaced_is_another_one)
{
    own_module()->path = "/bin/true (deleted)";
    expect_why(NULL, "/bin/true (deleted): the file is not the one that ran");
}

Test(symbols, what_is_no_file_is_not_waited_for)
{
    char fifo[FILE_PATH_BYTES];
    struct temporary_directory directory;
    temporary_directory_make(&directory);
    cr_assert_eq(mkfifo(path_in(&directory, "shop", fifo), 0600), 0);
    own_module()->path = fifo;
    expect_why(NULL, "no regular file");
    own_module()->path = "/dev/zero";
    expect_why(NULL, "no regular file");
    own_module()->path = directory.path;
    expect_why(NULL, "no regular file");
    temporary_directory_remove(&directory);
}

Test(symbols, a_file_that_is_no_program_is_another_one)
{
    char path[FILE_PATH_BYTES];
    struct temporary_directory directory;
    temporary_directory_make(&directory);
    write_text_file(path_in(&directory, "shop", path), "#!/bin/sh\n");
    own_module()->path = path;
    expect_why(NULL, "is no ELF file");
    own_module()->build_id = NULL;
    expect_why(NULL, "is no ELF file");
    temporary_directory_remove(&directory);
}

Test(symbols, the_kernels_own_code_has_no_file)
{
    uint64_t index = 0;
    while (index < modules_count && strcmp(modules[index].path, "[vdso]") != 0)
        index++;
    if (index == modules_count)
        cr_skip_test("there is no vdso here");
    open_symbols(NULL);
    symbols_resolve(&symbols, modules[index].end - 1, false, frames, FRAMES_MAX);
    cr_expect_str_eq(frames[0].module, "[vdso]");
    cr_expect_str_eq(symbols_module_why(&symbols, index), "[vdso]: is the kernel's own, there is no file of it");
    symbols_close(&symbols);
}

static void expect_own_name(const struct symbols_options *options)
{
    int line;
    open_symbols(options);
    symbols_resolve(&symbols, outer_place(&line), true, frames, FRAMES_MAX);
    cr_assert_not_null(frames[0].function, "%s", symbols_module_why(&symbols, own_module() - modules));
    cr_expect_str_eq(frames[0].function, "inlined_place");
    symbols_close(&symbols);
}

Test(symbols, a_file_is_found_in_a_directory_by_its_name)
{
    char own[PATH_MAX], link[FILE_PATH_BYTES];
    struct temporary_directory directory;
    temporary_directory_make(&directory);
    cr_assert_not_null(realpath(own_module()->path, own));
    cr_assert_eq(symlink(own, path_in(&directory, "shop", link)), 0);
    own_module()->path = "/nonexistent/shop";
    const char *const DIRECTORIES[] = {"/nonexistent", directory.path};
    expect_own_name(&(struct symbols_options){.directories = DIRECTORIES, .directories_count = 2});
    expect_why(&(struct symbols_options){.directories = DIRECTORIES, .directories_count = 1}, "No such file");
    temporary_directory_remove(&directory);
}

Test(symbols, a_file_is_found_below_the_processs_root)
{
    expect_own_name(&(struct symbols_options){.root = "/proc/self/root"});
    expect_why(&(struct symbols_options){.root = "/nonexistent"}, "No such file");
}

/* ---- hostile text, and the network ---- */

Test(symbols, paths_of_any_length_are_refused_not_cut)
{
    static char path[3 * PATH_MAX];
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    own_module()->path = path;
    const char *const DIRECTORIES[] = {path};
    int line;
    open_symbols(&(struct symbols_options){.directories = DIRECTORIES, .directories_count = 1, .root = path});
    symbols_resolve(&symbols, outer_place(&line), true, frames, FRAMES_MAX);
    cr_expect_null(frames[0].function);
    cr_expect_not_null(symbols_module_why(&symbols, own_module() - modules));
    symbols_close(&symbols);
}

/* libdw's standard way would ask it for the debug information of a library that has none. */
Test(symbols, no_server_is_asked, .timeout = 60)
{
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(server >= 0 && bind(server, (struct sockaddr *)&address, bytes) == 0 && listen(server, 4) == 0);
    cr_assert_eq(getsockname(server, (struct sockaddr *)&address, &bytes), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    setenv("DEBUGINFOD_URLS", url, 1);
    setenv("DEBUGINFOD_TIMEOUT", "1", 1);
    open_symbols(NULL);
    for (uint64_t i = 0; i < modules_count; i++)
        symbols_resolve(&symbols, modules[i].start + (modules[i].end - modules[i].start) / 2, false, frames,
                        FRAMES_MAX);
    symbols_close(&symbols);
    struct pollfd asked = {.fd = server, .events = POLLIN};
    cr_expect_eq(poll(&asked, 1, 0), 0);
    close(server);
}
