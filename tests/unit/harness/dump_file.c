/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading dumps: what is right arrives whole, what is wrong is refused with a sentence that names it.
 */
#include "dump_fixture.h"

static void expect_refusal(bool is_loaded, const struct dump *dump, const struct error *error, const char *said)
{
    cr_assert_not(is_loaded, "expected: %s", said);
    cr_expect_not_null(strstr(error->text, said), "\"%s\" does not say \"%s\"", error->text, said);
    cr_expect_not_null(strstr(error->text, "; "), "\"%s\" does not say what to do", error->text);
    cr_expect_null(dump->bump.start, "a refused dump holds nothing");
}

Test(dump_file, whole_dump_arrives_key_by_key)
{
    struct dump dump;
    struct error error;
    cr_assert(fixture_load_bytes(&dump, DUMP_FIXTURE, strlen(DUMP_FIXTURE), &error), "%s", error.text);
    cr_expect_str_eq(dump.reason, "signal");
    cr_expect_str_eq(dump.label, "");
    cr_expect_eq(dump.seq, 3);
    cr_expect_eq(dump.time.unix_ns, 1795404361123456789u);
    cr_expect_eq(dump.process.pid, 4711);
    cr_expect_str_eq(dump.process.comm, "shop");
    cr_expect_str_eq(dump.process.host, "web-3");
    cr_expect_str_eq(dump.environment.go_version, "go1.26.10");
    cr_expect_str_eq(dump.environment.gomemlimit, "1GiB");
    cr_expect_str_eq(dump.environment.thp_enabled, "madvise");
    cr_expect_eq(dump.environment.os_page_bytes, 4096);
    cr_expect_eq(dump.rss.total_bytes, KIB(FIXTURE_TOTAL_KIB));
    cr_expect_eq(dump.rss.peak_bytes, KIB(71680));
    cr_expect_eq(dump.books_count, 2);
    cr_expect_str_eq(dump_find_book(&dump, "shim")->how, "patched");
    cr_expect_null(dump_find_book(&dump, "malloc"));
    cr_expect_eq(dump_counter_value(&dump, "shim", "events_recorded"), 7);
    cr_expect_eq(dump_counter_value(&dump, "goruntime", "events_recorded"), 0);
    cr_assert_eq(dump.missing_count, 1);
    cr_expect_str_eq(dump.missing[0].book, "goruntime");
    cr_expect_str_eq(dump.missing[0].what, "spans");
    cr_expect_str_eq(dump.missing[0].why, "the heap is not walked");
    cr_assert_eq(dump.advices_count, 1);
    cr_expect_eq(dump.advices[0].bytes, 123u << 20);
    cr_expect_eq(dump.advices[0].calls, 45);
    cr_expect_eq(dump.arenas_count, 1);
    dump_free(&dump);
}

/* Keys are added within a schema: what was written before there were marks is read as without any. */
Test(dump_file, modules_are_read_and_an_older_dump_has_none)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_eq(dump.modules_count, 0);
    dump_free(&dump);

    document = fixture_document();
    fixture_change(document, "modules",
                   "[{\"path\":\"/srv/shop\",\"start\":\"0x400000\",\"end\":\"0x5cd000\",\"bias\":\"0x0\","
                   "\"build_id\":\"64cb\"},{\"path\":\"[vdso]\",\"start\":\"0x7ffff7fc1000\","
                   "\"end\":\"0x7ffff7fc3000\",\"bias\":\"0xffffffffffff0000\",\"build_id\":null}]");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_assert_eq(dump.modules_count, 2);
    cr_expect_str_eq(dump.modules[0].path, "/srv/shop");
    cr_expect_eq(dump.modules[0].start, 0x400000);
    cr_expect_eq(dump.modules[0].end, 0x5cd000);
    cr_expect_str_eq(dump.modules[0].build_id, "64cb");
    cr_expect_eq(dump.modules[1].bias, 0xffffffffffff0000);
    cr_expect_null(dump.modules[1].build_id);
    dump_free(&dump);
}

