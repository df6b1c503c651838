/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes shim/goruntime/layouts_ARCH.c: where the fields named in goruntime/layout_fields.h lie in each Go version.
 *
 * usage: layouts [--arch ARCH] [--json FILE] [ROW=BINARY]...     the C file on standard output
 *        layouts [--arch ARCH] --row ROW=BINARY                  one row of it only
 *        layouts --rows                                          the names of the rows
 *
 * ROW is "1.26", or "1.26+nogreenteagc" for what was built with an experiment that moves fields. A row comes from the
 * DWARF of the binary that is given for it, else from FILE.
 *
 * A struct that is not there is an error in any version, unless the list says that it may be missing: it is rather the
 * DWARF that is. A field may be missing, for runtimes differ; but a field that no version has is a mistake in the list.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/setup/layouts/source.h"

static const struct {
    const char *member, *type, *field;
} FIELDS[] = {
#define X(member, type, field) {#member, type, field},
    GPW_LAYOUT_FIELDS(X)
#undef X
};

static const struct {
    const char *member, *type;
} STRUCTS[] = {
#define X(member, type) {#member, type},
    GPW_LAYOUT_STRUCTS(X)
#undef X
};

enum { FIELDS_COUNT = sizeof FIELDS / sizeof FIELDS[0], STRUCTS_COUNT = sizeof STRUCTS / sizeof STRUCTS[0] };

/* Besides a row for each version without experiments: what moves fields and is used all the same. */
static const struct wanted WITH_EXPERIMENT[] = {
    {22, "noallocheaders"}, {24, "noswissmap"},   {25, "noswissmap"},
    {25, "greenteagc"},     {26, "nogreenteagc"}, {27, "nogreenteagc"},
};

enum {
    VERSIONS = GO_MINOR_NEWEST - GO_MINOR_OLDEST + 1,
    ROWS = VERSIONS + sizeof WITH_EXPERIMENT / sizeof WITH_EXPERIMENT[0]
};

struct row {
    struct wanted wanted;
    const char *binary; /* or NULL */
    struct layout_field fields[FIELDS_COUNT];
    uint32_t struct_bytes[STRUCTS_COUNT];
};

struct job {
    const char *arch;
    const char *json_path; /* or NULL */
    bool is_one_row;
    struct row rows[ROWS];
    /* Of each field, which of its alternatives ("a|b") some version has: a bit each. */
    unsigned used_alternatives[FIELDS_COUNT];
};

