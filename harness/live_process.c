/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at another process: is it there, may it be read, is it one that we understand.
 */
#include "harness/live_process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memory/text.h"

enum { ENVIRONMENT_BYTES_MAX = 4 << 20 };

#define NS_PER_SECOND 1000000000u

void live_process_path(const struct live_process *process, const char *name, char path[PROC_PATH_BYTES])
{
    snprintf(path, PROC_PATH_BYTES, "/proc/%d/%s", process->pid, name);
}

/* ---- refusals ---- */

static long owner_of(const struct live_process *process)
{
    struct stat status;
    char path[PROC_PATH_BYTES];
    live_process_path(process, "", path);
    return stat(path, &status) == 0 ? (long)status.st_uid : -1;
}

/* Root in a container is not all-powerful; whose process it is then does not matter. */
static bool lacks_capability(void)
{
    return geteuid() == 0 && !live_process_may_trace();
}

static bool refuse_permission(const struct live_process *process, struct error *error)
{
    char scope[16] = "";
    if (lacks_capability())
        return error_set(error, "its memory may not be read: you are root without CAP_SYS_PTRACE, as in a container; "
                                "give it (docker run --cap-add SYS_PTRACE; kubectl debug --profile=general), or be "
                                "the user that it runs as");
    if (read_small_file("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof scope) > 0)
        scope[strcspn(scope, "\n")] = '\0';
    long owner = owner_of(process);
    bool is_of_us = owner == (long)geteuid();
    if (scope[0] != '\0' && scope[0] != '0' && is_of_us)
        return error_set(error,
                         "its memory may not be read: /proc/sys/kernel/yama/ptrace_scope is %s; be root, or set it to "
                         "0 (as root: sysctl kernel.yama.ptrace_scope=0)",
                         scope);
    if (is_of_us)
        return error_set(error, "its memory may not be read: it has more rights than you, or has made itself "
                                "undumpable; be root");
    return error_set(error,
                     "its memory may not be read: it runs as uid %ld, you are uid %ld; be that user, or root%s%s",
                     owner, (long)geteuid(), scope[0] == '\0' ? "" : " (/proc/sys/kernel/yama/ptrace_scope is ",
                     scope[0] == '\0' ? "" : strcat(scope, ")"));
}

bool live_process_refuse(const struct live_process *process, const char *what, int number, struct error *error)
{
    if (number == -EACCES || number == -EPERM)
        return refuse_permission(process, error);
    if (number == -ESRCH || number == -ENOENT)
        return error_set(error, "it has ended while it was looked at");
    return error_set(error, "%s cannot be read: %s", what, strerror(-number));
}

bool live_process_may_trace(void)
{
    enum { CAP_SYS_PTRACE_BIT = 19 };
    return live_process_has_capability(CAP_SYS_PTRACE_BIT);
}

bool live_process_has_capability(unsigned bit)
{
    static const char KEY[] = "\nCapEff:\t";
    char status[4096];
    if (read_small_file("/proc/self/status", status, sizeof status) <= 0)
        return false;
    const char *found = strstr(status, KEY);
    return found != NULL && (strtoull(found + strlen(KEY), NULL, 16) >> bit & 1) != 0;
}

/* ---- checks ---- */

static bool take_status(const char *status, const char *key, char *value, size_t value_bytes)
{
    const char *found = strstr(status, key);
    if (found == NULL)
        return false;
    found += strlen(key);
    found += strspn(found, " \t");
    size_t bytes = strcspn(found, " \t\n");
    if (bytes >= value_bytes)
        return false;
    memcpy(value, found, bytes);
    value[bytes] = '\0';
    return true;
}

static bool check_is_there(const struct live_process *process, struct error *error)
{
    char path[PROC_PATH_BYTES], status[4096], value[16];
    if (access("/proc/self/maps", F_OK) != 0)
        return error_set(error, "cannot be looked at: /proc is not mounted (mount -t proc proc /proc)");
    live_process_path(process, "status", path);
    long got = read_small_file(path, status, sizeof status);
    if (got == -ENOENT || got == -ESRCH)
        return error_set(error, "there is no such process; 'ps -e' lists those that there are");
    if (got <= 0)
        return live_process_refuse(process, path, (int)got, error);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", process->pid);
    if (take_status(status, "\nTgid:", value, sizeof value) && strcmp(value, pid) != 0)
        return error_set(error, "is a thread of process %s; give that", value);
    if (take_status(status, "\nState:", value, sizeof value) && (value[0] == 'Z' || value[0] == 'X'))
        return error_set(error, "has ended; its parent has not asked for its exit status yet");
    return true;
}

static bool check_class(const struct live_process *process, struct error *error)
{
    char path[PROC_PATH_BYTES];
    unsigned char ident[EI_NIDENT] = "";
    live_process_path(process, "exe", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || live_process_refuse(process, path, -errno, error);
    ssize_t got = pread(fd, ident, sizeof ident, 0);
    close(fd);
    if (got == sizeof ident && memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] != ELFCLASS64)
        return error_set(error, "is a 32-bit process; only 64-bit ones can be read");
    return true;
}

/* Memory and pagemap need more rights than the list of mappings. */
static bool check_memory(struct live_process *process, struct error *error)
{
    char path[PROC_PATH_BYTES];
    uint8_t byte;
    for (uint64_t i = 0; i < process->vmas.count; i++) {
        const struct vma *vma = &process->vmas.vmas[i];
        if (!vma->is_readable || vma->name[0] == '[')
            continue;
        int result = process->reader.reader.read(&process->reader.reader, vma->start, &byte, 1);
        if (result == 0)
            break;
        if (result != -EFAULT && result != -EIO)
            return live_process_refuse(process, "its memory", result, error);
    }
    live_process_path(process, "pagemap", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return live_process_refuse(process, path, -errno, error);
    close(fd);
    return true;
}

/* ---- what it is ---- */

static void read_names(struct live_process *process)
{
    char path[PROC_PATH_BYTES];
    live_process_path(process, "comm", path);
    if (read_small_file(path, process->comm, sizeof process->comm) < 0)
        process->comm[0] = '\0';
    process->comm[strcspn(process->comm, "\n")] = '\0';
    live_process_path(process, "exe", path);
    long bytes = readlink(path, process->exe, sizeof process->exe - 1);
    process->exe[bytes < 0 ? 0 : bytes] = '\0';
}

/* Field 22 of stat, in clock ticks since boot; the name in field 2 may hold anything, so fields count from its end. */
static void read_age(struct live_process *process)
{
    char path[PROC_PATH_BYTES], stat[1024];
    struct timespec now;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    live_process_path(process, "stat", path);
    if (read_small_file(path, stat, sizeof stat) <= 0 || ticks_per_second <= 0 ||
        clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return;
    const char *after_name = strrchr(stat, ')');
    if (after_name == NULL)
        return;
    struct text text = text_of(after_name + 1);
    uint64_t ticks;
    for (int field = 2; field < 21; field++) {
        text_skip_spaces(&text);
        text_take_word(&text);
    }
    text_skip_spaces(&text);
    if (!text_take_decimal(&text, &ticks))
        return;
    uint64_t now_ns = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
    uint64_t start_ns = ticks * (NS_PER_SECOND / (uint64_t)ticks_per_second);
    process->age_ns = now_ns > start_ns ? now_ns - start_ns : 0;
}

static void read_environment(struct live_process *process, struct bump *bump)
{
    char path[PROC_PATH_BYTES];
    char *buffer = bump_take(bump, ENVIRONMENT_BYTES_MAX);
    live_process_path(process, "environ", path);
    long bytes = buffer == NULL ? -ENOMEM : read_small_file(path, buffer, ENVIRONMENT_BYTES_MAX);
    process->environment = buffer;
    process->environment_bytes = bytes < 0 ? 0 : (uint64_t)bytes;
}

static bool read_mappings(struct live_process *process, struct bump *bump, struct error *error)
{
    char path[PROC_PATH_BYTES];
    live_process_path(process, "maps", path);
    int result = vma_list_read(&process->vmas, path, bump);
    if (result != 0)
        return live_process_refuse(process, path, result, error);
    if (process->vmas.count == 0)
        return error_set(error, "has no memory: it is a thread of the kernel, or it has just ended");
    return true;
}

bool live_process_open(struct live_process *process, int pid, struct bump *bump, struct error *error)
{
    *process = (struct live_process){.pid = pid};
    reader_process_open(&process->reader, pid);
    if (!check_is_there(process, error) || !read_mappings(process, bump, error) || !check_class(process, error) ||
        !check_memory(process, error)) {
        live_process_close(process);
        return false;
    }
    read_names(process);
    read_age(process);
    read_environment(process, bump);
    return true;
}

void live_process_close(struct live_process *process)
{
    reader_process_close(&process->reader);
}

/* The last of the list in its status. */
uint64_t live_process_own_pid(int pid)
{
    char path[PROC_PATH_BYTES], status[4096], key[] = "\nNSpid:\t";
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    const char *numbers = read_small_file(path, status, sizeof status) <= 0 ? NULL : strstr(status, key);
    if (numbers == NULL)
        return (uint64_t)pid;
    numbers += strlen(key);
    status[numbers - status + (ptrdiff_t)strcspn(numbers, "\n")] = '\0';
    const char *last = strrchr(numbers, '\t');
    return strtoull(last == NULL ? numbers : last + 1, NULL, 10);
}

/* ---- files ---- */

/* By stat first: a name may have become that of a FIFO. */
static bool can_be_read(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, R_OK) == 0;
}

const char *live_process_file_path(void *context, const struct vma *vma)
{
    struct live_process *process = context;
    char *path = process->file_path;
    /* The very file, whatever became of its name; needs CAP_CHECKPOINT_RESTORE. */
    snprintf(path, sizeof process->file_path, "/proc/%d/map_files/%" PRIxPTR "-%" PRIxPTR, process->pid, vma->start,
             vma->end);
    if (can_be_read(path))
        return path;
    if (strcmp(vma->name, process->exe) == 0)
        snprintf(path, sizeof process->file_path, "/proc/%d/exe", process->pid);
    else
        snprintf(path, sizeof process->file_path, "/proc/%d/root%s", process->pid, vma->name);
    return can_be_read(path) ? path : NULL;
}
