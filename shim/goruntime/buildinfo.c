/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading build information from the memory of an image (debug/buildinfo/buildinfo.go:readRawBuildInfo).
 *
 *   0  "\xff Go buildinf:"   14 pointer size   15 flags (bit 1: strings inline, go1.18 on)
 *  16  go1.17: pointer to the Go string of the version; else unused
 *  32  inline: length as uvarint, then the version
 */
#include "goruntime/buildinfo.h"

#include <string.h>

#include "memory/text.h"
#include "memory/units.h"

static const char MAGIC[] = "\xff Go buildinf:";

enum { MAGIC_BYTES = 14, HEADER_BYTES = 32, FLAG_INLINE = 2, ALIGN_BYTES = 16, SEARCH_BYTES = 64 * 1024 };

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

/* True when `address` holds build information. */
static bool read_at(const struct elf_image *image, uintptr_t address, struct go_version *version)
{
    uint8_t header[HEADER_BYTES];
    if (!reader_read(image->reader, address, header, sizeof header) || memcmp(header, MAGIC, MAGIC_BYTES) != 0)
        return false;
    if (header[15] & FLAG_INLINE) {
        uint8_t length; /* a version longer than 127 bytes is none */
        if (reader_read(image->reader, address + HEADER_BYTES, &length, 1) && length < 0x80)
            read_text(image, address + HEADER_BYTES + 1, length, version);
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
