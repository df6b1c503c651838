/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and serving the control page.
 */
#include "preload/control.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "memory/raw.h"
#include "memory/units.h"
#include "preload/descriptor.h"

/* A file that is made longer than this costs the process its life (SIGXFSZ), on whatever thread we are. */
static bool may_grow_to(uint64_t bytes)
{
    struct rlimit limit = {0, 0};
    return raw_failed(raw_syscall6(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&limit, 0, 0)) || limit.rlim_cur >= bytes;
}

void control_open(struct control *control)
{
    long made = raw_syscall6(SYS_memfd_create, (long)GPW_CONTROL_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0, 0, 0);
    if (raw_failed(made))
        return;
    int fd = descriptor_move_up((int)made);
    long page = -1;
    /* Whoever may open it could make it shorter, and our next look at it would be a SIGBUS: so nobody can. */
    if (may_grow_to(GPW_CONTROL_BYTES) && !raw_failed(raw_syscall6(SYS_ftruncate, fd, GPW_CONTROL_BYTES, 0, 0, 0, 0)) &&
        !raw_failed(raw_syscall6(SYS_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, 0, 0, 0)))
        page = raw_mmap(NULL, GPW_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (raw_failed(page)) {
        raw_close(fd);
        return;
    }
    control->page = (struct gpw_control *)page;
    control->page->pid = (uint32_t)raw_getpid();
    control->page->magic = GPW_CONTROL_MAGIC;
}

void control_forget(struct control *control)
{
    control->page = NULL;
}

static void copy_text(char *to, const char *from, uint64_t room)
{
    uint64_t bytes = strnlen(from, room - 1);
    memcpy(to, from, bytes);
    to[bytes] = '\0';
}

void control_take(struct control *control)
{
    control->has_request = false;
    control->label[0] = '\0';
    if (control->page == NULL)
        return;
    control->request = atomic_load_explicit(&control->page->requested, memory_order_acquire);
    control->has_request = control->request != atomic_load_explicit(&control->page->answered, memory_order_relaxed);
    if (control->has_request)
        copy_text(control->label, control->page->label, sizeof control->label);
}

void control_answer(struct control *control, const struct dump_outcome *outcome)
{
    struct gpw_control *page = control->page;
    if (page == NULL || !control->has_request)
        return;
    page->seq = outcome->seq;
    page->error = outcome->error;
    copy_text(page->path, outcome->path, sizeof page->path);
    copy_text(page->why, outcome->why, sizeof page->why);
    atomic_store_explicit(&page->answered, control->request, memory_order_release);
    raw_syscall6(SYS_futex, (long)&page->answered, FUTEX_WAKE, INT_MAX, 0, 0, 0);
}

/* Only forward: of several threads that serve, the one that is done first has fulfilled the request. */
static void report_done(struct gpw_control *page, uint32_t done)
{
    uint32_t before = atomic_load_explicit(&page->settle_done, memory_order_relaxed);
    do {
        if ((int32_t)(done - before) <= 0)
            return;
    } while (!atomic_compare_exchange_weak_explicit(&page->settle_done, &before, done, memory_order_release,
                                                    memory_order_relaxed));
    raw_syscall6(SYS_futex, (long)&page->settle_done, FUTEX_WAKE, INT_MAX, 0, 0, 0);
}

uint32_t control_settle_await(struct gpw_control *page, uint32_t done)
{
    /* First, so that whoever sees the request fulfilled sees somebody listen as well. */
    atomic_fetch_add_explicit(&page->settle_listening, 1, memory_order_relaxed);
    if (done != 0)
        report_done(page, done);
    uint32_t asked = atomic_load_explicit(&page->settle_asked, memory_order_acquire);
    while (asked == 0 || asked == atomic_load_explicit(&page->settle_done, memory_order_relaxed)) {
        raw_syscall6(SYS_futex, (long)&page->settle_asked, FUTEX_WAIT, (long)asked, 0, 0, 0);
        asked = atomic_load_explicit(&page->settle_asked, memory_order_acquire);
    }
    atomic_fetch_sub_explicit(&page->settle_listening, 1, memory_order_relaxed);
    return asked;
}
