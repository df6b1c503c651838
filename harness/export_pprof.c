/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile as pprof reads it: gzip around the message Profile (github.com/google/pprof, proto/profile.proto).
 *
 * The names in the stacks of samples are its functions; there is no code behind them, so each has one location without
 * an address. All texts stand in one table and are referred to by their index; a frame's index is its function's and
 * its location's number as well. The one mapping is the program: it gives a profile its file name and build id, and
 * says that there is nothing left to symbolise.
 */
#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "harness/export_format.h"
#include "harness/export_samples.h"
#include "harness/protobuf.h"

/* Field numbers of profile.proto. */
enum {
    PROFILE_SAMPLE_TYPE = 1,
    PROFILE_SAMPLE = 2,
    PROFILE_MAPPING = 3,
    PROFILE_LOCATION = 4,
    PROFILE_FUNCTION = 5,
    PROFILE_STRING_TABLE = 6,
    PROFILE_TIME_NANOS = 9,
    PROFILE_DURATION_NANOS = 10,
    PROFILE_COMMENT = 13,
    PROFILE_DEFAULT_SAMPLE_TYPE = 14,
};
enum { VALUE_TYPE_TYPE = 1, VALUE_TYPE_UNIT = 2 };
enum { SAMPLE_LOCATION_ID = 1, SAMPLE_VALUE = 2, SAMPLE_LABEL = 3 };
enum { LABEL_KEY = 1, LABEL_STR = 2 };
enum {
    MAPPING_ID = 1,
    MAPPING_FILENAME = 5,
    MAPPING_BUILD_ID = 6,
    MAPPING_HAS_FUNCTIONS = 7,
};
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID = 2, LOCATION_LINE = 4 };
enum { LINE_FUNCTION_ID = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3 };

enum { THE_MAPPING = 1 };

static const struct {
    const char *type, *unit;
} VALUE_TYPES[EXPORT_VALUE_COUNT] = {
#define X(id, value_type, value_unit) [EXPORT_##id] = {(value_type), (value_unit)},
    EXPORT_VALUES(X)
#undef X
};

struct known_text {
    const char *text;
    uint64_t index;
    bool is_function;
};

/* Parts of the message that grow while the samples are written, and the table of texts. */
struct profile {
    struct protobuf whole, functions, locations, texts;
    struct protobuf inner, innermost; /* being written */
    void *tree;                       /* of struct known_text, by text */
    uint64_t texts_count;
    bool is_out_of_memory;
};

static int compare_texts(const void *left, const void *right)
{
    return strcmp(((const struct known_text *)left)->text, ((const struct known_text *)right)->text);
}

/* The entry of a text, which must live as long as the profile; NULL, and remembered: no memory. */
static struct known_text *find_text(struct profile *profile, const char *text)
{
    struct known_text key = {.text = text};
    struct known_text **found = tfind(&key, &profile->tree, compare_texts);
    if (found != NULL)
        return *found;
    struct known_text *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        profile->is_out_of_memory = true;
        return NULL;
    }
    *entry = (struct known_text){text, profile->texts_count, false};
    if (tsearch(entry, &profile->tree, compare_texts) == NULL) {
        free(entry);
        profile->is_out_of_memory = true;
        return NULL;
    }
    profile->texts_count++;
    protobuf_put_text(&profile->texts, PROFILE_STRING_TABLE, text);
    return entry;
}

static uint64_t text_index(struct profile *profile, const char *text)
{
    const struct known_text *entry = find_text(profile, text);
    return entry == NULL ? 0 : entry->index;
}

static void put_function(struct profile *profile, uint64_t id)
{
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, FUNCTION_ID, id);
    protobuf_put_number(&profile->inner, FUNCTION_NAME, id);
    protobuf_put_number(&profile->inner, FUNCTION_SYSTEM_NAME, id);
    protobuf_put_message(&profile->functions, PROFILE_FUNCTION, &profile->inner);

    protobuf_clear(&profile->innermost);
    protobuf_put_number(&profile->innermost, LINE_FUNCTION_ID, id);
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, LOCATION_ID, id);
    protobuf_put_number(&profile->inner, LOCATION_MAPPING_ID, THE_MAPPING);
    protobuf_put_message(&profile->inner, LOCATION_LINE, &profile->innermost);
    protobuf_put_message(&profile->locations, PROFILE_LOCATION, &profile->inner);
}

