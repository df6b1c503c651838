/* SPDX-License-Identifier: Apache-2.0
 *
 * The join, on the test's own process: all classes together are what the kernel says is resident, and memory of each
 * kind is in its class.
 */
#include "dump/snapshot.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/smaps.h"
#include "tests/unit/support/own_snapshot.h"

enum { PAGE_BYTES = 4096, MIB = 1 << 20 };

static struct own_snapshot own;

static void open_snapshot(void)
{
    own_snapshot_open(&own);
}

TestSuite(snapshot, .init = open_snapshot);

/* All but the dump's own scratch, which grows while the dump is made. */
static void add_resident(void *context, const struct smaps_entry *entry)
{
    uintptr_t scratch = (uintptr_t)own.bump.start;
    if (entry->start < scratch || entry->start >= scratch + own.bump.reserved_bytes)
        *(uint64_t *)context += entry->resident_bytes;
}

static uint64_t resident_by_smaps(struct bump *bump)
{
    uint64_t bytes = 0;
    cr_assert_eq(smaps_read("/proc/self/smaps", bump, add_resident, &bytes), 0);
    return bytes;
}

/* Between the two looks at a mapping the process runs on: it may touch a page of its stack or of its data for the first
 * time. Both looks were taken once before, so there is at most one such page. */
Test(snapshot, classes_add_up_to_what_the_kernel_says)
{
    struct bump bump;
    cr_assert_eq(bump_open(&bump, MIB), 0);
    resident_by_smaps(&bump);
    own_snapshot_take(&own);
    bump_close(&own.bump);
    own_snapshot_open(&own);
    own_snapshot_take(&own);
    uint64_t smaps = resident_by_smaps(&bump);
    uint64_t classes = 0;
    for (int i = 0; i < CLASS_COUNT; i++)
        classes += own.snapshot.classes[i].resident_bytes;
    int64_t difference = (int64_t)(smaps - classes);
    cr_expect_leq(llabs(difference), PAGE_BYTES, "smaps %lu, classes %lu: %ld pages", smaps, classes,
                  difference / PAGE_BYTES);
    cr_expect_eq(snapshot_explained_bytes(&own.snapshot), classes - own.snapshot.classes[CLASS_OTHER].resident_bytes);
    cr_expect_eq(own.snapshot.untrusted, 0);
    cr_expect_gt(own.snapshot.resident.scratch_bytes, 0);
    bump_close(&bump);
}

Test(snapshot, rows_add_up_to_the_classes_and_are_in_address_order)
{
    struct class_sizes sums[CLASS_COUNT] = {0};
    uintptr_t before = 0;
    own_snapshot_take(&own);
    for (const struct map_row *row = own.snapshot.rows; row != NULL; row = row->next) {
        cr_expect_geq(row->vma->start, before);
        before = row->vma->start;
        sums[row->memory_class].mapped_bytes += row->sizes.mapped_bytes;
        sums[row->memory_class].resident_bytes += row->sizes.resident_bytes;
        cr_expect_leq(row->sizes.resident_bytes, row->vma->end - row->vma->start);
    }
    for (int i = 0; i < CLASS_COUNT; i++) {
        cr_expect_eq(sums[i].mapped_bytes, own.snapshot.classes[i].mapped_bytes, "class %d", i);
        cr_expect_eq(sums[i].resident_bytes, own.snapshot.classes[i].resident_bytes, "class %d", i);
    }
}

