/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of circumstances.
 */
#include "harness/fingerprint.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "harness/human.h"

#define AT(member) offsetof(struct dump_environment, member)
#define TEXT(key, member, label, absent)                                   \
    {                                                                      \
        {key, FIELD_TEXT_OR_NULL, AT(member)}, label, absent, false, false \
    }
#define NUMBER(key, member, label, absent)                                   \
    {                                                                        \
        {key, FIELD_NUMBER_OR_NULL, AT(member)}, label, absent, false, false \
    }
#define BYTES(key, member, label, absent)                                   \
    {                                                                       \
        {key, FIELD_NUMBER_OR_NULL, AT(member)}, label, absent, true, false \
    }

static const struct fingerprint FINGERPRINTS[] = {
    TEXT("kernel", kernel, "kernel", "not known"),
    TEXT("machine", machine, "machine", "not known"),
    NUMBER("cpus", cpus, "cpus", "not known"),
    {{"os_page_bytes", FIELD_NUMBER, AT(os_page_bytes)}, "OS page", "", true, false},
    TEXT("go_version", go_version, "Go version", "not known"),
    {{"build_id", FIELD_TEXT_OR_NULL, AT(build_id)}, "build id", "not known", false, true},
    TEXT("gogc", gogc, "GOGC", "not set"),
    TEXT("gomemlimit", gomemlimit, "GOMEMLIMIT", "not set"),
    TEXT("godebug", godebug, "GODEBUG", "not set"),
    TEXT("gomaxprocs", gomaxprocs, "GOMAXPROCS", "not set"),
    TEXT("thp.enabled", thp_enabled, "transparent_hugepage/enabled", "not known"),
    TEXT("thp.defrag", thp_defrag, "transparent_hugepage/defrag", "not known"),
    NUMBER("thp.khugepaged_max_ptes_none", khugepaged_max_ptes_none, "khugepaged/max_ptes_none", "not known"),
    BYTES("cgroup_memory_max_bytes", cgroup_memory_max_bytes, "cgroup memory limit", "none"),
};

uint32_t fingerprint_count(void)
{
    return sizeof FINGERPRINTS / sizeof FINGERPRINTS[0];
}

const struct fingerprint *fingerprint_at(uint32_t index)
{
    return &FINGERPRINTS[index];
}

static const char *text_at(const struct dump_environment *environment, size_t offset)
{
    return *(const char *const *)((const char *)environment + offset);
}

static uint64_t number_at(const struct dump_environment *environment, size_t offset)
{
    return *(const uint64_t *)((const char *)environment + offset);
}

static bool is_text(const struct fingerprint *fingerprint)
{
    return fingerprint->field.type == FIELD_TEXT_OR_NULL;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool fingerprint_is_same(const struct fingerprint *fingerprint, const struct dump_environment *a,
                         const struct dump_environment *b)
{
    if (is_text(fingerprint))
        return is_same_text(text_at(a, fingerprint->field.offset), text_at(b, fingerprint->field.offset));
    return number_at(a, fingerprint->field.offset) == number_at(b, fingerprint->field.offset);
}

struct fingerprint_value fingerprint_value(const struct fingerprint *fingerprint,
                                           const struct dump_environment *environment)
{
    struct fingerprint_value value;
    if (is_text(fingerprint)) {
        const char *text = text_at(environment, fingerprint->field.offset);
        const char *shown = text == NULL ? fingerprint->absent : text[0] == '\0' ? "\"\"" : text;
        snprintf(value.text, sizeof value.text, "%s", shown);
        return value;
    }
    uint64_t number = number_at(environment, fingerprint->field.offset);
    if (number == DUMP_NOT_KNOWN)
        snprintf(value.text, sizeof value.text, "%s", fingerprint->absent);
    else if (fingerprint->is_bytes)
        snprintf(value.text, sizeof value.text, "%s", human_bytes(number).text);
    else
        snprintf(value.text, sizeof value.text, "%" PRIu64, number);
    return value;
}

bool fingerprint_read(const struct fields_context *context, const json_t *object, struct dump_environment *environment)
{
    for (uint32_t i = 0; i < fingerprint_count(); i++) {
        if (!fields_read(context, object, &FINGERPRINTS[i].field, 1, environment))
            return false;
    }
    return true;
}

/* Under a key of one or two parts. */
static bool put(json_t *object, const char *key, json_t *value)
{
    const char *dot = strchr(key, '.');
    if (dot == NULL)
        return json_object_set_new(object, key, value) == 0;
    char outer[32];
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - key), key);
    json_t *inner = json_object_get(object, outer);
    if (inner == NULL && json_object_set_new(object, outer, json_object()) == 0)
        inner = json_object_get(object, outer);
    return json_object_set_new(inner, dot + 1, value) == 0;
}

json_t *fingerprint_write(const struct dump_environment *environment)
{
    json_t *object = json_object();
    bool is_written = object != NULL;
    for (uint32_t i = 0; i < fingerprint_count() && is_written; i++) {
        const struct field *field = &FINGERPRINTS[i].field;
        json_t *value;
        if (is_text(&FINGERPRINTS[i])) {
            const char *text = text_at(environment, field->offset);
            value = text == NULL ? json_null() : json_string(text);
        } else {
            uint64_t number = number_at(environment, field->offset);
            value = number == DUMP_NOT_KNOWN ? json_null() : json_integer((json_int_t)number);
        }
        is_written = put(object, field->key, value);
    }
    if (is_written)
        return object;
    json_decref(object);
    return NULL;
}