/* Its text's index; 0 is the empty text and no number for a location, so frames are never empty. */
static uint64_t location_id(struct profile *profile, const char *frame)
{
    struct known_text *entry = find_text(profile, frame[0] == '\0' ? "?" : frame);
    if (entry == NULL)
        return 0;
    if (!entry->is_function)
        put_function(profile, entry->index);
    entry->is_function = true;
    return entry->index;
}

static void put_value_type(struct profile *profile, enum export_value value)
{
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, VALUE_TYPE_TYPE, text_index(profile, VALUE_TYPES[value].type));
    protobuf_put_number(&profile->inner, VALUE_TYPE_UNIT, text_index(profile, VALUE_TYPES[value].unit));
    protobuf_put_message(&profile->whole, PROFILE_SAMPLE_TYPE, &profile->inner);
}

static void put_label(struct profile *profile, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    protobuf_clear(&profile->innermost);
    protobuf_put_number(&profile->innermost, LABEL_KEY, text_index(profile, key));
    protobuf_put_number(&profile->innermost, LABEL_STR, text_index(profile, text));
    protobuf_put_message(&profile->inner, SAMPLE_LABEL, &profile->innermost);
}

static void put_sample(struct profile *profile, const struct export_sample *sample, const struct dump *dump,
                       const char *pid)
{
    uint64_t locations[FRAME_COUNT];
    for (int i = 0; i < FRAME_COUNT; i++)
        locations[i] = location_id(profile, sample->frames[i]);
    protobuf_clear(&profile->inner);
    protobuf_put_numbers(&profile->inner, SAMPLE_LOCATION_ID, locations, FRAME_COUNT);
    protobuf_put_numbers(&profile->inner, SAMPLE_VALUE, sample->values, EXPORT_VALUE_COUNT);
    put_label(profile, "class", sample->frames[FRAME_CLASS]);
    put_label(profile, "comm", dump->process.comm);
    put_label(profile, "pid", pid);
    put_label(profile, "go_version", dump->environment.go_version);
    protobuf_put_message(&profile->whole, PROFILE_SAMPLE, &profile->inner);
}

static void put_mapping(struct profile *profile, const struct dump *dump)
{
    const char *exe = dump->process.exe != NULL ? dump->process.exe : "";
    const char *build_id = dump->environment.build_id != NULL ? dump->environment.build_id : "";
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, MAPPING_ID, THE_MAPPING);
    protobuf_put_number(&profile->inner, MAPPING_FILENAME, text_index(profile, exe));
    protobuf_put_number(&profile->inner, MAPPING_BUILD_ID, text_index(profile, build_id));
    protobuf_put_number(&profile->inner, MAPPING_HAS_FUNCTIONS, true);
    protobuf_put_message(&profile->whole, PROFILE_MAPPING, &profile->inner);
}

/* Texts that the dump does not hold as they are needed. NULL members: no memory. */
struct made_texts {
    char *pid, *who, *which;
};

__attribute__((format(printf, 1, 2))) static char *make_text(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    return bytes < 0 ? NULL : text;
}

static const char *or_words(const char *text, const char *words)
{
    return text != NULL ? text : words;
}

static struct made_texts make_texts(const struct dump *dump)
{
    const struct dump_process *process = &dump->process;
    return (struct made_texts){
        .pid = make_text("%" PRIu64, process->pid),
        .who = make_text("%s (pid %" PRIu64 ") on %s, %s", or_words(process->comm, "process"), process->pid,
                         or_words(process->host, "a host not known"),
                         or_words(dump->environment.go_version, "Go version not known")),
        .which = make_text("dump %" PRIu64 " (%s) at %s%s%s", dump->seq, dump->reason, dump->time.utc,
                           dump->label[0] != '\0' ? ", label " : "", dump->label),
    };
}

