/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile as pprof reads it: gzip around the message Profile (github.com/google/pprof, proto/profile.proto).
 *
 * The names in the stacks of samples are its functions; there is no code behind them, so each has one location without
 * an address. All texts stand in one table and are referred to by their index; a frame's index is its function's and
 * its location's number as well. Their mapping is the program: it gives a profile its file name and build id, and
 * says that there is nothing left to symbolise.
 *
 * Below them stand the stacks of the program's heap profile and of C's mappings: locations with an address, numbered
 * from ADDRESS_LOCATIONS on, in mappings for the modules of the dump. They have names where the files are at hand;
 * where not, pprof can look for them itself, by the build id.
 */
#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "harness/export_format.h"
#include "harness/export_samples.h"
#include "harness/profile.h"
#include "harness/protobuf.h"
#include "harness/stack_trace.h"
#include "harness/symbols.h"

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
    MAPPING_MEMORY_START = 2,
    MAPPING_MEMORY_LIMIT = 3,
    MAPPING_FILENAME = 5,
    MAPPING_BUILD_ID = 6,
    MAPPING_HAS_FUNCTIONS = 7,
    MAPPING_HAS_FILENAMES = 8,
    MAPPING_HAS_LINE_NUMBERS = 9,
    MAPPING_HAS_INLINE_FRAMES = 10,
};
enum { LOCATION_ID = 1, LOCATION_MAPPING_ID = 2, LOCATION_ADDRESS = 3, LOCATION_LINE = 4 };
enum { LINE_FUNCTION_ID = 1, LINE_LINE = 2 };
enum { FUNCTION_ID = 1, FUNCTION_NAME = 2, FUNCTION_SYSTEM_NAME = 3, FUNCTION_FILENAME = 4 };

enum { THE_MAPPING = 1, MODULE_MAPPINGS = 2 /* from here on, by their index in the dump */ };
enum { SAMPLE_LOCATIONS_MAX = TRACE_PLACES_MAX + FRAME_COUNT, TRACE_PLACE_FRAMES_MAX = 64 };
#define ADDRESS_LOCATIONS (1ull << 32)

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
    bool is_function, is_location;
};

struct known_address {
    uint64_t address, location;
};

/* Parts of the message that grow while the samples are written, and the table of texts. */
struct profile {
    struct protobuf whole, functions, locations, texts;
    struct protobuf inner, innermost; /* being written */
    void *tree;                       /* of struct known_text, by text */
    uint64_t texts_count;
    const struct dump *dump;
    struct symbols symbols;
    struct stack_trace *trace;
    void *addresses; /* tree of struct known_address */
    uint64_t addresses_count;
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
    *entry = (struct known_text){text, profile->texts_count, false, false};
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

/* The function of that name; its number is its text's. 0: no memory. Functions are known by their names alone, as pprof
 * shows them. */
static uint64_t function_id(struct profile *profile, const char *name, const char *file)
{
    struct known_text *entry = find_text(profile, name[0] == '\0' ? "?" : name); /* 0, the empty text, is no number */
    if (entry == NULL)
        return 0;
    if (entry->is_function)
        return entry->index;
    entry->is_function = true;
    uint64_t file_index = file == NULL ? 0 : text_index(profile, file);
    protobuf_clear(&profile->innermost);
    protobuf_put_number(&profile->innermost, FUNCTION_ID, entry->index);
    protobuf_put_number(&profile->innermost, FUNCTION_NAME, entry->index);
    protobuf_put_number(&profile->innermost, FUNCTION_SYSTEM_NAME, entry->index);
    protobuf_put_number(&profile->innermost, FUNCTION_FILENAME, file_index);
    protobuf_put_message(&profile->functions, PROFILE_FUNCTION, &profile->innermost);
    return entry->index;
}

/* Of a name without code. */
static uint64_t location_id(struct profile *profile, const char *name)
{
    uint64_t id = function_id(profile, name, NULL);
    struct known_text *entry = find_text(profile, name[0] == '\0' ? "?" : name);
    if (entry == NULL || entry->is_location)
        return id;
    entry->is_location = true;
    protobuf_clear(&profile->innermost);
    protobuf_put_number(&profile->innermost, LINE_FUNCTION_ID, id);
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, LOCATION_ID, id);
    protobuf_put_number(&profile->inner, LOCATION_MAPPING_ID, THE_MAPPING);
    protobuf_put_message(&profile->inner, LOCATION_LINE, &profile->innermost);
    protobuf_put_message(&profile->locations, PROFILE_LOCATION, &profile->inner);
    return id;
}

