/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples add up to the classes, whatever the dump says; where its details fit its classes, they are the details.
 */
#include "exported.h"

#include <inttypes.h>

#include "harness/export_samples.h"

/* Of the samples with these names; NULL is any. */
static uint64_t sum(const struct export_samples *samples, const char *root, const char *class_name, const char *leaf,
                    enum export_value value)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < samples->count; i++) {
        const char *const *frames = samples->samples[i].frames;
        if ((root == NULL || strcmp(frames[FRAME_ROOT], root) == 0) &&
            (class_name == NULL || strcmp(frames[FRAME_CLASS], class_name) == 0) &&
            (leaf == NULL || strcmp(frames[FRAME_LEAF], leaf) == 0))
            cr_assert_not(__builtin_add_overflow(bytes, samples->samples[i].values[value], &bytes),
                          "the sum is beyond 64 bits at %s", frames[FRAME_LEAF]);
    }
    return bytes;
}

static void expect_sums(const struct dump *dump, const char *what)
{
    struct export_samples samples;
    struct error error;
    cr_assert(export_samples_make(&samples, dump, &error), "%s", error.text);
    for (uint32_t i = 0; i < dump->rss.classes_count; i++) {
        const struct dump_class *class = &dump->rss.classes[i];
        const struct {
            enum export_value value;
            uint64_t bytes;
        } sums[] = {
            {EXPORT_RESIDENT, class->sizes.resident_bytes},
            {EXPORT_SWAPPED, class->sizes.swapped_bytes},
            {EXPORT_HUGE, class->sizes.huge_bytes},
            {EXPORT_LAZYFREE, class->sizes.lazyfree_bytes},
            {EXPORT_RELEASED, i == CLASS_GO_RELEASED ? class->sizes.mapped_bytes : 0},
        };
        for (size_t k = 0; k < sizeof sums / sizeof sums[0]; k++)
            cr_expect_eq(sum(&samples, NULL, class->name, NULL, sums[k].value), sums[k].bytes,
                         "%s: value %d of %s is %" PRIu64 ", not %" PRIu64, what, (int)sums[k].value, class->name,
                         sum(&samples, NULL, class->name, NULL, sums[k].value), sums[k].bytes);
    }
    uint64_t page_bytes = dump->environment.os_page_bytes;
    cr_expect_eq(sum(&samples, NULL, NULL, NULL, EXPORT_PAGES),
                 page_bytes == 0 ? 0 : dump->rss.sum.resident_bytes / page_bytes, "%s: pages", what);
    cr_expect_eq(sum(&samples, "[not resident]", NULL, NULL, EXPORT_RESIDENT), 0u, "%s", what);
    export_samples_free(&samples);
}

#define MANY "9223372036854775807"
#define SIZE_CLASS(objects, mapped, resident)                                                                      \
    "{\"spans\":1,\"slots\":1,\"objects\":1,\"bytes\":" #objects ",\"mapped\":" #mapped ",\"resident\":" #resident \
    ",\"occupancy\":[0,0,0,0,0,0,0,0,0,0],\"sparse_bytes\":0}"
/* `count` objects, so many bytes and as many resident, pinned. */
#define STACK(size, count, bytes_, pinned)                                                                          \
    "{\"pcs\":[\"0x401000\"],\"size\":" #size ",\"objects\":" #count ",\"bytes\":" #bytes_ ",\"resident\":" #bytes_ \
    ",\"pinned_pages\":" #pinned ",\"pinned_spans\":" #pinned                                                       \
    ",\"alone_on_page\":0,\"alone_in_span\":0,\"alone_spans\":" #pinned "}"
#define MAP(name, class_name, resident)                                                                         \
    "{\"start\":\"0x1000\",\"end\":\"0x2000\",\"perms\":\"rw-p\",\"name\":\"" name "\",\"class\":\"" class_name \
    "\",\"mapped\":4096,\"resident\":" #resident ",\"swapped\":0,\"huge\":0,\"lazyfree\":0}"

#define SITE(id, by, op, purpose, resident)                                                                       \
    "{\"id\":" #id ",\"by\":\"" by "\",\"op\":\"" op "\",\"detail\":\"rw-\",\"purpose\":" purpose ",\"calls\":1," \
    "\"errors\":0,\"bytes\":4096,\"unmapped\":0,\"resident\":" #resident                                          \
    ",\"first_since_start_ns\":1,\"last_since_start_ns\":2,\"pcs\":[\"0x401000\"]}"