static void free_texts(struct made_texts *texts)
{
    free(texts->pid);
    free(texts->who);
    free(texts->which);
}

static void put_profile(struct profile *profile, const struct dump *dump, const struct export_samples *samples,
                        const struct made_texts *texts)
{
    text_index(profile, ""); /* the first one, by the format's rule */
    for (int i = 0; i < EXPORT_VALUE_COUNT; i++)
        put_value_type(profile, (enum export_value)i);
    for (uint64_t i = 0; i < samples->count; i++)
        put_sample(profile, &samples->samples[i], dump, texts->pid);
    put_mapping(profile, dump);
    protobuf_append(&profile->whole, &profile->locations);
    protobuf_append(&profile->whole, &profile->functions);
    protobuf_put_number(&profile->whole, PROFILE_TIME_NANOS, dump->time.unix_ns);
    if (dump->time.took_ns != DUMP_NOT_KNOWN)
        protobuf_put_number(&profile->whole, PROFILE_DURATION_NANOS, dump->time.took_ns);
    protobuf_put_number(&profile->whole, PROFILE_COMMENT, text_index(profile, texts->who));
    protobuf_put_number(&profile->whole, PROFILE_COMMENT, text_index(profile, texts->which));
    protobuf_put_number(&profile->whole, PROFILE_DEFAULT_SAMPLE_TYPE,
                        text_index(profile, VALUE_TYPES[EXPORT_RESIDENT].type));
    protobuf_append(&profile->whole, &profile->texts);
    profile->is_out_of_memory |= profile->whole.is_out_of_memory;
}

static void free_profile(struct profile *profile)
{
    tdestroy(profile->tree, free);
    protobuf_free(&profile->whole);
    protobuf_free(&profile->functions);
    protobuf_free(&profile->locations);
    protobuf_free(&profile->texts);
    protobuf_free(&profile->inner);
    protobuf_free(&profile->innermost);
}

/* gzip, without a name or a time: the same dump gives the same bytes. */
static bool write_gzip(FILE *out, const struct protobuf *message)
{
    enum { WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8, PIECE_BYTES = 16 * 1024 };
    uint8_t piece[PIECE_BYTES];
    z_stream stream = {.next_in = message->bytes};
    size_t left = message->count;
    int result =
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (result != Z_OK)
        return false;
    do {
        uInt in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
        stream.avail_in = in;
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        result = deflate(&stream, in == left ? Z_FINISH : Z_NO_FLUSH);
        left -= in - stream.avail_in;
        /* cppcheck-suppress uninitvar; deflate fills it */
        fwrite(piece, 1, sizeof piece - stream.avail_out, out);
    } while (result == Z_OK);
    deflateEnd(&stream);
    return result == Z_STREAM_END;
}

static bool write_profile(FILE *out, const struct dump *dump, const struct export_samples *samples)
{
    struct profile profile = {0};
    struct made_texts texts = make_texts(dump);
    bool is_written = texts.pid != NULL && texts.who != NULL && texts.which != NULL;
    if (is_written) {
        put_profile(&profile, dump, samples, &texts);
        is_written = !profile.is_out_of_memory && write_gzip(out, &profile.whole);
    }
    free_profile(&profile); /* refers to the texts */
    free_texts(&texts);
    return is_written;
}

bool export_pprof_write(FILE *out, const struct dump *dumps, uint32_t dumps_count, struct error *error)
{
    for (uint32_t i = 0; i < dumps_count; i++) {
        struct export_samples samples;
        if (!export_samples_make(&samples, &dumps[i], error))
            return false;
        bool is_written = write_profile(out, &dumps[i], &samples);
        export_samples_free(&samples);
        if (!is_written)
            return error_set(error, "there is no memory for its profile; free some or raise the limit (ulimit -v)");
    }
    return true;
}