/* ---- locations with an address ---- */

static int compare_addresses(const void *left, const void *right)
{
    uint64_t a = ((const struct known_address *)left)->address, b = ((const struct known_address *)right)->address;
    return (a > b) - (a < b);
}

/* The mapping of an address; 0: it is in no module of the dump. */
static uint64_t mapping_of(const struct dump *dump, uint64_t address)
{
    for (uint64_t i = 0; i < dump->modules_count; i++) {
        if (address >= dump->modules[i].start && address < dump->modules[i].end)
            return MODULE_MAPPINGS + i;
    }
    return 0;
}

/* Functions first: they are written with the same messages. */
static void put_place(struct profile *profile, const struct trace_place *place, uint64_t id)
{
    uint64_t functions[TRACE_PLACE_FRAMES_MAX];
    uint32_t count = 0;
    for (; count < place->count && count < TRACE_PLACE_FRAMES_MAX; count++) {
        const struct symbol_frame *frame = &profile->trace->frames[place->first + count];
        functions[count] = frame->function == NULL ? 0 : function_id(profile, frame->function, frame->file);
    }
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, LOCATION_ID, id);
    protobuf_put_number(&profile->inner, LOCATION_MAPPING_ID, mapping_of(profile->dump, place->address - 1));
    protobuf_put_number(&profile->inner, LOCATION_ADDRESS, place->address - 1); /* of the call */
    for (uint32_t i = 0; i < count; i++) {
        if (functions[i] == 0)
            continue;
        protobuf_clear(&profile->innermost);
        protobuf_put_number(&profile->innermost, LINE_FUNCTION_ID, functions[i]);
        protobuf_put_number(&profile->innermost, LINE_LINE, profile->trace->frames[place->first + i].line);
        protobuf_put_message(&profile->inner, LOCATION_LINE, &profile->innermost);
    }
    protobuf_put_message(&profile->locations, PROFILE_LOCATION, &profile->inner);
}

static uint64_t place_id(struct profile *profile, const struct trace_place *place)
{
    struct known_address key = {.address = place->address};
    struct known_address **found = tfind(&key, &profile->addresses, compare_addresses);
    if (found != NULL)
        return (*found)->location;
    struct known_address *entry = malloc(sizeof *entry);
    if (entry != NULL)
        *entry = (struct known_address){place->address, ADDRESS_LOCATIONS + profile->addresses_count++};
    if (entry == NULL || tsearch(entry, &profile->addresses, compare_addresses) == NULL) {
        free(entry);
        profile->is_out_of_memory = true;
        return 0;
    }
    put_place(profile, place, entry->location);
    return entry->location;
}

/* The locations of a sample, innermost first; their number. */
static uint32_t find_locations(struct profile *profile, const struct export_sample *sample,
                               uint64_t locations[SAMPLE_LOCATIONS_MAX])
{
    uint32_t count = 0;
    if (export_sample_trace(sample, profile->trace, &profile->symbols, profile->dump)) {
        for (; count < profile->trace->places_count; count++)
            locations[count] = place_id(profile, &profile->trace->places[count]);
    }
    for (int i = 0; i < FRAME_COUNT; i++)
        locations[count++] = location_id(profile, sample->frames[i]);
    return count;
}

/* ---- the other parts ---- */

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
    uint64_t locations[SAMPLE_LOCATIONS_MAX];
    uint32_t locations_count = find_locations(profile, sample, locations);
    protobuf_clear(&profile->inner);
    protobuf_put_numbers(&profile->inner, SAMPLE_LOCATION_ID, locations, locations_count);
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

/* Only where a stack may refer to it. */
static void put_module(struct profile *profile, const struct dump_module *module, uint64_t index)
{
    bool has_names = symbols_module_why(&profile->symbols, index) == NULL;
    protobuf_clear(&profile->inner);
    protobuf_put_number(&profile->inner, MAPPING_ID, MODULE_MAPPINGS + index);
    protobuf_put_number(&profile->inner, MAPPING_MEMORY_START, module->start);
    protobuf_put_number(&profile->inner, MAPPING_MEMORY_LIMIT, module->end);
    protobuf_put_number(&profile->inner, MAPPING_FILENAME, text_index(profile, module->path));
    protobuf_put_number(&profile->inner, MAPPING_BUILD_ID,
                        text_index(profile, module->build_id == NULL ? "" : module->build_id));
    protobuf_put_number(&profile->inner, MAPPING_HAS_FUNCTIONS, has_names);
    protobuf_put_number(&profile->inner, MAPPING_HAS_FILENAMES, has_names);
    protobuf_put_number(&profile->inner, MAPPING_HAS_LINE_NUMBERS, has_names);
    protobuf_put_number(&profile->inner, MAPPING_HAS_INLINE_FRAMES, has_names);
    protobuf_put_message(&profile->whole, PROFILE_MAPPING, &profile->inner);
}

