/* SPDX-License-Identifier: Apache-2.0
 *
 * From a path to a JSON document of the right schema; what stands in it is dump_decode's business.
 *
 * jansson pulls the bytes through a callback, so that a pipe or a growing file meets the limit as well, and noise is
 * refused at its first bad byte instead of being held in memory first.
 */
#include "harness/dump_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gopagewatch/schema.h"
#include "harness/dump_decode.h"
#include "harness/dump_events.h"
#include "harness/json_memory.h"
#include "harness/json_skip.h"

struct source {
    FILE *file;
    uint64_t bytes;        /* read so far */
    uint64_t parsed_bytes; /* of these handed to the parser */
    char first;
    int read_errno;
    bool has_ended, is_too_large;
    struct json_skip skip; /* keys: NULL where nothing is left out */
};

/* Failures of the file itself, with what helps against them. */
static bool refuse_errno(int code, struct error *error)
{
    static const struct {
        int code;
        const char *mend;
    } MENDS[] = {
        {ENOENT, "check the path (a dump appears under its name only when it is whole)"},
        {EACCES, "dumps are readable by their owner only: run as the user of the watched program"},
        {EISDIR, "name a dump in it"},
        {EMFILE, "raise the limit of open files (ulimit -n)"},
    };
    const char *mend = "check the file and the disk it is on";
    for (size_t i = 0; i < sizeof MENDS / sizeof MENDS[0]; i++) {
        if (MENDS[i].code == code)
            mend = MENDS[i].mend;
    }
    return error_set(error, "%s; %s", strerror(code), mend);
}

static bool refuse_size(struct error *error)
{
    return error_set(error, "is larger than %llu MiB, which no dump is; name a file that gopagewatch wrote",
                     (unsigned long long)(DUMP_FILE_BYTES_MAX >> 20));
}

static size_t read_bytes(struct source *source, void *buffer, size_t capacity_bytes)
{
    errno = 0;
    size_t got = fread(buffer, 1, capacity_bytes, source->file);
    if (got == 0 && ferror(source->file))
        source->read_errno = errno != 0 ? errno : EIO;
    if (got > 0 && source->bytes == 0)
        source->first = *(const char *)buffer;
    source->has_ended = got == 0;
    source->bytes += got;
    if (source->bytes > DUMP_FILE_BYTES_MAX) {
        source->is_too_large = true;
        return 0;
    }
    return got;
}

static size_t read_piece(void *buffer, size_t capacity_bytes, void *context)
{
    struct source *source = context;
    size_t kept = 0;
    /* Nothing left of a piece is not the end. */
    for (size_t got = 1; kept == 0 && got > 0;) {
        got = read_bytes(source, buffer, capacity_bytes);
        kept = source->skip.keys == NULL ? got : json_skip_filter(&source->skip, buffer, got);
    }
    source->parsed_bytes += kept;
    return kept;
}

/* A document that was right until the file ended. To the parser a cut "nul" is a bad word, not an end. */
static bool is_cut(const struct source *source, const json_error_t *json_error)
{
    if (source->first != '{')
        return false;
    switch (json_error_code(json_error)) {
    case json_error_premature_end_of_input:
        return true;
    case json_error_invalid_syntax:
        return source->has_ended && json_error->position >= 0 && (uint64_t)json_error->position == source->parsed_bytes;
    default:
        return false;
    }
}

static bool refuse_json(const struct source *source, const json_error_t *json_error, struct error *error)
{
    static const char TAKE_ANOTHER[] = "copy it again or take another dump";
    if (source->read_errno != 0)
        return refuse_errno(source->read_errno, error);
    if (source->is_too_large)
        return refuse_size(error);
    if (json_memory_was_exceeded())
        return error_set(error,
                         "takes more than %llu MiB of memory, as no dump does; name a file that gopagewatch wrote",
                         (unsigned long long)(DUMP_MEMORY_BYTES_MAX >> 20));
    if (source->bytes == 0)
        return error_set(error, "is empty; %s", TAKE_ANOTHER);
    if (is_cut(source, json_error))
        return error_set(error, "ends in the middle, after %llu bytes; %s", (unsigned long long)source->bytes,
                         TAKE_ANOTHER);
    switch (json_error_code(json_error)) {
    case json_error_out_of_memory:
        return error_set(error, "does not fit into memory; read it on a machine with more");
    case json_error_numeric_overflow:
        return error_set(error, "holds a number that is too large for 63 bits (line %d); %s", json_error->line,
                         TAKE_ANOTHER);
    default:
        return error_set(error, "is not JSON (line %d, column %d: %s); name a dump that gopagewatch wrote",
                         json_error->line, json_error->column, json_error->text);
    }
}

