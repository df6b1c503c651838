/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing, reading and going the way to a map.
 *
 * The text comes from the environment of a process and the memory from one that changes while it is read: every number
 * is held against a bound, every sum against wrapping. A path cannot be endless, it has MAP_PATH_STEPS_MAX steps.
 */
#include "goruntime/map_path.h"

#include <stddef.h>
#include <string.h>

#include "memory/text.h"

enum { HEX_DIGITS_MAX = 16, FIRST_PRINTABLE = 0x20, DELETE = 0x7f };

static const char HEX[] = "0123456789abcdef";

/* ---- writing ---- */

struct pen {
    char *text;
    uint64_t length, room; /* `room` leaves the zero out */
    bool is_full;
};

static void put(struct pen *pen, char byte)
{
    pen->is_full |= pen->length == pen->room;
    if (!pen->is_full)
        pen->text[pen->length++] = byte;
}

static bool is_plain(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("*._-/()[]", byte) != NULL);
}

static void put_name(struct pen *pen, const char *name)
{
    for (uint32_t i = 0; i < MAP_PATH_NAME_BYTES && name[i] != '\0'; i++) {
        if (is_plain(name[i])) {
            put(pen, name[i]);
            continue;
        }
        put(pen, '%');
        put(pen, HEX[(uint8_t)name[i] >> 4]);
        put(pen, HEX[(uint8_t)name[i] & 0xf]);
    }
}

static void put_hex(struct pen *pen, uint64_t value)
{
    char digits[HEX_DIGITS_MAX];
    uint32_t count = 0;
    do {
        digits[count++] = HEX[value & 0xf];
        value >>= 4;
    } while (value != 0);
    put(pen, '0');
    put(pen, 'x');
    while (count > 0)
        put(pen, digits[--count]);
}

static void put_decimal(struct pen *pen, uint64_t value)
{
    char buffer[NUMBER_TEXT_BYTES];
    for (const char *digit = number_text(value, buffer); *digit != '\0'; digit++)
        put(pen, *digit);
}

static void put_step(struct pen *pen, const struct map_step *step)
{
    put(pen, ',');
    switch (step->kind) {
    case MAP_STEP_FOLLOW:
        put(pen, '*');
        return;
    case MAP_STEP_FORWARD:
        put(pen, '+');
        put_decimal(pen, step->bytes);
        return;
    case MAP_STEP_ELEMENT:
        put(pen, '[');
        put_decimal(pen, step->number);
        put(pen, ':');
        put_decimal(pen, step->bytes);
        return;
    }
}

uint64_t map_path_write(const struct map_path *path, char *text, uint64_t text_bytes)
{
    if (text_bytes == 0 || path->is_absolute || path->is_header || path->steps_count > MAP_PATH_STEPS_MAX)
        return 0;
    struct pen pen = {.text = text, .room = text_bytes - 1};
    put_name(&pen, path->name);
    put(&pen, ',');
    put_name(&pen, path->type_name);
    put(&pen, ',');
    put_hex(&pen, path->type);
    put(&pen, ',');
    put_hex(&pen, path->base);
    for (uint32_t i = 0; i < path->steps_count; i++)
        put_step(&pen, &path->steps[i]);
    text[pen.length] = '\0';
    return pen.is_full ? 0 : pen.length;
}

/* ---- reading ---- */

static bool take_digit(struct text *text, uint8_t *digit)
{
    const char *found = text->at == text->end || *text->at == '\0' ? NULL : strchr(HEX, *text->at);
    if (found == NULL)
        return false;
    *digit = (uint8_t)(found - HEX);
    text->at++;
    return true;
}

/* One byte of a name, as it is or as %xx. */
static bool take_name_byte(struct text *text, char *byte)
{
    uint8_t high, low;
    if (is_plain(*text->at)) {
        *byte = *text->at++;
        return true;
    }
    if (!text_take_char(text, '%') || !take_digit(text, &high) || !take_digit(text, &low))
        return false;
    uint8_t value = (uint8_t)(high << 4 | low);
    *byte = (char)value;
    return value >= FIRST_PRINTABLE && value != DELETE;
}

/* A name and the comma behind it. */
static bool take_name(struct text *text, char name[MAP_PATH_NAME_BYTES])
{
    uint32_t length = 0;
    while (text->at < text->end && *text->at != ',') {
        if (length == MAP_PATH_NAME_BYTES - 1 || !take_name_byte(text, &name[length]))
            return false;
        length++;
    }
    name[length] = '\0';
    return length > 0 && text_take_char(text, ',');
}