/* Texts that the dump does not hold as they are needed. NULL members: no memory. */
struct made_texts {
    char *pid, *who, *which, *sampling;
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

/* How far stacks can be believed; NULL: no memory. */
static char *make_sampling_text(const struct dump_profile *profile)
{
    if (!profile->is_there)
        return make_text("the program keeps no heap profile: inuse_space and pinned_space are 0");
    if (profile->rate == DUMP_NOT_KNOWN)
        return make_text("MemProfileRate is not known: inuse_space and pinned_space are of sampled objects only");
    if (profile_is_sampled(profile))
        return make_text("stacks are estimates: MemProfileRate is %" PRIu64, profile->rate);
    return make_text("stacks are exact: MemProfileRate is 1");
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
        .sampling = make_sampling_text(&dump->profile),
    };
}

static void free_texts(struct made_texts *texts)
{
    free(texts->pid);
    free(texts->who);
    free(texts->which);
    free(texts->sampling);
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
    for (uint64_t i = 0; profile->addresses_count != 0 && i < dump->modules_count; i++)
        put_module(profile, &dump->modules[i], i);
    protobuf_append(&profile->whole, &profile->locations);
    protobuf_append(&profile->whole, &profile->functions);
    protobuf_put_number(&profile->whole, PROFILE_TIME_NANOS, dump->time.unix_ns);
    if (dump->time.took_ns != DUMP_NOT_KNOWN)
        protobuf_put_number(&profile->whole, PROFILE_DURATION_NANOS, dump->time.took_ns);
    protobuf_put_number(&profile->whole, PROFILE_COMMENT, text_index(profile, texts->who));
    protobuf_put_number(&profile->whole, PROFILE_COMMENT, text_index(profile, texts->which));
    protobuf_put_number(&profile->whole, PROFILE_COMMENT, text_index(profile, texts->sampling));
    protobuf_put_number(&profile->whole, PROFILE_DEFAULT_SAMPLE_TYPE,
                        text_index(profile, VALUE_TYPES[EXPORT_RESIDENT].type));
    protobuf_append(&profile->whole, &profile->texts);
    profile->is_out_of_memory |= profile->whole.is_out_of_memory;
}

static void free_profile(struct profile *profile)
{
    tdestroy(profile->tree, free);
    tdestroy(profile->addresses, free);
    symbols_close(&profile->symbols);
    free(profile->trace);
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

static bool write_profile(FILE *out, const struct dump *dump, const struct export_samples *samples,
                          const struct symbols_options *symbols, struct error *error)
{
    struct profile profile = {.dump = dump};
    if (!symbols_open(&profile.symbols, dump->modules, dump->modules_count, symbols, error))
        return false;
    struct made_texts texts = make_texts(dump);
    profile.trace = malloc(sizeof *profile.trace);
    bool is_written = texts.pid != NULL && texts.who != NULL && texts.which != NULL && texts.sampling != NULL &&
                      profile.trace != NULL;
    if (is_written) {
        put_profile(&profile, dump, samples, &texts);
        is_written = !profile.is_out_of_memory && write_gzip(out, &profile.whole);
    }
    free_profile(&profile); /* refers to the texts */
    free_texts(&texts);
    return is_written ||
           error_set(error, "there is no memory for its profile; free some or raise the limit (ulimit -v)");
}

bool export_pprof_write(FILE *out, const struct export_input *input, struct error *error)
{
    for (uint32_t i = 0; i < input->dumps_count; i++) {
        struct export_samples samples;
        if (!export_samples_make(&samples, &input->dumps[i], error))
            return false;
        bool is_written = write_profile(out, &input->dumps[i], &samples, &input->symbols, error);
        export_samples_free(&samples);
        if (!is_written)
            return false;
    }
    return true;
}