Test(export_samples, sums_are_exact_whatever_the_dump_says)
{
    static const struct {
        const char *what;
        struct change changes[8];
    } CASES[] = {
        {"the fixture", {{0}}},
        {"nothing of details",
         {{"maps", "[]"}, {"go/sizeclass", "{}"}, {"rss/classes/go.objects", SIZES(9, 7, 5, 3, 1)}}},
        {"no size class and no large objects, but in-use spans",
         {{"go/sizeclass", "{}"},
          {"go/large", "{\"spans\":0,\"bytes\":0,\"resident\":0,\"untouched\":0}"},
          {"rss/classes/go.objects", SIZES(81920, 40961, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(81920, 1, 0, 0, 0)}}},
        {"size classes that claim less",
         {{"rss/classes/go.objects", SIZES(500000000, 400000000, 0, 2097152, 8192)},
          {"rss/classes/go.unused", SIZES(500000000, 30000001, 4096, 0, 0)}}},
        {"size classes that claim more",
         {{"rss/classes/go.objects", SIZES(500, 400, 0, 0, 0)}, {"rss/classes/go.unused", SIZES(500, 3, 0, 0, 0)}}},
        {"objects less than the size classes need",
         {{"rss/classes/go.objects", SIZES(8192, 1, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(42000000, 21217279, 0, 0, 0)}}},
        {"objects more than the size classes can have",
         {{"rss/classes/go.objects", SIZES(42000000, 21217279, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(8192, 1, 0, 0, 0)}}},
        {"numbers as large as can be",
         {{"go/sizeclass",
           "{\"64\":" SIZE_CLASS(9223372036854775807, 9223372036854775807, 9223372036854775807) ",\"128\":" SIZE_CLASS(
               9223372036854775807, 0, 9223372036854775807) ",\"256\":" SIZE_CLASS(0, 9223372036854775807,
                                                                                   9223372036854775807) "}"},
          {"go/large/resident", MANY},
          {"go/large/bytes", MANY},
          {"rss/classes/go.objects", SIZES(9223372036854775807, 4611686018427387904, 0, 9223372036854775807, 3)},
          {"rss/classes/go.unused", SIZES(3, 4611686018427387904, 0, 0, 9223372036854775800)}}},
        {"a size class that is resident beyond what it has mapped",
         {{"go/sizeclass", "{\"64\":" SIZE_CLASS(100, 200, 5000) "}"},
          {"rss/classes/go.objects", SIZES(100, 3000, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(100, 2000, 0, 0, 0)}}},
        {"released and there again", {{"rss/classes/go.released", SIZES(1000000, 300000, 200000, 100000, 50000)}}},
        {"released: more resident than mapped", {{"rss/classes/go.released", SIZES(10, 20, 30, 40, 50)}}},
        {"released: more lazily freed than resident", {{"rss/classes/go.released", SIZES(100, 20, 30, 40, 50)}}},
        {"mappings that claim more",
         {{"maps",
           "[" MAP("/lib/a.so", "libs", 9223372036854775807) "," MAP("/lib/b.so", "libs", 9223372036854775807) "]"}}},
        {"mappings of a class that is not there", {{"maps", "[" MAP("x", "nowhere", 4096) "]"}}},
        {"a class of a later version",
         {{"rss/classes/later", SIZES(4096, 4095, 7, 1, 2)}, {"maps", "[" MAP("", "later", 4) "]"}}},
        {"stacks of size classes, of large objects and of no size",
         {{"go/profile/stacks", "[" STACK(64, 500, 32000, 9) "," STACK(64, 500, 32000, 9) "," STACK(
                                    40000, 1, 40000, 5) "," STACK(63, 7, 441, 3) "," STACK(0, 7, 441, 3) "]"},
          {"rss/classes/go.objects", SIZES(500000, 400000, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(500000, 30000, 4096, 0, 0)}}},
        {"stacks that claim more than there is, exactly",
         {{"go/profile/rate", "1"},
          {"go/profile/stacks", "[" STACK(64, 3, 200000, 500000) "," STACK(64, 7, 100001, 500000) "]"},
          {"rss/classes/go.objects", SIZES(191360, 191360, 0, 0, 0)},
          {"rss/classes/go.unused", SIZES(54400, 54400, 0, 0, 0)}}},
        {"stacks as large as can be",
         {{"go/profile/stacks", "[" STACK(64, 9223372036854775807, 9223372036854775807, 9223372036854775807) "," STACK(
                                    64, 9223372036854775807, 9223372036854775807, 9223372036854775807) "]"},
          {"go/profile/left_out/bytes", MANY},
          {"go/profile/left_out/pinned_spans", MANY},
          {"rss/classes/go.objects", SIZES(500000, 400000, 0, 0, 0)}}},
        {"call sites that claim less",
         {{"callsites", "[" SITE(1, "c", "mmap", "null", 4096) "," SITE(2, "go", "mmap", "\"GC bits\"", 4096) "]"},
          {"rss/classes/c.mmap", SIZES(90000, 8193, 7, 4096, 5)},
          {"rss/classes/go.metadata", SIZES(90000, 8193, 7, 4096, 5)}}},
        {"call sites that claim more",
         {{"callsites",
           "[" SITE(1, "c", "mmap", "null", 9223372036854775807) "," SITE(2, "c", "mremap", "null", 9223372036854775807) "," SITE(
               3, "go", "mmap", "\"GC bits\"",
               9223372036854775807) "," SITE(4, "go", "mmap", "\"GC bits\"",
                                             9223372036854775807) "," SITE(5, "go", "mmap", "\"GC bits\"",
                                                                           9223372036854775807) "]"},
          {"rss/classes/c.mmap", SIZES(90000, 8193, 0, 0, 0)},
          {"rss/classes/go.metadata", SIZES(90000, 8193, 0, 0, 0)}}},
        {"pages of no size", {{"environment/os_page_bytes", "0"}}},
        {"pages of a byte", {{"environment/os_page_bytes", "1"}}},
        {"pages of any size", {{"environment/os_page_bytes", "12345"}}},
        {"pages larger than memory", {{"environment/os_page_bytes", MANY}}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump = changed_dump(CASES[i].changes);
        expect_sums(&dump, CASES[i].what);
        dump_free(&dump);
    }
}

/* ---- what the samples are ---- */

struct expected {
    const char *root, *class_name, *leaf;
    enum export_value value;
    uint64_t amount;
};

/* These samples are there with these amounts, and all samples of the named class are named. */
static void expect_samples(const struct change *changes, const char *class_name, const struct expected *expected,
                           size_t expected_count)
{
    struct dump dump = changed_dump(changes);
    struct export_samples samples;
    struct error error;
    uint64_t of_class = 0;
    cr_assert(export_samples_make(&samples, &dump, &error), "%s", error.text);
    for (size_t i = 0; i < expected_count; i++)
        cr_expect_eq(sum(&samples, expected[i].root, expected[i].class_name, expected[i].leaf, expected[i].value),
                     expected[i].amount, "%s %s has %" PRIu64 " of value %d, not %" PRIu64, expected[i].class_name,
                     expected[i].leaf,
                     sum(&samples, expected[i].root, expected[i].class_name, expected[i].leaf, expected[i].value),
                     (int)expected[i].value, expected[i].amount);
    for (uint64_t i = 0; i < samples.count; i++) {
        bool is_named = strcmp(samples.samples[i].frames[FRAME_CLASS], class_name) != 0;
        of_class += !is_named;
        for (size_t k = 0; k < expected_count && !is_named; k++)
            is_named = strcmp(samples.samples[i].frames[FRAME_LEAF], expected[k].leaf) == 0;
        cr_expect(is_named, "there is a sample %s of %s", samples.samples[i].frames[FRAME_LEAF], class_name);
    }
    cr_expect_neq(of_class, 0u, "no sample of %s", class_name);
    export_samples_free(&samples);
    dump_free(&dump);
}

#define EXPECT_SAMPLES(changes, class_name, ...)                                    \
    expect_samples((changes), (class_name), (const struct expected[]){__VA_ARGS__}, \
                   sizeof((const struct expected[]){__VA_ARGS__}) / sizeof(struct expected))

/* Spans that are resident as a whole leave nothing to choose; nor do those of which nothing is. */
Test(export_samples, whole_spans_are_shared_as_the_dump_says)
{
    const struct change *changes =
        CHANGES({"go/sizeclass", "{\"64\":" SIZE_CLASS(1000, 8192, 8192) ",\"1152\":" SIZE_CLASS(8064, 8192, 0) "}"},
                {"go/large", "{\"spans\":2,\"bytes\":90000,\"resident\":98304,\"untouched\":0}"},
                {"rss/classes/go.objects", SIZES(99064, 91000, 0, 0, 0)},
                {"rss/classes/go.unused", SIZES(15624, 15496, 0, 0, 0)});
    EXPECT_SAMPLES(changes, "go.objects", {"[resident]", "go.objects", "64 B slots", EXPORT_RESIDENT, 1000},
                   {"[resident]", "go.objects", "large objects", EXPORT_RESIDENT, 90000});
    EXPECT_SAMPLES(changes, "go.unused", {"[resident]", "go.unused", "64 B slots", EXPORT_RESIDENT, 7192},
                   {"[resident]", "go.unused", "large objects", EXPORT_RESIDENT, 8304});
}

/* Two size classes, each half resident with between 0 and 4096 bytes of objects there: both get what makes the sum. */
Test(export_samples, spans_resident_in_part_are_shared_alike)
{
    const struct change *changes = CHANGES(
        {"go/sizeclass", "{\"64\":" SIZE_CLASS(4096, 8192, 4096) ",\"128\":" SIZE_CLASS(4096, 8192, 4096) "}"},
        {"go/large", "{\"spans\":0,\"bytes\":0,\"resident\":0,\"untouched\":0}"},
        {"rss/classes/go.objects", SIZES(8192, 6001, 0, 0, 0)}, {"rss/classes/go.unused", SIZES(8192, 2191, 0, 0, 0)});
    EXPECT_SAMPLES(changes, "go.objects", {"[resident]", "go.objects", "64 B slots", EXPORT_RESIDENT, 3000},
                   {"[resident]", "go.objects", "128 B slots", EXPORT_RESIDENT, 3001});
    EXPECT_SAMPLES(changes, "go.unused", {"[resident]", "go.unused", "64 B slots", EXPORT_RESIDENT, 1096},
                   {"[resident]", "go.unused", "128 B slots", EXPORT_RESIDENT, 1095});
}

/* The same with 16 GiB each: products of such numbers have more than 64 bits. */
Test(export_samples, large_heaps_are_shared_alike)
{
    const struct change *changes =
        CHANGES({"go/sizeclass", "{\"64\":" SIZE_CLASS(17179869184, 34359738368, 17179869184) ",\"128\":" SIZE_CLASS(
                                     17179869184, 34359738368, 17179869184) "}"},
                {"go/large", "{\"spans\":0,\"bytes\":0,\"resident\":0,\"untouched\":0}"},
                {"rss/classes/go.objects", SIZES(34359738368, 25769803777, 0, 0, 0)},
                {"rss/classes/go.unused", SIZES(34359738368, 8589934591, 0, 0, 0)});
    EXPECT_SAMPLES(changes, "go.objects", {"[resident]", "go.objects", "64 B slots", EXPORT_RESIDENT, 12884901888},
                   {"[resident]", "go.objects", "128 B slots", EXPORT_RESIDENT, 12884901889});
}

/* Of the samples with a stack. */
static uint64_t sum_of_stacks(const struct export_samples *samples, enum export_value value)
{
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < samples->count; i++)
        bytes += samples->samples[i].stack != NULL ? samples->samples[i].values[value] : 0;
    return bytes;
}

static void expect_stacks(const struct change *changes, uint64_t resident_bytes, uint64_t inuse_bytes,
                          uint64_t pinned_bytes)
{
    struct dump dump = changed_dump(changes);
    struct export_samples samples;
    struct error error;
    cr_assert(export_samples_make(&samples, &dump, &error));
    cr_expect_eq(sum_of_stacks(&samples, EXPORT_RESIDENT), resident_bytes, "resident %" PRIu64,
                 sum_of_stacks(&samples, EXPORT_RESIDENT));
    cr_expect_eq(sum_of_stacks(&samples, EXPORT_INUSE), inuse_bytes, "in use %" PRIu64,
                 sum_of_stacks(&samples, EXPORT_INUSE));
    cr_expect_eq(sum_of_stacks(&samples, EXPORT_PINNED), pinned_bytes, "pinned %" PRIu64,
                 sum_of_stacks(&samples, EXPORT_PINNED));
    export_samples_free(&samples);
    dump_free(&dump);
}

#define WHOLE_OBJECTS                                                          \
    {"rss/classes/go.objects", SIZES(191360, 191360, 0, 0, 0)},                \
        {"rss/classes/go.unused", SIZES(54400, 54400, 0, 0, 0)},               \
    {                                                                          \
        "go/large", "{\"spans\":0,\"bytes\":0,\"resident\":0,\"untouched\":0}" \
    }

Test(export_samples, stacks_are_taken_off_their_size_class)
{
    expect_stacks(
        CHANGES({"go/profile/rate", "1"}, {"go/profile/stacks", "[" STACK(64, 1000, 64000, 8192) "]"}, WHOLE_OBJECTS),
        64000, 64000, 8192);
    const struct expected expected[] = {
        {"[resident]", "go.objects", "64 B slots", EXPORT_RESIDENT, 191360},
        {"[resident]", "go.objects", "64 B slots", EXPORT_INUSE, 64000},
        {"[resident]", "go.unused", "64 B slots", EXPORT_PINNED, 0},
    };
    expect_samples(
        CHANGES({"go/profile/rate", "1"}, {"go/profile/stacks", "[" STACK(64, 1000, 64000, 8192) "]"}, WHOLE_OBJECTS),
        "go.objects", expected, sizeof expected / sizeof expected[0]);
}

/* Rate 64 and 64-byte objects: 1 / (1 - 1/e) = 1.58197..., as runtime/pprof scales. */
Test(export_samples, sampled_stacks_stand_for_more)
{
    expect_stacks(
        CHANGES({"go/profile/rate", "64"}, {"go/profile/stacks", "[" STACK(64, 1000, 64000, 8192) "]"}, WHOLE_OBJECTS),
        101246, 101246, 12959);
}

Test(export_samples, stacks_that_claim_too_much_are_cut_alike)
{
    struct dump dump = changed_dump(CHANGES(
        {"go/profile/rate", "1"},
        {"go/profile/stacks", "[" STACK(64, 9, 300000, 200000) "," STACK(64, 9, 100000, 200000) "]"}, WHOLE_OBJECTS));
    struct export_samples samples;
    struct error error;
    uint64_t resident_bytes[2] = {0}, found = 0;
    cr_assert(export_samples_make(&samples, &dump, &error));
    for (uint64_t i = 0; i < samples.count && found < 2; i++) {
        if (samples.samples[i].stack != NULL)
            resident_bytes[found++] = samples.samples[i].values[EXPORT_RESIDENT];
    }
    cr_assert_eq(found, 2u);
    cr_expect_eq(resident_bytes[0], 143520u);
    cr_expect_eq(resident_bytes[1], 47840u);
    cr_expect_eq(sum_of_stacks(&samples, EXPORT_PINNED), 245760u, "no more than in-use spans have");
    export_samples_free(&samples);
    dump_free(&dump);
}

Test(export_samples, what_size_classes_do_not_tell_stays_apart)
{
    EXPECT_SAMPLES(CHANGES({"go/sizeclass", "{\"64\":" SIZE_CLASS(1000, 8192, 8192) "}"},
                           {"go/large", "{\"spans\":0,\"bytes\":0,\"resident\":0,\"untouched\":0}"},
                           {"rss/classes/go.objects", SIZES(2000, 1500, 300, 700, 0)},
                           {"rss/classes/go.unused", SIZES(8192, 7192, 0, 0, 0)}),
                   "go.objects", {"[resident]", "go.objects", "64 B slots", EXPORT_RESIDENT, 1000},
                   {"[resident]", "go.objects", "size class not told", EXPORT_RESIDENT, 500},
                   {"[resident]", "go.objects", "size class not told", EXPORT_HUGE, 700},
                   {"[not resident]", "go.objects", "swapped", EXPORT_SWAPPED, 300});
}

Test(export_samples, released_memory_is_told_by_what_became_of_it)
{
    EXPECT_SAMPLES(CHANGES({"rss/classes/go.released", SIZES(1000000, 300000, 200000, 100000, 50000)}), "go.released",
                   {"[resident]", "go.released", "lazyfree", EXPORT_RESIDENT, 50000},
                   {"[resident]", "go.released", "lazyfree", EXPORT_LAZYFREE, 50000},
                   {"[resident]", "go.released", "lazyfree", EXPORT_RELEASED, 50000},
                   {"[resident]", "go.released", "released-resident", EXPORT_RESIDENT, 250000},
                   {"[resident]", "go.released", "released-resident", EXPORT_HUGE, 100000},
                   {"[resident]", "go.released", "released-resident", EXPORT_RELEASED, 250000},
                   {"[not resident]", "go.released", "swapped", EXPORT_SWAPPED, 200000},
                   {"[not resident]", "go.released", "swapped", EXPORT_RELEASED, 200000},
                   {"[not resident]", "go.released", "given back", EXPORT_RELEASED, 500000});
}

Test(export_samples, free_memory_is_named_like_the_finding)
{
    EXPECT_SAMPLES(CHANGES({"rss/classes/go.free", SIZES(8192, 4096, 0, 0, 0)}), "go.free",
                   {"[resident]", "go.free", "free-resident", EXPORT_RESIDENT, 4096},
                   {"[resident]", "go.free", "free-resident", EXPORT_PAGES, 1});
}

Test(export_samples, mappings_are_named_by_their_files)
{
    EXPECT_SAMPLES(
        CHANGES({"maps",
                 "[" MAP("/lib/a.so", "libs", 4096) "," MAP("", "libs", 8192) "," MAP("[vdso]", "libs", 12288) "," MAP(
                     "/usr/lib/a.so", "libs",
                     4096) "," MAP("/", "libs", 100) "," MAP("[anon:a/b]", "libs", 200) "," MAP("/srv/shop", "go.image",
                                                                                                4096) "]"}),
        "libs", {"[resident]", "libs", "a.so", EXPORT_RESIDENT, 8192},
        {"[resident]", "libs", "[vdso]", EXPORT_RESIDENT, 12288},
        {"[resident]", "libs", "data of libraries", EXPORT_RESIDENT, 8192},
        {"[resident]", "libs", "/", EXPORT_RESIDENT, 100}, {"[resident]", "libs", "[anon:a/b]", EXPORT_RESIDENT, 200},
        {"[resident]", "libs", "mapping not told", EXPORT_RESIDENT, 2097152 - 28972});
}

/* Of what the runtime maps, purposes; of what C maps, stacks. Advice, and rows of nothing, are no memory. */
Test(export_samples, call_sites_stand_below_their_class)
{
    const struct change *changes = CHANGES(
        {"callsites", "[" SITE(1, "go", "mmap", "\"span table\"", 100) "," SITE(2, "c", "mmap", "null", 6000) "," SITE(
                          3, "go", "mmap", "\"GC bits\"",
                          20) "," SITE(4, "go", "madvise", "\"huge pages\"",
                                       9) "," SITE(5, "go", "mmap", "\"span table\"",
                                                   300) "," SITE(6, "c", "mremap", "null",
                                                                 2000) "," SITE(7, "c", "mmap", "null", 0) "]"},
        {"rss/classes/c.mmap", SIZES(90000, 8100, 0, 4096, 0)},
        {"rss/classes/go.metadata", SIZES(90000, 1000, 0, 0, 0)});
    EXPECT_SAMPLES(changes, "go.metadata", {"[resident]", "go.metadata", "span table", EXPORT_RESIDENT, 400},
                   {"[resident]", "go.metadata", "GC bits", EXPORT_RESIDENT, 20},
                   {"[resident]", "go.metadata", "runtime tables", EXPORT_RESIDENT, 580});
    EXPECT_SAMPLES(changes, "c.mmap", {"[resident]", "c.mmap", "mmap by C", EXPORT_RESIDENT, 8100},
                   {"[resident]", "c.mmap", "mmap by C", EXPORT_HUGE, 4096});
    struct dump dump = changed_dump(changes);
    struct export_samples samples;
    struct error error;
    uint64_t by_site_bytes = 0, sites = 0, of_metadata = 0;
    cr_assert(export_samples_make(&samples, &dump, &error), "%s", error.text);
    for (uint64_t i = 0; i < samples.count; i++) {
        const struct export_sample *sample = &samples.samples[i];
        cr_expect(sample->site == NULL || strcmp(sample->frames[FRAME_CLASS], "c.mmap") == 0);
        sites += sample->site != NULL;
        of_metadata += strcmp(sample->frames[FRAME_CLASS], "go.metadata") == 0;
        by_site_bytes += sample->site != NULL ? sample->values[EXPORT_RESIDENT] : 0;
    }
    cr_expect_eq(sites, 2u);
    cr_expect_eq(of_metadata, 3u, "a purpose is one sample");
    cr_expect_eq(by_site_bytes, 8000u);
    export_samples_free(&samples);
    dump_free(&dump);
}
