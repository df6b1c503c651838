/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the page among the descriptors of a process, and asking there.
 */
#include "harness/control_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/live_process.h"
#include "memory/bump.h"
#include "memory/text.h"
#include "memory/units.h"
#include "memory/vma.h"

enum { PROC_PATH_MAX = 64, MAPS_BYTES = 64 << 20 };

#define NS_PER_SECOND 1000000000ull
/* Locks have no futex to wait on across processes that may die. */
#define LOCK_INTERVAL_NS (NS_PER_SECOND / 50)
/* How often it is looked whether the process is still there. */
#define LOOK_INTERVAL_NS (NS_PER_SECOND / 10)

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
    *control = (struct control_page){.fd = open_page(pid), .pid = pid};
    if (control->fd < 0)
        return errno == ENODATA ? refuse_without_page(pid, error) : refuse_rights(pid, errno, error);
    control->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    /* Smaller than it says: reading it would be a fault. */
    void *page = MAP_FAILED;
    if (fstat(control->fd, &status) == 0 && status.st_size >= GPW_CONTROL_BYTES)
        page = mmap(NULL, GPW_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, control->fd, 0);
    control->page = page == MAP_FAILED ? NULL : page;
    if (control->page == NULL || control->page->magic != GPW_CONTROL_MAGIC) {
        control_page_close(control);
        return error_set(error, "the shim in it is of another version; use the gopagewatch that it came with");
    }
    /* A forked child has its parent's descriptors. */
    if (control->page->pid != live_process_own_pid(pid)) {
        control_page_close(control);
        return refuse_without_page(pid, error);
    }
    return true;
}

void control_page_close(struct control_page *control)
{
    if (control->fd < 0)
        return;
    if (control->page != NULL)
        munmap(control->page, GPW_CONTROL_BYTES);
    if (control->pidfd >= 0)
        close(control->pidfd);
    close(control->fd);
    *control = (struct control_page){.fd = -1};
}

/* ---- asking ---- */

static bool try_lock(const struct control_page *control, struct error *error)
{
    if (flock(control->fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK || errno == EINTR)
        return error_set(error, "another gopagewatch waits for a dump of it; try again, or give more --timeout");
    return error_set(error, "cannot be locked: %s", strerror(errno));
}

static bool lock(const struct control_page *control, uint64_t end_ns, struct error *error)
{
    while (!try_lock(control, error)) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || now_ns() >= end_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = (long)LOCK_INTERVAL_NS}, NULL);
    }
    return true;
}

