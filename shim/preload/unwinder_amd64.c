/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and calling libunwind (amd64).
 */
#include "preload/unwinder.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "preload/loaded_module.h"
#include "preload/old_libc.h"

/* libunwind-x86_64.h: UNW_X86_64_RBP, UNW_X86_64_RIP */
enum { REGISTER_FRAME = 6, REGISTER_PC = 16 };

enum { STEPS_MAX = 256 };

const char *unwinder_open(struct unwinder *unwinder)
{
    struct loaded_module module;
    if (dlopen == NULL || dlsym == NULL)
        return "this program's libc cannot load " UNWINDER_LIBRARY;
    /* Kept from now on: closing it may run code of its own. */
    if (dlopen(UNWINDER_LIBRARY, RTLD_NOLOAD | RTLD_LAZY) != NULL)
        return "the program has " UNWINDER_LIBRARY " loaded for itself, whose locks it may hold where memory is mapped";
    void *library = dlopen(UNWINDER_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL)
        return UNWINDER_LIBRARY " cannot be loaded; Debian has it in the package libunwind8";
    *(void **)&unwinder->get_context = dlsym(library, "_Ux86_64_getcontext");
    *(void **)&unwinder->init_local = dlsym(library, "_ULx86_64_init_local");
    *(void **)&unwinder->step = dlsym(library, "_ULx86_64_step");
    *(void **)&unwinder->get_register = dlsym(library, "_ULx86_64_get_reg");
    if (unwinder->get_context == NULL || unwinder->init_local == NULL || unwinder->step == NULL ||
        unwinder->get_register == NULL || !loaded_module_find(&module, *(void **)&unwinder->step))
        return UNWINDER_LIBRARY " lacks a function that libunwind has, or its headers cannot be read";
    unwinder->start = module.start;
    unwinder->end = module.end;
    atomic_store_explicit(&unwinder->is_ready, true, memory_order_release);
    return NULL;
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
