/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and calling libunwind (amd64).
 */
#include "preload/unwinder.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "preload/old_libc.h"

/* libunwind-x86_64.h: UNW_X86_64_RBP, UNW_X86_64_RIP */
enum { REGISTER_FRAME = 6, REGISTER_PC = 16 };

enum { STEPS_MAX = 256 };

void unwinder_open(struct unwinder *unwinder)
{
    static const char *const NAMES[] = UNWINDER_LIBRARIES;
    void *library = NULL;
    if (dlopen == NULL || dlsym == NULL)
        return;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && library == NULL; i++)
        library = dlopen(NAMES[i], RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL)
        return;
    *(void **)&unwinder->get_context = dlsym(library, "_Ux86_64_getcontext");
    *(void **)&unwinder->init_local = dlsym(library, "_ULx86_64_init_local");
    *(void **)&unwinder->step = dlsym(library, "_ULx86_64_step");
    *(void **)&unwinder->get_register = dlsym(library, "_ULx86_64_get_reg");
    bool has_all = unwinder->get_context != NULL && unwinder->init_local != NULL && unwinder->step != NULL &&
                   unwinder->get_register != NULL;
    atomic_store_explicit(&unwinder->is_ready, has_all, memory_order_release);
}

void unwinder_walk(const struct unwinder *unwinder, struct unwinder_room *room, unwinder_visit visit, void *context)
{
    uint64_t pc, frame;
    int before = errno; /* this runs inside calls that succeed */
    bool goes_on = unwinder->get_context(room->context) == 0 && unwinder->init_local(room->cursor, room->context) == 0;
    /* Bounded, whatever the unwind tables of the program's libraries say. */
    for (int i = 0; goes_on && i < STEPS_MAX; i++)
        goes_on = unwinder->step(room->cursor) > 0 && unwinder->get_register(room->cursor, REGISTER_PC, &pc) == 0 &&
                  unwinder->get_register(room->cursor, REGISTER_FRAME, &frame) == 0 && visit(context, pc, frame);
    errno = before;
}