/* With the lock held. */
static void request(struct control_page *control, const char *label)
{
    struct gpw_control *page = control->page;
    memset(page->label, 0, sizeof page->label);
    memcpy(page->label, label, strnlen(label, sizeof page->label - 1));
    control->request = atomic_fetch_add_explicit(&page->requested, 1, memory_order_release) + 1;
    atomic_fetch_add_explicit(&page->asked, 1, memory_order_release);
    syscall(SYS_futex, &page->asked, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool is_answered(const struct control_page *control)
{
    return atomic_load_explicit(&control->page->answered, memory_order_acquire) == control->request;
}

/* The path as this process sees it: the other may be in another root, as in a container. */
static void localise(const char *path, int pid, char local[PATH_MAX])
{
    struct stat there, here;
    char through[PATH_MAX];
    int length = snprintf(through, sizeof through, "/proc/%d/root%s", pid, path);
    bool is_seen = length > 0 && (size_t)length < sizeof through && stat(through, &there) == 0;
    bool is_same = is_seen && stat(path, &here) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
    snprintf(local, PATH_MAX, "%s", is_seen && !is_same ? through : path);
}

static bool tell_answer(const struct control_page *control, struct control_answer *answer, struct error *error)
{
    char path[GPW_CONTROL_PATH_BYTES], why[GPW_CONTROL_WHY_BYTES];
    int number = control->page->error;
    memcpy(path, control->page->path, sizeof path);
    memcpy(why, control->page->why, sizeof why);
    path[sizeof path - 1] = why[sizeof why - 1] = '\0';
    if (number != 0)
        return error_set(error, "it made no dump: %s %s: %s; the place is told by its GOPAGEWATCH_OUT", why, path,
                         strerror(number < 0 && number > -4096 ? -number : EIO));
    if (path[0] == '\0')
        return error_set(error, "it made a dump but does not tell where");
    localise(path, control->pid, answer->path);
    return true;
}

bool control_page_begin(struct control_page *control, const char *label, struct error *error)
{
    if (!try_lock(control, error))
        return false;
    request(control, label);
    return true;
}

enum control_state control_page_poll(struct control_page *control, struct control_answer *answer, struct error *error)
{
    if (!is_answered(control))
        return CONTROL_PENDING;
    bool is_made = tell_answer(control, answer, error);
    flock(control->fd, LOCK_UN);
    return is_made ? CONTROL_MADE : CONTROL_FAILED;
}

static bool has_ended(const struct control_page *control)
{
    struct pollfd end = {.fd = control->pidfd, .events = POLLIN};
    return control->pidfd >= 0 ? poll(&end, 1, 0) == 1 : kill(control->pid, 0) != 0 && errno == ESRCH;
}

/* By a signal, or by a debugger. Behind the name, which may hold anything. */
static bool is_stopped(const struct control_page *control)
{
    char path[PROC_PATH_MAX], stat[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", control->pid);
    const char *after_name = read_small_file(path, stat, sizeof stat) <= 0 ? NULL : strrchr(stat, ')');
    return after_name != NULL && (strncmp(after_name, ") T", 3) == 0 || strncmp(after_name, ") t", 3) == 0);
}

/* Until the word is `wanted`, the process has ended or the time is up. */
static bool await_word(const struct control_page *control, _Atomic uint32_t *word, uint32_t wanted, uint64_t end_ns)
{
    for (;;) {
        /* In this order: it may answer and end. */
        bool is_over = has_ended(control);
        uint32_t seen = atomic_load_explicit(word, memory_order_acquire);
        uint64_t at_ns = now_ns();
        if (seen == wanted || is_over || at_ns >= end_ns)
            return seen == wanted;
        /* Nobody wakes us when it ends. */
        uint64_t rest_ns = min_u64(end_ns - at_ns, LOOK_INTERVAL_NS);
        struct timespec rest = {(time_t)(rest_ns / NS_PER_SECOND), (long)(rest_ns % NS_PER_SECOND)};
        syscall(SYS_futex, word, FUTEX_WAIT, seen, &rest, NULL, 0);
    }
}

static bool refuse_silence(const struct control_page *control, struct error *error)
{
    if (has_ended(control))
        return error_set(error, "it has ended before it made the dump");
    if (is_stopped(control))
        return error_set(error,
                         "no dump came within the time: it is stopped, and makes it when it goes on (kill -CONT "
                         "%d)",
                         control->pid);
    return error_set(error, "no dump came within the time, and it may still come: look for it where its "
                            "GOPAGEWATCH_OUT says, or give more --timeout");
}

bool control_page_ask(struct control_page *control, const char *label, uint64_t wait_ns, struct control_answer *answer,
                      struct error *error)
{
    uint64_t end_ns = now_ns() + wait_ns;
    if (!lock(control, end_ns, error))
        return false;
    request(control, label);
    await_word(control, &control->page->answered, control->request, end_ns);
    switch (control_page_poll(control, answer, error)) {
    case CONTROL_MADE:
        return true;
    case CONTROL_FAILED:
        return false;
    case CONTROL_PENDING:
        break;
    }
    flock(control->fd, LOCK_UN);
    return refuse_silence(control, error);
}

/* ---- bringing it to rest ---- */

bool control_page_serves_settle(const struct control_page *control)
{
    const struct gpw_control *page = control->page;
    /* Who is at work for another command does not wait at the moment. */
    return atomic_load_explicit(&page->settle_listening, memory_order_acquire) != 0 ||
           atomic_load_explicit(&page->settle_asked, memory_order_relaxed) !=
               atomic_load_explicit(&page->settle_done, memory_order_relaxed);
}

bool control_page_settle_begin(struct control_page *control, struct error *error)
{
    struct gpw_control *page = control->page;
    if (!try_lock(control, error))
        return false;
    control->settle = atomic_load_explicit(&page->settle_asked, memory_order_relaxed) + 1;
    control->settle += control->settle == 0;
    atomic_store_explicit(&page->settle_asked, control->settle, memory_order_release);
    syscall(SYS_futex, &page->settle_asked, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return true;
}

bool control_page_settle_await(struct control_page *control, uint64_t wait_ns)
{
    return await_word(control, &control->page->settle_done, control->settle, now_ns() + wait_ns);
}

void control_page_settle_end(struct control_page *control)
{
    flock(control->fd, LOCK_UN);
}