Test(dump_file, modules_that_cannot_be_are_refused)
{
#define MODULE(start, end, id) \
    "{\"path\":\"/srv/shop\",\"start\":\"" start "\",\"end\":\"" end "\",\"bias\":\"0x0\",\"build_id\":" id "}"
    static const struct {
        const char *modules, *why;
    } CASES[] = {
        {"{}", "modules is"},
        {"[" MODULE("0x2000", "0x2000", "null") "]", "modules[0].end is not above the start"},
        {"[" MODULE("0x1000", "0x2000", "\"\"") "]", "modules[0].build_id is not made of pairs"},
        {"[" MODULE("0x1000", "0x2000", "\"abc\"") "]", "modules[0].build_id is not made of pairs"},
        {"[" MODULE("0x1000", "0x2000", "\"../x\"") "]", "modules[0].build_id is not made of pairs"},
        {"[" MODULE("0x1000", "0x2000", "7") "]", "modules[0].build_id is"},
        {"[" MODULE("0x1000", "0x3000", "null") "," MODULE("0x2000", "0x4000", "null") "]",
         "modules are not in the order of their addresses"},
    };
#undef MODULE
    for (unsigned i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        json_t *document = fixture_document();
        fixture_change(document, "modules", CASES[i].modules);
        expect_refusal(fixture_load_document(&dump, document, &error), &dump, &error, CASES[i].why);
    }
}

Test(dump_file, dump_of_before_there_were_phases_is_read)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "phase", "\"loading\"");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_str_eq(dump.phase, "loading");
    dump_free(&dump);
    document = fixture_document();
    fixture_change(document, "phase", NULL);
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_str_eq(dump.phase, "");
    dump_free(&dump);
    document = fixture_document();
    fixture_change(document, "phase", "7");
    expect_refusal(fixture_load_document(&dump, document, &error), &dump, &error, "phase is a number where text");
}

Test(dump_file, null_is_not_known_and_not_zero)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "rss/peak", "null");
    fixture_change(document, "process/comm", "null");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_eq(dump.rss.peak_bytes, DUMP_NOT_KNOWN);
    cr_expect_eq(dump.environment.cgroup_memory_max_bytes, DUMP_NOT_KNOWN);
    cr_expect_null(dump.process.comm);
    cr_expect_null(dump.environment.gogc);
    dump_free(&dump);
}

Test(dump_file, classes_stand_under_their_enum_and_add_up)
{
    struct dump dump;
    struct error error;
    cr_assert(fixture_load_bytes(&dump, DUMP_FIXTURE, strlen(DUMP_FIXTURE), &error), "%s", error.text);
    cr_expect_eq(dump.rss.classes_count, CLASS_COUNT);
    cr_expect_str_eq(dump.rss.classes[CLASS_LIBS].name, "libs");
    cr_expect_eq(dump.rss.classes[CLASS_LIBS].sizes.mapped_bytes, KIB(4096));
    cr_expect_eq(dump.rss.classes[CLASS_LIBS].sizes.resident_bytes, KIB(2048));
    cr_expect_eq(dump.rss.classes[CLASS_FILES].sizes.resident_bytes, 0, "a class that the dump lacks is empty");
    cr_expect_eq(dump.rss.sum.resident_bytes, KIB(FIXTURE_SUM_KIB));
    cr_expect_eq(dump.rss.sum.mapped_bytes, KIB(4096 + 65536 + 1024 + 16));
    cr_expect_eq(dump.rss.explained_bytes, KIB(FIXTURE_EXPLAINED_KIB), "all but other");
    cr_expect_eq(dump.rss.stated_explained_bytes, dump.rss.explained_bytes);
    dump_free(&dump);
}

Test(dump_file, class_of_a_later_version_is_kept_and_counted)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "rss/classes/gpu.memory",
                   "{\"mapped\":8192,\"resident\":4096,\"swapped\":3,\"huge\":2,\"lazyfree\":1,\"new\":5}");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_assert_eq(dump.rss.classes_count, CLASS_COUNT + 1);
    cr_expect_str_eq(dump.rss.classes[CLASS_COUNT].name, "gpu.memory");
    cr_expect_null(dump.rss.classes[CLASS_COUNT].meaning);
    cr_expect_eq(dump.rss.sum.resident_bytes, KIB(FIXTURE_SUM_KIB + 4));
    cr_expect_eq(dump.rss.sum.swapped_bytes, 3);
    cr_expect_eq(dump.rss.sum.huge_bytes, 2);
    cr_expect_eq(dump.rss.sum.lazyfree_bytes, 1);
    cr_expect_eq(dump.rss.explained_bytes, KIB(FIXTURE_EXPLAINED_KIB + 4));
    dump_free(&dump);
}

Test(dump_file, keys_of_a_later_version_are_ignored)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "future", "[1,{\"a\":null}]");
    fixture_change(document, "go/gc", "{\"cycle\":1}");
    fixture_change(document, "books/malloc", "{\"how\":\"x\",\"missing\":[],\"untrusted\":4,\"counters\":{},\"y\":1}");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_eq(dump_find_book(&dump, "malloc")->untrusted_reads, 4);
    dump_free(&dump);
}

