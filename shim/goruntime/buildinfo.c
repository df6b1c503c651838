/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading build information from the memory of an image (debug/buildinfo/buildinfo.go:readRawBuildInfo).
 *
 *   0  "\xff Go buildinf:"   14 pointer size   15 flags (bit 1: strings inline, go1.18 on)
 *  16  go1.17: pointer to the Go string of the version; else unused
 *  32  inline: length as uvarint and the version, length as uvarint and the module information, which ends with the
 * build settings, a line each ("build\t-race=true")
 */
#include "goruntime/buildinfo.h"

#include <string.h>

#include "memory/text.h"
#include "memory/units.h"

static const char MAGIC[] = "\xff Go buildinf:";

enum {
    MAGIC_BYTES = 14,
    HEADER_BYTES = 32,
    FLAG_INLINE = 2,
    ALIGN_BYTES = 16,
    SEARCH_BYTES = 64 * 1024,
    VERSION_BYTES_MAX = 4096, /* beyond it a length is no length */
    MODULE_INFORMATION_BYTES_MAX = 4 << 20
};

unsigned go_version_minor(const char *text)
{
    const char *found = strstr(text, "go1.");
    uint64_t minor;
    if (found == NULL)
        return 0;
    struct text rest = text_of(found + 4);
    return text_take_decimal(&rest, &minor) && minor < 1000 ? (unsigned)minor : 0;
}

static void read_text(const struct elf_image *image, uintptr_t address, uint64_t bytes, struct go_version *version)
{
    bytes = min_u64(bytes, GO_VERSION_TEXT_BYTES - 1);
    if (!elf_image_holds(image, address) || !reader_read(image->reader, address, version->text, bytes))
        bytes = 0;
    version->text[bytes] = '\0';
    version->minor = go_version_minor(version->text);
}

static bool read_uvarint(const struct elf_image *image, uintptr_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        uint8_t byte;
        if (!reader_read(image->reader, (*at)++, &byte, 1))
            return false;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Is `wanted` somewhere in the `bytes` bytes at `at`? */
static bool holds_text(const struct elf_image *image, uintptr_t at, uint64_t bytes, const char *wanted)
{
    char piece[512];
    uint64_t wanted_bytes = strlen(wanted);
    if (bytes > MODULE_INFORMATION_BYTES_MAX || at + bytes > image->end)
        return false;
    while (bytes >= wanted_bytes) {
        uint64_t held = min_u64(bytes, sizeof piece);
        if (!reader_read(image->reader, at, piece, held))
            return false;
        if (memmem(piece, held, wanted, wanted_bytes) != NULL)
            return true;
        uint64_t step = held == bytes ? held : held - wanted_bytes + 1; /* it may lie across two pieces */
        at += step;
        bytes -= step;
    }
    return false;
}

static void read_inline(const struct elf_image *image, uintptr_t at, struct go_version *version)
{
    uint64_t bytes;
    if (!read_uvarint(image, &at, &bytes) || bytes > VERSION_BYTES_MAX)
        return;
    read_text(image, at, bytes, version); /* what is too long for it is cut: layout.c refuses it */
    at += bytes;
    if (read_uvarint(image, &at, &bytes))
        version->is_race = holds_text(image, at, bytes, "build\t-race=true\n");
}

/* True when `address` holds build information. */
static bool read_at(const struct elf_image *image, uintptr_t address, struct go_version *version)
{
    uint8_t header[HEADER_BYTES];
    if (!reader_read(image->reader, address, header, sizeof header) || memcmp(header, MAGIC, MAGIC_BYTES) != 0)
        return false;
    if (header[15] & FLAG_INLINE) {
        read_inline(image, address + HEADER_BYTES, version);
        return true;
    }
    uintptr_t string_header;
    struct {
        uintptr_t data;
        uint64_t bytes;
    } string;
    memcpy(&string_header, header + 16, sizeof string_header);
    if (elf_image_holds(image, string_header) && reader_read(image->reader, string_header, &string, sizeof string))
        read_text(image, string.data, string.bytes, version);
    return true;
}

bool buildinfo_read(const struct elf_image *image, struct go_version *version)
{
    *version = (struct go_version){0};
    const struct elf_section *section = elf_image_section(image, ".go.buildinfo");
    if (section != NULL)
        return read_at(image, section->start, version);
    if (image->sections_count != 0)
        return false;

    for (uint32_t i = 0; i < image->segments_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        if (!segment->is_writable)
            continue;
        uintptr_t end = min_u64(segment->end, segment->start + SEARCH_BYTES);
        for (uintptr_t at = align_up(segment->start, ALIGN_BYTES); at + HEADER_BYTES <= end; at += ALIGN_BYTES) {
            if (read_at(image, at, version))
                return true;
        }
    }
    return false;
}