void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("layouts: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

const char *wanted_name(const struct wanted *wanted, char *name)
{
    const char *experiment = wanted->experiment;
    snprintf(name, WANTED_NAME_BYTES, "1.%u%s%s", wanted->minor, experiment == NULL ? "" : "+",
             experiment == NULL ? "" : experiment);
    return name;
}

/* ---- filling ---- */

/* The next of "a|b", from `*list` on; false at the end. "a|" ends with "". */
static bool next_alternative(const char **list, char one[SOURCE_NAME_BYTES])
{
    if (*list == NULL)
        return false;
    size_t length = strcspn(*list, "|");
    snprintf(one, SOURCE_NAME_BYTES, "%.*s", (int)length, *list);
    *list = (*list)[length] == '|' ? *list + length + 1 : NULL;
    return true;
}

/* The first of "a|b" that there is. False: "a|", and there is no a. */
static bool find_struct(struct source *source, const char *list, char type[SOURCE_NAME_BYTES])
{
    const char *rest = list;
    while (next_alternative(&rest, type)) {
        if (type[0] == '\0')
            return false;
        if (source->has_struct(source, type))
            return true;
    }
    refuse("%s: has no struct %s", source->name, list);
}

/* The first of "a|b" that there is. */
static void fill_field(struct job *job, struct source *source, unsigned index, struct layout_field *found)
{
    char type[SOURCE_NAME_BYTES], one[SOURCE_NAME_BYTES];
    const char *rest = FIELDS[index].field;
    *found = (struct layout_field){0, 0};
    if (!find_struct(source, FIELDS[index].type, type))
        return;
    for (unsigned alternative = 0; next_alternative(&rest, one); alternative++) {
        if (source->find_field(source, type, one, found)) {
            job->used_alternatives[index] |= 1u << alternative;
            return;
        }
    }
    *found = (struct layout_field){0, 0};
}

static uint32_t struct_bytes(struct source *source, unsigned index)
{
    char type[SOURCE_NAME_BYTES];
    return find_struct(source, STRUCTS[index].type, type) ? source->struct_bytes(source, type) : 0;
}

static void fill_row(struct job *job, const json_t *document, struct row *row)
{
    char name[WANTED_NAME_BYTES];
    if (row->binary == NULL && document == NULL)
        refuse("%s: neither a binary nor --json", wanted_name(&row->wanted, name));
    struct source source = row->binary != NULL ? source_of_binary(row->binary, job->arch, &row->wanted)
                                               : source_of_json(document, job->json_path, job->arch, &row->wanted);
    for (unsigned i = 0; i < STRUCTS_COUNT; i++)
        row->struct_bytes[i] = struct_bytes(&source, i);
    for (unsigned i = 0; i < FIELDS_COUNT; i++)
        fill_field(job, &source, i, &row->fields[i]);
    source.close(&source);
}

static void check_that_no_field_is_invented(const struct job *job)
{
    for (unsigned i = 0; i < FIELDS_COUNT; i++) {
        unsigned alternatives = 1;
        for (const char *at = FIELDS[i].field; (at = strchr(at, '|')) != NULL; at++)
            alternatives++;
        if (job->used_alternatives[i] != (1u << alternatives) - 1)
            refuse("goruntime/layout_fields.h: %s: no version has a field %s in %s, or not each of the alternatives",
                   FIELDS[i].member, FIELDS[i].field, FIELDS[i].type);
    }
}

/* ---- printing ---- */

static void print_row(const struct row *row)
{
    printf("    {\n        .go_minor = %u,\n", row->wanted.minor);
    if (row->wanted.experiment != NULL)
        printf("        .experiment = \"%s\",\n", row->wanted.experiment);
    for (unsigned i = 0; i < FIELDS_COUNT; i++)
        printf("        .%s = {%u, %u},\n", FIELDS[i].member, row->fields[i].offset_bytes, row->fields[i].bytes);
    for (unsigned i = 0; i < STRUCTS_COUNT; i++)
        printf("        .%s_bytes = %u,\n", STRUCTS[i].member, row->struct_bytes[i]);
    printf("    },\n");
}

static void print_table(const struct job *job)
{
    printf("/* SPDX-License-Identifier: Apache-2.0\n"
           " *\n"
           " * Generated by `make layouts` from the DWARF of binaries of every Go version for %s. Not to be edited.\n"
           " *\n"
           " * A field is {offset, size} in bytes, {0, 0} where the version does not have it.\n"
           " */\n"
           "#include \"goruntime/layout.h\"\n"
           "\n"
           "/* clang-format off: one field a line */\n"
           "const struct go_layout GO_LAYOUTS[] = {\n",
           job->arch);
    for (unsigned i = 0; i < ROWS; i++)
        print_row(&job->rows[i]);
    printf("};\n"
           "/* clang-format on */\n"
           "\n"
           "const unsigned GO_LAYOUTS_COUNT = sizeof GO_LAYOUTS / sizeof GO_LAYOUTS[0];\n");
}

/* ---- command line ---- */

__attribute__((noreturn)) static void usage(void)
{
    fputs("usage: layouts [--arch amd64|arm64] [--json FILE] [ROW=BINARY]...\n"
          "       layouts [--arch amd64|arm64] --row ROW=BINARY\n"
          "       layouts --rows\n"
          "ROW is 1.26 or, with an experiment, 1.26+nogreenteagc\n",
          stderr);
    exit(2);
}

static void list_rows(struct job *job)
{
    for (unsigned i = 0; i < VERSIONS; i++)
        job->rows[i].wanted = (struct wanted){GO_MINOR_OLDEST + i, NULL};
    for (unsigned i = VERSIONS; i < ROWS; i++)
        job->rows[i].wanted = WITH_EXPERIMENT[i - VERSIONS];
}

static void print_names(const struct job *job)
{
    char name[WANTED_NAME_BYTES];
    for (unsigned i = 0; i < ROWS; i++)
        puts(wanted_name(&job->rows[i].wanted, name));
}

static struct row *take_binary(struct job *job, const char *argument)
{
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals[1] == '\0')
        usage();
    for (unsigned i = 0; i < ROWS; i++) {
        char name[WANTED_NAME_BYTES];
        wanted_name(&job->rows[i].wanted, name);
        if (strlen(name) == (size_t)(equals - argument) && memcmp(name, argument, strlen(name)) == 0) {
            job->rows[i].binary = equals + 1;
            return &job->rows[i];
        }
    }
    refuse("%.*s: no such row; versions are 1.%d to 1.%d", (int)(equals - argument), argument, GO_MINOR_OLDEST,
           GO_MINOR_NEWEST);
}

/* Returns the row that was named last. */
static struct row *parse_arguments(struct job *job, char **arguments)
{
    struct row *last = NULL;
    for (char **at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--row") == 0) {
            job->is_one_row = true;
        } else if (strcmp(*at, "--arch") == 0 && at[1] != NULL) {
            job->arch = *++at;
        } else if (strcmp(*at, "--json") == 0 && at[1] != NULL) {
            job->json_path = *++at;
        } else {
            last = take_binary(job, *at);
        }
    }
    if (job->is_one_row && last == NULL)
        usage();
    return last;
}

int main(int count, char **arguments)
{
    static struct job job = {.arch = "amd64"};
    json_error_t error;
    json_t *document = NULL;
    list_rows(&job);
    if (count == 2 && strcmp(arguments[1], "--rows") == 0) {
        print_names(&job);
        return 0;
    }
    struct row *last = parse_arguments(&job, arguments + 1);
    if (job.json_path != NULL && (document = json_load_file(job.json_path, JSON_REJECT_DUPLICATES, &error)) == NULL)
        refuse("%s:%d: %s", job.json_path, error.line, error.text);
    if (job.is_one_row) {
        fill_row(&job, document, last);
        print_row(last);
    } else {
        for (unsigned i = 0; i < ROWS; i++)
            fill_row(&job, document, &job.rows[i]);
        check_that_no_field_is_invented(&job);
        print_table(&job);
    }
    json_decref(document);
    if (fflush(stdout) != 0 || ferror(stdout))
        refuse("standard output: %s", strerror(errno));
    return 0;
}