/* A page without access on both sides, so that a mapping keeps its bounds. */
static uint8_t *map_apart(uint64_t bytes, int flags, int fd)
{
    uint8_t *room = mmap(NULL, bytes + 2 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(room, MAP_FAILED);
    uint8_t *start = mmap(room + PAGE_BYTES, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    cr_assert_eq(start, room + PAGE_BYTES);
    memset(start, 1, bytes);
    return start;
}

static void expect_row(const void *address, enum memory_class memory_class, uint64_t resident_bytes, const char *what)
{
    const struct map_row *row = own_snapshot_row(&own, address, memory_class);
    cr_assert_not_null(row, "%s", what);
    cr_expect_geq(row->sizes.resident_bytes, resident_bytes, "%s", what);
}

static void expect_only_row(const void *address, enum memory_class memory_class, uint64_t bytes, const char *what)
{
    expect_row(address, memory_class, bytes, what);
    const struct map_row *row = own_snapshot_row(&own, address, memory_class);
    cr_expect_eq(row->sizes.mapped_bytes, bytes, "%s: %lu mapped", what, row->sizes.mapped_bytes);
    for (int i = 0; i < CLASS_COUNT; i++)
        cr_expect_eq(own_snapshot_row(&own, address, (enum memory_class)i) != NULL, i == (int)memory_class, "%s", what);
}

Test(snapshot, mappings_are_in_the_class_of_who_made_them)
{
    enum { BYTES = 5 * PAGE_BYTES };
    static const int ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS;
    char path[] = "/tmp/gopagewatch-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && ftruncate(fd, BYTES) == 0);
    uint8_t *by_go = map_apart(BYTES, ANONYMOUS, -1), *by_c = map_apart(BYTES, ANONYMOUS, -1);
    uint8_t *by_loader = map_apart(BYTES, ANONYMOUS, -1), *by_nobody = map_apart(BYTES, ANONYMOUS, -1);
    uint8_t *of_file = map_apart(BYTES, MAP_SHARED, fd), *shared = map_apart(BYTES, MAP_SHARED | MAP_ANONYMOUS, -1);
    shadow_mark_mapped(&own.shadow, (uintptr_t)by_go, BYTES, ORIGIN_GO, true, 0);
    shadow_mark_mapped(&own.shadow, (uintptr_t)by_c, BYTES, ORIGIN_C, true, 0);
    shadow_mark_mapped(&own.shadow, (uintptr_t)by_loader, BYTES, ORIGIN_LOADER, true, 0);
    own_snapshot_take(&own);
    expect_only_row(by_go, CLASS_GO_METADATA, BYTES, "mapped by Go");
    expect_only_row(by_c, CLASS_C_MMAP, BYTES, "mapped by C");
    expect_only_row(by_loader, CLASS_LIBS, BYTES, "mapped by the loader");
    expect_only_row(by_nobody, CLASS_OTHER, BYTES, "mapped by a call that nobody saw");
    expect_only_row(of_file, CLASS_FILES, BYTES, "a file");
    expect_only_row(shared, CLASS_FILES, BYTES, "shared memory");
    expect_row((void *)getauxval(AT_SYSINFO_EHDR), CLASS_LIBS, 0, "[vdso]");
    expect_row((void *)&pthread_create, CLASS_LIBS, PAGE_BYTES, "libc");
    expect_row(__builtin_frame_address(0), CLASS_THREAD_STACKS, PAGE_BYTES, "the stack");
    expect_row((void *)own.shadow.slots, CLASS_SHIM, PAGE_BYTES, "the shadow table");
    close(fd);
    unlink(path);
}

/* One mapping, two owners: the kernel merges neighbours, the shadow table keeps them apart. */
Test(snapshot, a_mapping_of_several_classes_has_a_row_for_each)
{
    uint8_t *start = map_apart(8 * PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    shadow_mark_mapped(&own.shadow, (uintptr_t)start, 3 * PAGE_BYTES, ORIGIN_C, true, 0);
    shadow_mark_mapped(&own.shadow, (uintptr_t)start + 3 * PAGE_BYTES, 5 * PAGE_BYTES, ORIGIN_GO, true, 0);
    own_snapshot_take(&own);
    expect_row(start, CLASS_C_MMAP, 3 * PAGE_BYTES, "C");
    expect_row(start, CLASS_GO_METADATA, 5 * PAGE_BYTES, "Go");
    cr_expect_eq(own_snapshot_row(&own, start, CLASS_C_MMAP)->sizes.mapped_bytes, 3 * PAGE_BYTES);
    cr_expect_eq(own_snapshot_row(&own, start, CLASS_GO_METADATA)->sizes.mapped_bytes, 5 * PAGE_BYTES);
}

Test(snapshot, what_nobody_saw_is_c_memory_under_the_race_detector)
{
    uint8_t *start = map_apart(PAGE_BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    own.source.unexplained = CLASS_C_MMAP;
    own_snapshot_take(&own);
    expect_only_row(start, CLASS_C_MMAP, PAGE_BYTES, "under -race");
}

static pthread_barrier_t is_ready, is_seen;
static void *in_arena, *on_stack;

static void *allocate_and_wait(void *argument)
{
    char local[64];
    in_arena = memset(malloc(1000), 1, 1000);
    on_stack = local;
    pthread_barrier_wait(&is_ready);
    pthread_barrier_wait(&is_seen);
    return argument;
}

Test(snapshot, memory_of_malloc_and_threads_is_known_by_its_shape)
{
    pthread_t thread;
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    char *large = memset(malloc(MIB), 1, MIB);
    char *small = memset(malloc(1000), 1, 1000);
    pthread_barrier_init(&is_ready, NULL, 2);
    pthread_barrier_init(&is_seen, NULL, 2);
    cr_assert_eq(pthread_create(&thread, NULL, allocate_and_wait, NULL), 0);
    pthread_barrier_wait(&is_ready);
    own_snapshot_take(&own);
    expect_row(large, CLASS_C_HEAP_USED, MIB, "a large block");
    expect_row(small, CLASS_C_HEAP_USED, PAGE_BYTES, "[heap]");
    expect_row(in_arena, CLASS_C_HEAP_USED, 1000, "a thread's arena");
    const struct class_sizes *free_sizes = &own_snapshot_row(&own, in_arena, CLASS_C_HEAP_FREE)->sizes;
    cr_expect_geq(free_sizes->mapped_bytes, 64u << 10, "the top of a thread's arena");
    cr_expect_leq(free_sizes->resident_bytes, PAGE_BYTES, "that nobody has touched");
    expect_row(on_stack, CLASS_THREAD_STACKS, PAGE_BYTES, "a thread's stack");
    pthread_barrier_wait(&is_seen);
    pthread_join(thread, NULL);
}

Test(snapshot, says_what_could_not_be_read)
{
    const char *failed_path = NULL;
    own.source.maps_path = "/nonexistent/maps";
    cr_expect_eq(snapshot_take(&own.snapshot, &own.source, &own.bump, &failed_path), -ENOENT);
    cr_expect_str_eq(failed_path, "/nonexistent/maps");
    bump_close(&own.bump);
    own_snapshot_open(&own);
    own.source.pagemap_path = "/nonexistent/pagemap";
    cr_expect_eq(snapshot_take(&own.snapshot, &own.source, &own.bump, &failed_path), -ENOENT);
    cr_expect_str_eq(failed_path, "/nonexistent/pagemap");
    bump_close(&own.bump);
    own_snapshot_open(&own);
    own.source.status_path = "/nonexistent/status";
    cr_expect_eq(snapshot_take(&own.snapshot, &own.source, &own.bump, &failed_path), -ENOENT);
    cr_expect_str_eq(failed_path, "/nonexistent/status");
    bump_close(&own.bump);
    own_snapshot_open(&own);
    own.source.smaps_path = "/nonexistent/smaps";
    own.source.may_be_lazily_freed = true;
    cr_expect_eq(snapshot_take(&own.snapshot, &own.source, &own.bump, &failed_path), 0, "all but lazyfree is there");
    cr_expect_eq(own.snapshot.smaps_error, -ENOENT);
    struct bump small;
    cr_assert_eq(bump_open(&small, MIB), 0);
    cr_expect_eq(snapshot_take(&own.snapshot, &own.source, &small, &failed_path), -ENOMEM);
}
