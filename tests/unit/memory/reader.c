/* SPDX-License-Identifier: Apache-2.0
 *
 * The readers: memory that is not there is an error and no fault, by both ways of reading, and a window never hands
 * out what lies outside of its bounds.
 */
#include "memory/reader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/fake_memory.h"
#include "tests/unit/support/random.h"

enum { PAGE_BYTES = 4096 };

/* Three pages, the middle one unmapped. */
static uint8_t *pages_with_hole(void)
{
    uint8_t *pages = mmap(NULL, 3 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    for (int i = 0; i < 3 * PAGE_BYTES; i++)
        pages[i] = (uint8_t)(i * 7);
    cr_assert_eq(munmap(pages + PAGE_BYTES, PAGE_BYTES), 0);
    return pages;
}

/* `pages` as pages_with_hole leaves them, here and in the process that is read. */
static void check_reads(struct reader_process *process, const uint8_t *pages)
{
    const uintptr_t start = (uintptr_t)pages;
    const struct {
        uintptr_t address;
        uint64_t bytes;
        bool is_there;
    } CASES[] = {
        {start, PAGE_BYTES, true},
        {start + 1, 7, true},
        {start + PAGE_BYTES - 1, 1, true},
        {start + PAGE_BYTES - 1, 2, false},
        {start + PAGE_BYTES, 1, false},
        {start + PAGE_BYTES - 8, PAGE_BYTES + 16, false},
        {start + 2 * PAGE_BYTES, PAGE_BYTES, true},
        {0, 1, false},
        {8, 8, false},
        {UINTPTR_MAX - 7, 8, false},
        {1ull << 63, 16, false},
        {0xffffffffff000000, 8, false},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint8_t buffer[2 * PAGE_BYTES];
        bool is_there = reader_read(&process->reader, CASES[i].address, buffer, CASES[i].bytes);
        cr_expect_eq(is_there, CASES[i].is_there, "case %u", i);
        if (is_there)
            cr_expect_arr_eq(buffer, (const uint8_t *)CASES[i].address, CASES[i].bytes, "case %u", i);
    }
}

/* A child that has the same pages, but not this one's content behind the third. It ends with this process, by a pipe:
 * the signal of PR_SET_PDEATHSIG does not come from a parent that has given up its rights. */
static pid_t start_child(uint8_t *pages)
{
    int ready[2], alive[2];
    cr_assert_eq(pipe(ready), 0);
    cr_assert_eq(pipe(alive), 0);
    pid_t child = fork();
    if (child == 0) {
        pages[3 * PAGE_BYTES - 1] = 'c';
        close(alive[1]);
        write(ready[1], "", 1);
        read(alive[0], &(char){0}, 1);
        _exit(0);
    }
    cr_assert_eq(read(ready[0], &(char){0}, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(alive[0]);
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* As in a sandbox that knows no process_vm_readv. */
static void forbid_direct_reads(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(reader_process, what_is_not_mapped_is_an_error)
{
    struct reader_process self;
    reader_process_open(&self, getpid());
    check_reads(&self, pages_with_hole());
    cr_expect_eq(self.mem_fd, -1, "process_vm_readv was enough");
    reader_process_close(&self);
}

Test(reader_process, through_the_mem_file_likewise)
{
    struct reader_process self;
    reader_process_open(&self, getpid());
    self.mem_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(self.mem_fd, 0);
    int fd = self.mem_fd;
    check_reads(&self, pages_with_hole());
    reader_process_close(&self);
    cr_expect_eq(self.mem_fd, -1);
    cr_expect_eq(fcntl(fd, F_GETFD), -1, "the descriptor is given back");
}

Test(reader_process, goes_over_to_the_mem_file_by_itself)
{
    struct reader_process self;
    forbid_direct_reads();
    reader_process_open(&self, getpid());
    check_reads(&self, pages_with_hole());
    cr_expect_geq(self.mem_fd, 0);
    cr_expect(fcntl(self.mem_fd, F_GETFD) & FD_CLOEXEC);
    reader_process_close(&self);
}

static void check_child(void)
{
    uint8_t *pages = pages_with_hole();
    pid_t child = start_child(pages);
    struct reader_process process;
    uint8_t byte;
    reader_process_open(&process, child);
    cr_expect(reader_read(&process.reader, (uintptr_t)pages + 3 * PAGE_BYTES - 1, &byte, 1));
    cr_expect_eq(byte, 'c', "it is the child that is read");
    pages[3 * PAGE_BYTES - 1] = 'c';
    check_reads(&process, pages);
    end_child(child);
    cr_expect_not(reader_read(&process.reader, (uintptr_t)pages, &byte, 1), "nobody is there");
    reader_process_close(&process);
}

Test(reader_process, reads_another_process)
{
    check_child();
}

Test(reader_process, reads_another_process_through_its_mem_file)
{
    forbid_direct_reads();
    check_child();
}

Test(reader_process, process_of_somebody_else_is_an_error_that_says_so)
{
    if (geteuid() != 0)
        cr_skip_test("only root can be two users");
    uint8_t *pages = pages_with_hole();
    pid_t child = start_child(pages);
    struct reader_process process;
    uint8_t byte;
    reader_process_open(&process, child);
    cr_assert_eq(setresuid(65534, 65534, 65534), 0);
    int error = process.reader.read(&process.reader, (uintptr_t)pages, &byte, 1);
    cr_expect(error == -EPERM || error == -EACCES, "%d", error);
    reader_process_close(&process);
}

Test(reader_process, process_that_does_not_exist_is_an_error_that_says_so)
{
    struct reader_process process;
    uint8_t byte;
    reader_process_open(&process, 0x7fffffff);
    cr_expect_eq(process.reader.read(&process.reader, (uintptr_t)&byte, &byte, 1), -ESRCH);
    reader_process_close(&process);
}

static const uint8_t *window_at(struct fake_memory *memory, uint8_t *buffer, uint64_t buffer_bytes, uintptr_t start,
                                uintptr_t end, uintptr_t address, uint64_t bytes)
{
    struct reader_window window = {&memory->reader, start, end, buffer, buffer_bytes, 0, 0};
    return reader_window_at(&window, address, bytes);
}

Test(reader_window, hands_out_nothing_outside_of_its_bounds)
{
    uint8_t content[256], buffer[64];
    struct fake_memory memory;
    for (unsigned i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)i;
    fake_memory_open(&memory);
    fake_memory_add(&memory, 0x1000, content, sizeof content);
    static const struct {
        uintptr_t address;
        uint64_t bytes;
        bool is_given;
    } CASES[] = {
        {0x1010, 16, true},
        {0x1010, 32, true},
        {0x1010, 33, false}, /* more than half of the buffer */
        {0x100f, 1, false},
        {0x1030, 16, true},
        {0x1030, 17, false},
        {0x103f, 1, true},
        {0x1040, 1, false},
        {0x1040, 0, true},
        {0x1041, 0, false},
        {0, 8, false},
        {UINTPTR_MAX, 8, false},
        {0x1020, UINT64_MAX, false},
        {0x1020, UINT64_MAX - 0x1f, false},
    };
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const uint8_t *got =
            window_at(&memory, buffer, sizeof buffer, 0x1010, 0x1040, CASES[i].address, CASES[i].bytes);
        cr_expect_eq(got != NULL, CASES[i].is_given, "case %u", i);
        if (got != NULL && CASES[i].bytes > 0)
            cr_expect_arr_eq(got, content + (CASES[i].address - 0x1000), CASES[i].bytes, "case %u", i);
    }
}

Test(reader_window, reads_up_to_a_hole_and_not_beyond)
{
    uint8_t content[100], buffer[64];
    struct fake_memory memory;
    memset(content, 5, sizeof content);
    fake_memory_open(&memory);
    fake_memory_add(&memory, 0x1000, content, sizeof content);
    cr_expect_not_null(window_at(&memory, buffer, sizeof buffer, 0x1000, 0x2000, 0x1000 + 92, 8));
    cr_expect_null(window_at(&memory, buffer, sizeof buffer, 0x1000, 0x2000, 0x1000 + 93, 8));
    cr_expect_null(window_at(&memory, buffer, sizeof buffer, 0x1000, 0x2000, 0x1800, 8));
}

Test(reader_window, forgets_what_it_held_when_a_read_fails)
{
    uint8_t content[64], buffer[64];
    struct fake_memory memory;
    memset(content, 5, sizeof content);
    fake_memory_open(&memory);
    fake_memory_add(&memory, 0x1000, content, sizeof content);
    struct reader_window window = {&memory.reader, 0x1000, 0x3000, buffer, sizeof buffer, 0, 0};
    cr_assert_not_null(reader_window_at(&window, 0x1000, 8));
    cr_assert_null(reader_window_at(&window, 0x2000, 8));
    memset(buffer, 0xee, sizeof buffer); /* a failed read leaves anything behind */
    const uint8_t *again = reader_window_at(&window, 0x1008, 8);
    cr_assert_not_null(again);
    cr_expect_arr_eq(again, content, 8);
}

Test(reader_window, agrees_with_direct_reads_and_reads_seldom_when_it_goes_forward)
{
    enum { BYTES = 10000, BUFFER_BYTES = 512, STEPS = 20000 };
    static uint8_t content[BYTES];
    uint8_t *buffer = malloc(BUFFER_BYTES);
    struct random random = {11};
    struct fake_memory memory;
    for (int i = 0; i < BYTES; i++)
        content[i] = (uint8_t)random_next(&random);
    fake_memory_open(&memory);
    fake_memory_add(&memory, 0x5000, content, BYTES);
    struct reader_window window = {&memory.reader, 0x5000, 0x5000 + BYTES, buffer, BUFFER_BYTES, 0, 0};
    for (int i = 0; i < STEPS; i++) {
        uint64_t offset = random_below(&random, BYTES + 50), bytes = random_below(&random, BUFFER_BYTES / 2 + 20);
        const uint8_t *got = reader_window_at(&window, 0x5000 + offset, bytes);
        bool is_valid = offset + bytes <= BYTES && bytes <= BUFFER_BYTES / 2;
        cr_assert_eq(got != NULL, is_valid, "offset %lu, %lu bytes", offset, bytes);
        cr_assert(!is_valid || memcmp(got, content + offset, bytes) == 0, "offset %lu, %lu bytes", offset, bytes);
    }
    memory.reads = 0;
    window.held_bytes = 0;
    for (uint64_t offset = 0; offset + 8 <= BYTES; offset += 8)
        cr_assert_not_null(reader_window_at(&window, 0x5000 + offset, 8));
    cr_expect_leq(memory.reads, BYTES / BUFFER_BYTES + 1);
    free(buffer);
}