Test(dump_file, control_characters_never_reach_the_terminal)
{
    struct dump dump;
    struct error error;
    json_t *document = fixture_document();
    fixture_change(document, "process/comm", "\"a\\u001b[2J\\nb\\u007f\\u009bc\\u00e9\"");
    fixture_change(document, "rss/classes/x\033y",
                   "{\"mapped\":0,\"resident\":1,\"swapped\":0,\"huge\":0,\"lazyfree\":0}");
    cr_assert(fixture_load_document(&dump, document, &error), "%s", error.text);
    cr_expect_str_eq(dump.process.comm, "a?[2J?b???c\xc3\xa9");
    cr_expect_str_eq(dump.rss.classes[CLASS_COUNT].name, "x?y");
    dump_free(&dump);
}

Test(dump_file, wrong_key_is_named_by_its_path)
{
    static const struct {
        const char *path, *json, *said;
    } CASES[] = {
        {"schema", NULL, "no \"schema\""},
        {"schema", "1", "no \"schema\""},
        {"schema", "\"heaptrack/1\"", "has schema \"heaptrack/1\", not gopagewatch.dump/1"},
        {"schema", "\"gopagewatch.dump/2\"", "has schema gopagewatch.dump/2"},
        {"schema", "\"gopagewatch.dump/2\"", "use a newer gopagewatch"},
        {"schema", "\"gopagewatch.dump/0\"", "not gopagewatch.dump/1"},
        {"schema", "\"gopagewatch.dump/1x\"", "not gopagewatch.dump/1"},
        {"schema", "\"gopagewatch.dump/\"", "not gopagewatch.dump/1"},
        {"schema", "\"gopagewatch.dump/99999999999999999999\"", "not gopagewatch.dump/1"},
        {"reason", NULL, "reason is missing"},
        {"seq", "\"3\"", "seq is text where a whole number belongs"},
        {"seq", "-1", "seq is negative"},
        {"seq", "null", "seq is null"},
        {"time", "[]", "time is a list where an object belongs"},
        {"time/utc", "7", "time.utc is a number where text belongs"},
        {"process", NULL, "process is missing"},
        {"process/pid", "4711.0", "process.pid is a fraction"},
        {"environment/thp", "\"always\"", "environment.thp is text where an object belongs"},
        {"environment/gogc", "100", "environment.gogc is a number where text belongs"},
        {"environment/cpus", "true", "environment.cpus is true or false"},
        {"rss/total", "-62922752", "rss.total is negative"},
        {"rss/explained", NULL, "rss.explained is missing"},
        {"rss/classes", NULL, "rss.classes is missing"},
        {"rss/classes", "[]", "rss.classes is a list where an object belongs"},
        {"rss/classes/libs/resident", "1e6", "rss.classes.libs.resident is a fraction"},
        {"rss/classes/libs/huge", "-1", "rss.classes.libs.huge is negative"},
        {"rss/classes/libs/lazyfree", NULL, "rss.classes.libs.lazyfree is missing"},
        {"rss/classes/libs", "5", "rss.classes.libs.mapped is missing"},
        {"rss/classes/later", "{}", "rss.classes.later.mapped is missing"},
        {"rss/classes/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", "{}", "classes that no gopagewatch"},
        {"books", "7", "books is a number where an object belongs"},
        {"books/shim", "[]", "books.shim.missing is missing"},
        {"books/shim/how", NULL, "books.shim.how is missing"},
        {"books/shim/missing", "{}", "books.shim.missing is an object where a list belongs"},
        {"books/shim/missing", "[{\"what\":\"a\",\"why\":\"b\"},{\"what\":\"a\"}]",
         "books.shim.missing[1].why is missing"},
        {"books/shim/counters", "[]", "books.shim.counters is a list where an object belongs"},
        {"books/shim/counters/dumps_failed", "\"x\"", "books.shim.counters.dumps_failed is text"},
        {"go", NULL, "go is missing"},
        {"go/arenas", "{}", "go.arenas is an object where a list belongs"},
        {"go/advice/0/bytes", "-5", "go.advice[0].bytes is negative"},
        {"go/advice/0", "null", "go.advice[0].by is missing"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        json_t *document = fixture_document();
        fixture_change(document, CASES[i].path, CASES[i].json);
        bool is_loaded = fixture_load_document(&dump, document, &error);
        expect_refusal(is_loaded, &dump, &error, CASES[i].said);
    }
}

Test(dump_file, sum_that_overflows_is_refused)
{
    static const char LARGEST[] = "9223372036854775807";
    static const char *const COLUMNS[] = {"mapped", "resident", "swapped", "huge", "lazyfree"};
    for (size_t i = 0; i < sizeof COLUMNS / sizeof COLUMNS[0]; i++) {
        static const char *const NAMES[] = {"libs", "go.heap", "other"};
        struct dump dump;
        struct error error;
        json_t *document = fixture_document();
        for (size_t name = 0; name < sizeof NAMES / sizeof NAMES[0]; name++) {
            char path[80];
            snprintf(path, sizeof path, "rss/classes/%s/%s", NAMES[name], COLUMNS[i]);
            fixture_change(document, path, LARGEST);
        }
        bool is_loaded = fixture_load_document(&dump, document, &error);
        expect_refusal(is_loaded, &dump, &error, "makes the sum too large for 64 bits");
    }
}

Test(dump_file, more_new_classes_than_a_dump_has_are_refused)
{
    struct dump dump;
    struct error error;
    for (int count = DUMP_NEW_CLASSES_MAX; count <= DUMP_NEW_CLASSES_MAX + 1; count++) {
        json_t *document = fixture_document();
        for (int i = 0; i < count; i++) {
            char path[80];
            snprintf(path, sizeof path, "rss/classes/new%d", i);
            fixture_change(document, path, "{\"mapped\":0,\"resident\":1,\"swapped\":0,\"huge\":0,\"lazyfree\":0}");
        }
        bool is_loaded = fixture_load_document(&dump, document, &error);
        if (count > DUMP_NEW_CLASSES_MAX) {
            expect_refusal(is_loaded, &dump, &error, "classes that no gopagewatch writes");
        } else {
            cr_expect(is_loaded, "%s", error.text);
            dump_free(&dump);
        }
    }
}

Test(dump_file, text_that_is_no_document_is_refused)
{
    static const struct {
        const char *text, *said;
    } CASES[] = {
        {"", "is empty"},
        {"hello\n", "is not JSON (line 1"},
        {"\x1f\x8b\x08", "is not JSON"},
        {"{\"a\":1}", "no \"schema\""},
        {"[]", "no \"schema\""},
        {"{\"a\":1} trailing", "is not JSON"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{\"a\":99999999999999999999}", "too large for 63 bits"},
        {"{\"a\":\"\xff\"}", "is not JSON"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        bool is_loaded = fixture_load_bytes(&dump, CASES[i].text, strlen(CASES[i].text), &error);
        expect_refusal(is_loaded, &dump, &error, CASES[i].said);
    }
}

Test(dump_file, dump_cut_anywhere_is_refused)
{
    for (size_t bytes = 1; bytes < strlen(DUMP_FIXTURE); bytes++) {
        struct dump dump;
        struct error error;
        bool is_loaded = fixture_load_bytes(&dump, DUMP_FIXTURE, bytes, &error);
        expect_refusal(is_loaded, &dump, &error, "ends in the middle");
    }
}

Test(dump_file, endless_nesting_is_refused)
{
    enum { DEPTH = 1 << 20 };
    char *text = malloc(DEPTH);
    memset(text, '[', DEPTH);
    struct dump dump;
    struct error error;
    bool is_loaded = fixture_load_bytes(&dump, text, DEPTH, &error);
    expect_refusal(is_loaded, &dump, &error, "is not JSON");
    free(text);
}

Test(dump_file, path_that_is_no_dump_says_what_it_is)
{
    static const struct {
        const char *path, *said;
    } CASES[] = {
        {"/no/such/file", "No such file or directory; check the path"},
        {"/tmp", "Is a directory; name a dump in it"},
        {"/dev/null", "is empty"},
        {"/dev/zero", "is not JSON"},
        {"", "No such file or directory"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct dump dump;
        struct error error;
        bool is_loaded = dump_load(&dump, CASES[i].path, &error);
        expect_refusal(is_loaded, &dump, &error, CASES[i].said);
    }
}

Test(dump_file, file_beyond_the_limit_is_refused_unread)
{
    char path[] = "/tmp/gopagewatch-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(ftruncate(fd, (off_t)DUMP_FILE_BYTES_MAX + 1), 0);
    struct dump dump;
    struct error error;
    bool is_loaded = dump_load(&dump, path, &error);
    unlink(path);
    close(fd);
    expect_refusal(is_loaded, &dump, &error, "is larger than 1024 MiB");
}

Test(dump_file, pipe_is_read_like_a_file)
{
    int ends[2];
    char path[40];
    struct dump dump;
    struct error error;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], DUMP_FIXTURE, strlen(DUMP_FIXTURE)), (ssize_t)strlen(DUMP_FIXTURE));
    close(ends[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    cr_assert(dump_load(&dump, path, &error), "%s", error.text);
    cr_expect_eq(dump.seq, 3);
    dump_free(&dump);
    close(ends[0]);
}
