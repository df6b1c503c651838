/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking stacks. Hook path.
 */
#include "preload/stacks.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/uio.h>

#include "memory/raw.h"
#include "memory/units.h"
#include "preload/shim.h"

enum {
    /* From the system stack to a goroutine's, and back where C calls Go. */
    STACKS_MAX = 6,
    KERNEL_MASK_BYTES = 8,
    SIGSETXID_NUMBER = 33, /* glibc's, for setuid */
};

bool stacks_open(struct stacks *stacks, struct region *region, bool wants_c)
{
    struct stack_slot *slots = region_take(region, STACK_SLOTS * sizeof *slots);
    if (slots == NULL)
        return false;
    stacks->pid = (uint32_t)raw_getpid();
    stacks->wants_c = wants_c;
    atomic_store_explicit(&stacks->slots, slots, memory_order_release);
    return true;
}

struct stack_slot *stacks_claim(struct stacks *stacks, uintptr_t stack_pointer)
{
    struct stack_slot *slots = atomic_load_explicit(&stacks->slots, memory_order_acquire);
    if (slots == NULL)
        return NULL;
    for (int i = 0; i < STACK_SLOTS; i++) {
        if (atomic_exchange_explicit(&slots[i].is_taken, 1, memory_order_acquire) == 0) {
            slots[i].count = 0;
            slots[i].page = 0;
            slots[i].own_page = align_down(stack_pointer, STACK_PAGE_BYTES);
            return &slots[i];
        }
    }
    atomic_fetch_add_explicit(&stacks->missed, 1, memory_order_relaxed);
    return NULL;
}

void stacks_release(struct stack_slot *slot)
{
    atomic_store_explicit(&slot->is_taken, 0, memory_order_release);
}

/* The page that holds `address`, into the slot. False: it cannot be read. */
static bool read_page(struct stacks *stacks, struct stack_slot *slot, uintptr_t address)
{
    uintptr_t page = align_down(address, STACK_PAGE_BYTES);
    if (slot->page == page)
        return true;
    slot->page = 0;
    if (atomic_load_explicit(&stacks->is_forbidden, memory_order_relaxed))
        return false;
    struct iovec here = {slot->bytes, STACK_PAGE_BYTES}, there = {(void *)page, STACK_PAGE_BYTES};
    long got = raw_syscall6(SYS_process_vm_readv, stacks->pid, (long)&here, 1, (long)&there, 1, 0);
    if (got == -EPERM || got == -ENOSYS)
        atomic_store_explicit(&stacks->is_forbidden, 1, memory_order_relaxed);
    if (got != STACK_PAGE_BYTES)
        return false;
    slot->page = page;
    return true;
}

/* Memory that cannot be gone: the page that this thread's stack pointer is on, and what Go maps for its heap, where its
 * stacks are; Go does not take access away from a stack that runs. */
static bool is_surely_there(const struct stack_slot *slot, uintptr_t address)
{
    if (align_down(address, STACK_PAGE_BYTES) == slot->own_page)
        return true;
    struct shadow_entry entry = shadow_look_up(&gpw_shim.shadow, address);
    return entry.origin[0] == ORIGIN_GO && entry.state == STATE_MAPPED;
}

static bool read_word(struct stacks *stacks, struct stack_slot *slot, uintptr_t address, uintptr_t *word)
{
    if (is_surely_there(slot, address)) {
        *word = *(const uintptr_t *)address;
        return true;
    }
    if (!read_page(stacks, slot, address))
        return false;
    *word = slot->bytes[address % STACK_PAGE_BYTES / sizeof(uintptr_t)];
    return true;
}

static bool is_go_code(uintptr_t pc)
{
    const struct watched_runtime *runtime;
    for (uint32_t at = 0; (runtime = shim_next_runtime(&at)) != NULL;) {
        if (pc > runtime->found.go_text_start && pc <= runtime->found.go_text_end)
            return true;
    }
    return false;
}

static bool add(struct stack_slot *slot, uintptr_t pc)
{
    if (slot->count == CALLSITE_FRAMES_MAX)
        return false;
    slot->frames[slot->count++] = pc;
    return true;
}

/* A frame's record: [frame] is the caller's frame pointer, [frame + 8] the return address. */
static bool read_record(struct stacks *stacks, struct stack_slot *slot, uintptr_t frame, uintptr_t *next, uintptr_t *pc)
{
    return frame != 0 && frame % sizeof(uintptr_t) == 0 && read_word(stacks, slot, frame, next) &&
           read_word(stacks, slot, frame + sizeof(uintptr_t), pc);
}