/* The number behind "gopagewatch.dump/", 0 when there is something else. */
static uint32_t schema_major(const char *schema)
{
    enum { DIGITS_MAX = 6 };
    const char *digits = schema + strlen(GPW_DUMP_SCHEMA_PREFIX);
    size_t digits_count = strspn(digits, "0123456789");
    if (digits_count == 0 || digits_count > DIGITS_MAX || digits[digits_count] != '\0' || digits[0] == '0')
        return 0;
    uint32_t major = 0;
    for (; *digits != '\0'; digits++)
        major = major * 10 + (uint32_t)(*digits - '0');
    return major;
}

static bool check_schema(const json_t *document, struct error *error)
{
    const char *schema = json_string_value(json_object_get(document, "schema"));
    if (schema == NULL)
        return error_set(error, "is JSON but no dump (it has no \"schema\"); name a dump that gopagewatch wrote");
    bool is_dump = strncmp(schema, GPW_DUMP_SCHEMA_PREFIX, strlen(GPW_DUMP_SCHEMA_PREFIX)) == 0;
    uint32_t major = is_dump ? schema_major(schema) : 0;
    if (major == 0)
        return error_set(error, "has schema \"%.60s\", not %s; name a dump that gopagewatch wrote", schema,
                         GPW_DUMP_SCHEMA);
    if (major > GPW_DUMP_SCHEMA_MAJOR)
        return error_set(error,
                         "has schema %.60s, and gopagewatch " GPW_VERSION " reads up to %s; use a newer gopagewatch",
                         schema, GPW_DUMP_SCHEMA);
    return true;
}

static json_t *parse(FILE *file, const char *const *skipped, struct error *error)
{
    struct source source = {.file = file, .skip = {.keys = skipped}};
    json_error_t json_error;
    json_memory_limit(DUMP_MEMORY_BYTES_MAX);
    json_t *document = json_load_callback(read_piece, &source, JSON_REJECT_DUPLICATES, &json_error);
    if (document != NULL && source.read_errno == 0 && !source.is_too_large)
        return document;
    json_decref(document);
    refuse_json(&source, &json_error, error);
    return NULL;
}

json_t *dump_file_parse(const char *path, const char *const *skipped, struct error *error)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        refuse_errno(errno, error);
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    json_t *document = NULL;
    if (S_ISREG(status.st_mode) && (uint64_t)status.st_size > DUMP_FILE_BYTES_MAX)
        refuse_size(error);
    else
        document = parse(file, skipped, error);
    fclose(file);
    return document;
}

bool dump_read(struct dump *dump, const json_t *document, struct error *error)
{
    *dump = (struct dump){0};
    if (check_schema(document, error) && dump_decode(dump, document, error))
        return true;
    dump_free(dump);
    return false;
}

/* NULL, and then `dump` holds nothing. */
static json_t *load(struct dump *dump, const char *path, struct error *error)
{
    *dump = (struct dump){0};
    json_t *document = dump_file_parse(path, NULL, error);
    if (document == NULL || dump_read(dump, document, error))
        return document;
    json_decref(document);
    return NULL;
}

bool dump_load(struct dump *dump, const char *path, struct error *error)
{
    json_t *document = load(dump, path, error);
    json_decref(document);
    return document != NULL;
}

bool dump_load_with_events(struct dump *dump, const char *path, struct error *error)
{
    json_t *document = load(dump, path, error);
    bool is_read = document != NULL && dump_events_read(dump, document, error);
    json_decref(document);
    if (!is_read)
        dump_free(dump);
    return is_read;
}

json_t *dump_load_document(const char *path, struct error *error)
{
    struct dump dump;
    json_t *document = load(&dump, path, error);
    dump_free(&dump);
    return document;
}
