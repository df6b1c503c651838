/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the page among the descriptors of a process, and asking there.
 */
#include "harness/control_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memory/bump.h"
#include "memory/units.h"
#include "memory/vma.h"

enum { PROC_PATH_MAX = 64, MAPS_BYTES = 64 << 20 };

#define NS_PER_SECOND 1000000000ull
/* Locks have no futex to wait on across processes that may die. */
#define LOCK_INTERVAL_NS (NS_PER_SECOND / 50)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- why there is none ---- */

static bool has_library(int pid)
{
    char path[PROC_PATH_MAX];
    struct bump bump;
    struct vma_list vmas;
    bool is_there = false;
    if (bump_open(&bump, MAPS_BYTES) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    if (vma_list_read(&vmas, path, &bump) == 0) {
        for (uint64_t i = 0; i < vmas.count; i++)
            is_there |= strstr(vmas.vmas[i].name, "libgopagewatch.so") != NULL;
    }
    bump_close(&bump);
    return is_there;
}

static bool refuse_without_page(int pid, struct error *error)
{
    if (has_library(pid))
        return error_set(error,
                         "the shim is loaded but watches nothing there: no Go program with cgo, a forked child, or "
                         "its descriptors were closed; try 'gopagewatch attach %d'",
                         pid);
    return error_set(error,
                     "there is no shim in it; start it by 'gopagewatch run', or look from outside: "
                     "'gopagewatch attach %d'",
                     pid);
}

static bool refuse_rights(int pid, int number, struct error *error)
{
    if (number == ENOENT || number == ESRCH)
        return error_set(error, "there is no such process; 'ps -e' lists those that there are");
    if (number == EACCES || number == EPERM)
        return error_set(error,
                         "its descriptors may not be looked at; be the user that it runs as, or root (or send it "
                         "the signal yourself: kill -USR2 %d)",
                         pid);
    return error_set(error, "its descriptors cannot be read: %s", strerror(number));
}

/* ---- finding it ---- */

static bool is_page_name(const char *target)
{
    static const char NAME[] = "/memfd:" GPW_CONTROL_NAME;
    size_t bytes = sizeof NAME - 1;
    return strncmp(target, NAME, bytes) == 0 && (target[bytes] == '\0' || target[bytes] == ' ');
}

/* A descriptor of ours for the page, or -1 with errno; ENODATA: the process has no such descriptor. */
static int open_page(int pid)
{
    char path[PROC_PATH_MAX], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -1;
    int found = -1, number = ENODATA;
    for (struct dirent *entry; found < 0 && (entry = readdir(directory)) != NULL;) {
        ssize_t bytes = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (bytes <= 0)
            continue;
        target[bytes] = '\0';
        if (!is_page_name(target))
            continue;
        found = openat(dirfd(directory), entry->d_name, O_RDWR | O_CLOEXEC);
        number = errno;
    }
    closedir(directory);
    errno = number;
    return found;
}

bool control_page_open(struct control_page *control, int pid, struct error *error)
{
    struct stat status;
    *control = (struct control_page){.fd = open_page(pid)};
    if (control->fd < 0)
        return errno == ENODATA ? refuse_without_page(pid, error) : refuse_rights(pid, errno, error);
    /* Smaller than it says: reading it would be a fault. */
    void *page = MAP_FAILED;
    if (fstat(control->fd, &status) == 0 && status.st_size >= GPW_CONTROL_BYTES)
        page = mmap(NULL, GPW_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, control->fd, 0);
    control->page = page == MAP_FAILED ? NULL : page;
    if (control->page == NULL || control->page->magic != GPW_CONTROL_MAGIC) {
        control_page_close(control);
        return error_set(error, "the shim in it is of another version; use the gopagewatch that it came with");
    }
    return true;
}

void control_page_close(struct control_page *control)
{
    if (control->page != NULL)
        munmap(control->page, GPW_CONTROL_BYTES);
    if (control->fd >= 0)
        close(control->fd);
    *control = (struct control_page){.fd = -1};
}

/* ---- asking ---- */

static bool lock(const struct control_page *control, uint64_t end_ns, struct error *error)
{
    while (flock(control->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_set(error, "cannot be locked: %s", strerror(errno));
        if (now_ns() >= end_ns)
            return error_set(error, "another gopagewatch waits for a dump of it all the time; give more --timeout");
        nanosleep(&(struct timespec){.tv_nsec = (long)LOCK_INTERVAL_NS}, NULL);
    }
    return true;
}

static void wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* False: the time is up. */
static bool await_answer(struct gpw_control *page, uint32_t request, uint64_t end_ns)
{
    for (;;) {
        uint32_t answered = atomic_load_explicit(&page->answered, memory_order_acquire);
        uint64_t at_ns = now_ns();
        if (answered == request)
            return true;
        if (at_ns >= end_ns)
            return false;
        /* Not longer than a second: the process may have ended. */
        uint64_t rest_ns = min_u64(end_ns - at_ns, NS_PER_SECOND);
        struct timespec rest = {(time_t)(rest_ns / NS_PER_SECOND), (long)(rest_ns % NS_PER_SECOND)};
        syscall(SYS_futex, &page->answered, FUTEX_WAIT, answered, &rest, NULL, 0);
    }
}

static bool tell_answer(const struct gpw_control *page, struct control_answer *answer, struct error *error)
{
    char why[GPW_CONTROL_WHY_BYTES];
    int number = page->error;
    memcpy(answer->path, page->path, sizeof answer->path);
    memcpy(why, page->why, sizeof why);
    answer->path[sizeof answer->path - 1] = why[sizeof why - 1] = '\0';
    if (number != 0)
        return error_set(error, "it made no dump: %s %s: %s; the place is told by its GOPAGEWATCH_OUT", why,
                         answer->path, strerror(number < 0 && number > -4096 ? -number : EIO));
    return answer->path[0] != '\0' || error_set(error, "it made a dump but does not tell where");
}

bool control_page_ask(struct control_page *control, const char *label, uint64_t wait_ns, struct control_answer *answer,
                      struct error *error)
{
    struct gpw_control *page = control->page;
    uint64_t end_ns = now_ns() + wait_ns;
    if (!lock(control, end_ns, error))
        return false;
    memset(page->label, 0, sizeof page->label);
    memcpy(page->label, label, strnlen(label, sizeof page->label - 1));
    uint32_t request = atomic_fetch_add_explicit(&page->requested, 1, memory_order_release) + 1;
    atomic_fetch_add_explicit(&page->asked, 1, memory_order_release);
    wake(&page->asked);
    bool is_answered = await_answer(page, request, end_ns);
    bool is_made = is_answered && tell_answer(page, answer, error);
    flock(control->fd, LOCK_UN);
    return is_answered ? is_made
                       : error_set(error, "no dump came within the time; it is stopped, has ended, or has very much "
                                          "memory: give more --timeout");
}