void stacks_add_go(struct stacks *stacks, struct stack_slot *slot, uintptr_t frame)
{
    uintptr_t next, pc;
    for (int changes = 0; changes < STACKS_MAX && read_record(stacks, slot, frame, &next, &pc);) {
        if (!is_go_code(pc) || !add(slot, pc))
            return;
        changes += next <= frame;
        frame = next;
    }
}

struct walk {
    struct stack_slot *slot;
    uintptr_t first; /* the return address to begin with: frames of our own come before it */
    bool has_begun;
    uintptr_t go_frame; /* where Go's chain begins; 0: C only */
};

static bool take_frame(void *context, uintptr_t pc, uintptr_t frame)
{
    struct walk *walk = context;
    walk->has_begun |= pc == walk->first;
    if (!walk->has_begun)
        return true;
    if (!add(walk->slot, pc))
        return false;
    walk->go_frame = is_go_code(pc) ? frame : 0;
    return walk->go_frame == 0;
}

/* C that keeps frame pointers has records of its own between us and Go; C that does not leaves Go's in the register. */
static void find_go(struct stacks *stacks, struct stack_slot *slot, uintptr_t frame)
{
    enum { RECORDS_MAX = 32 };
    uintptr_t next, pc;
    for (int i = 0; i < RECORDS_MAX && read_record(stacks, slot, frame, &next, &pc); i++) {
        if (is_go_code(pc)) {
            stacks_add_go(stacks, slot, frame);
            return;
        }
        if (next <= frame)
            return;
        frame = next;
    }
}

void stacks_add_c(struct stacks *stacks, struct stack_slot *slot, uintptr_t pc, uintptr_t frame, bool walks)
{
    struct walk walk = {.slot = slot, .first = pc};
    struct unwinder *unwinder = &stacks->unwinder;
    if (walks && atomic_load_explicit(&unwinder->is_ready, memory_order_acquire) && unwinder_take_turn(unwinder)) {
        unwinder_walk(unwinder, &slot->room, take_frame, &walk);
        unwinder_end_turn(unwinder);
    }
    if (!walk.has_begun) {
        add(slot, pc);
        find_go(stacks, slot, frame);
    } else if (walk.go_frame != 0) {
        stacks_add_go(stacks, slot, walk.go_frame);
    }
}

void stacks_prepare(struct stacks *stacks)
{
    if (!stacks->wants_c)
        return;
    const char *why = gpw_shim.malloc_asker.is_unplaced
                          ? "it is not known where the code of the program's malloc lies, which must not be walked"
                          : unwinder_open(&stacks->unwinder);
    atomic_store_explicit(&stacks->why_no_c, why, memory_order_relaxed);
    struct stack_slot *slot = stacks_claim(stacks, 0);
    if (slot != NULL)
        stacks_add_c(stacks, slot, 0, 0, true);
    if (slot != NULL)
        stacks_release(slot);
}

static uint64_t signal_bit(int number)
{
    return UINT64_C(1) << (number - 1);
}

static uint64_t set_signals(uint64_t blocked)
{
    uint64_t before = 0;
    raw_syscall6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&blocked, (long)&before, KERNEL_MASK_BYTES, 0, 0);
    return before;
}

uint64_t stacks_block_signals(void)
{
    /* A fault whose signal is blocked kills the process. */
    return set_signals(~(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGFPE) | signal_bit(SIGILL) |
                         signal_bit(SIGTRAP) | signal_bit(SIGSYS) | signal_bit(SIGSETXID_NUMBER)));
}

void stacks_restore_signals(uint64_t before)
{
    set_signals(before);
}

bool stacks_is_unwinder(struct stacks *stacks, uintptr_t caller)
{
    struct unwinder *unwinder = &stacks->unwinder;
    if (!atomic_load_explicit(&unwinder->is_ready, memory_order_acquire) || !unwinder_has_called(unwinder, caller))
        return false;
    if (unwinder_has_turn(unwinder))
        return true;
    atomic_store_explicit(&unwinder->is_ready, false, memory_order_relaxed);
    atomic_store_explicit(&stacks->why_no_c,
                          "the program uses libunwind itself, whose locks it may hold where memory is mapped",
                          memory_order_relaxed);
    return false;
}