static bool take_address(struct text *text, uintptr_t *address)
{
    uint64_t value;
    if (!text_take_char(text, '0') || !text_take_char(text, 'x') || !text_take_hex(text, &value))
        return false;
    *address = value;
    return value != 0;
}

static bool take_step(struct text *text, struct map_step *step)
{
    *step = (struct map_step){.kind = MAP_STEP_FOLLOW};
    if (text_take_char(text, '*'))
        return true;
    if (text_take_char(text, '+')) {
        step->kind = MAP_STEP_FORWARD;
        return text_take_decimal(text, &step->bytes);
    }
    step->kind = MAP_STEP_ELEMENT;
    return text_take_char(text, '[') && text_take_decimal(text, &step->number) && text_take_char(text, ':') &&
           text_take_decimal(text, &step->bytes);
}

static bool take_steps(struct text *text, struct map_path *path)
{
    while (text_take_char(text, ',')) {
        if (path->steps_count == MAP_PATH_STEPS_MAX || !take_step(text, &path->steps[path->steps_count]))
            return false;
        path->steps_count++;
    }
    return true;
}

bool map_path_parse(struct map_path *path, const char *text, const char **rest)
{
    struct text at = text_of(text);
    *path = (struct map_path){0};
    if (!take_name(&at, path->name) || !take_name(&at, path->type_name) || !take_address(&at, &path->type) ||
        !text_take_char(&at, ',') || !take_address(&at, &path->base) || !take_steps(&at, path))
        return false;
    bool has_end = at.at == at.end || text_take_char(&at, ';');
    *rest = at.at;
    return has_end;
}

/* ---- going ---- */

static bool refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return false;
}

static bool forward(uintptr_t *place, uint64_t bytes, const char **why)
{
    return !__builtin_add_overflow(*place, bytes, place) || refuse(why, "the way leads out of the address space");
}

static bool follow(uintptr_t *place, struct reader *reader, const char **why)
{
    uintptr_t pointer;
    if (!reader_read(reader, *place, &pointer, sizeof pointer))
        return refuse(why, "a pointer on the way lies in memory that cannot be read");
    *place = pointer;
    return pointer != 0 || refuse(why, "a pointer on the way is nil");
}

/* A slice header: address, length, capacity. */
static bool take_element(uintptr_t *place, const struct map_step *step, struct reader *reader, const char **why)
{
    uint64_t slice[2], bytes;
    if (!reader_read(reader, *place, slice, sizeof slice))
        return refuse(why, "a slice on the way lies in memory that cannot be read");
    if (step->number >= slice[1])
        return refuse(why, "the index is behind the slice's end");
    if (slice[0] == 0) /* torn: it has a length */
        return refuse(why, "the slice on the way is nil");
    *place = slice[0];
    if (__builtin_mul_overflow(step->number, step->bytes, &bytes))
        return refuse(why, "the way leads out of the address space");
    return forward(place, bytes, why);
}

static bool go_step(uintptr_t *place, const struct map_step *step, struct reader *reader, const char **why)
{
    switch (step->kind) {
    case MAP_STEP_FOLLOW:
        return follow(place, reader, why);
    case MAP_STEP_FORWARD:
        return forward(place, step->bytes, why);
    case MAP_STEP_ELEMENT:
        return take_element(place, step, reader, why);
    }
    return refuse(why, "the way has a step of no known kind");
}

bool map_path_go(const struct map_path *path, struct reader *reader, uintptr_t bias, uintptr_t *place, const char **why)
{
    *place = path->base;
    if (!path->is_absolute)
        *place += bias; /* may wrap: a bias can be negative */
    for (uint32_t i = 0; i < path->steps_count && i < MAP_PATH_STEPS_MAX; i++) {
        if (!go_step(place, &path->steps[i], reader, why))
            return false;
    }
    return true;
}

bool map_path_go_header(const struct map_path *path, struct reader *reader, uintptr_t bias, uintptr_t *header,
                        const char **why)
{
    uintptr_t place;
    if (!map_path_go(path, reader, bias, &place, why))
        return false;
    if (path->is_header) {
        *header = place;
    } else if (!reader_read(reader, place, header, sizeof *header)) {
        *why = "the variable cannot be read";
        return false;
    }
    return true;
}
