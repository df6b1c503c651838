/* SPDX-License-Identifier: Apache-2.0
 *
 * A streaming JSON writer: a fixed buffer in front of a descriptor, nothing is kept.
 *
 * Commas and nesting are its business. After an error (disk full) everything is ignored until the end, which returns
 * it. Strings are any bytes: what is not UTF-8 becomes U+FFFD.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_JSON_H
#define GPW_DUMP_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/file_identity.h"
#include "memory/pace.h"

enum { JSON_BUFFER_BYTES = 64 * 1024 };

struct json {
    int fd;
    int error; /* 0, or the -errno of the first write that failed */
    bool needs_comma;
    uint64_t filled;
    char *buffer;      /* JSON_BUFFER_BYTES, the caller's */
    struct pace *pace; /* given way to before each write; NULL, the default: nobody */
    /* What must be at `fd` when something is written, or -EBADF is met; NULL, the default: whatever is there. */
    const struct file_identity *file;
};

void json_open(struct json *json, int fd, char *buffer);
/* Writes what is left. 0, or -errno. The descriptor stays open. */
int json_finish(struct json *json);

/* `key` is NULL for the outermost value and inside arrays. */
void json_begin_object(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_begin_array(struct json *json, const char *key);
void json_end_array(struct json *json);
/* A number above 2^63 - 1 is written as that: many readers have no larger integer. */
void json_put_number(struct json *json, const char *key, uint64_t value);
/* What is not known is written as null. */
void json_put_number_or_null(struct json *json, const char *key, bool is_known, uint64_t value);
void json_put_signed(struct json *json, const char *key, int64_t value);
void json_put_bool(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);
void json_put_string(struct json *json, const char *key, const char *text);
/* NULL is written as null. */
void json_put_string_or_null(struct json *json, const char *key, const char *text);
/* As "0x...", because a JSON number does not hold 64 bits everywhere. */
void json_put_address(struct json *json, const char *key, uintptr_t address);
/* Bytes as lower-case hexadecimal digits. */
void json_put_hex_bytes(struct json *json, const char *key, const uint8_t *bytes, uint64_t count);
/* A line break between rows, for people who open the file. */
void json_newline(struct json *json);

#endif
