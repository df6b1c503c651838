/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a Go program in memory, from its ELF header to its function table. The input chooses a variant and then
 * changes bytes of the sound image (offset, length, bytes); or it is the image itself.
 *
 * Sources: shim/goruntime/{elf_image,buildinfo,pclntab,runtime_find,runtime_code_amd64}.c
 *     shim/memory/{text,reader}.c tests/unit/support/{fake_memory,go_image,files}.c
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

#include "goruntime/runtime_find.h"
#include "tests/unit/support/files.h"
#include "tests/unit/support/go_image.h"

enum {
    IS_FIXED = 1,
    NEEDS_LIBRARIES = 2,
    TEXT_IN_MODULEDATA = 4,
    VERSION_INLINE = 8,
    MERGED_TABLE = 16,
    WITH_FILE = 32,
    RAW = 128,
    CHANGE_BYTES_MAX = 8,
};

static struct go_image image;
static _Alignas(16) uint8_t scratch[RUNTIME_FIND_SCRATCH_BYTES];

static void build(uint64_t choice, uint64_t format)
{
    struct go_image_kind kind = {
        .format = (enum pclntab_format)(format % 3),
        .is_fixed = (choice & IS_FIXED) != 0,
        .needs_libraries = (choice & NEEDS_LIBRARIES) != 0,
        .has_text_in_moduledata = (choice & TEXT_IN_MODULEDATA) != 0,
        .is_version_inline = (choice & VERSION_INLINE) != 0,
        .is_madvise_1_27 = (choice & TEXT_IN_MODULEDATA) != 0,
        .version = "go1.26.3",
        .module_information = "path\tshop\nbuild\t-race=true\n",
        .table_section = (choice & MERGED_TABLE) != 0 ? ".data.rel.ro" : NULL,
    };
    go_image_build(&image, &kind, kind.is_fixed ? 0x400000 : 0x555555554000);
}

static void change(struct input *input)
{
    while (input->left > 0) {
        uint64_t offset = input_take(input, 2) % GO_IMAGE_FILE_BYTES;
        uint64_t count = 1 + input_take(input, 1) % CHANGE_BYTES_MAX;
        for (uint64_t i = 0; i < count && offset + i < GO_IMAGE_FILE_BYTES; i++)
            image.bytes[offset + i] = (uint8_t)input_take(input, 1);
    }
}

static void check(const struct go_runtime *found)
{
    MUST(memchr(found->version.text, '\0', sizeof found->version.text) != NULL);
    MUST(found->version.minor < 1000);
    MUST(found->image_start < found->image_end);
    MUST(found->build_id_bytes <= ELF_BUILD_ID_BYTES);
    MUST((found->madvise_entry != 0) != (found->madvise_not_found != NULL));
    MUST(found->madvise_entry % RUNTIME_CODE_ALIGN_BYTES == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct input input = {data, bytes};
    static struct go_runtime found;
    uint64_t choice = input_take(&input, 1), format = input_take(&input, 1);
    build(choice, format);
    if (choice & RAW)
        memcpy(image.bytes, input.at, input.left < sizeof image.bytes ? input.left : sizeof image.bytes);
    else
        change(&input);
    struct memory_file file = memory_file_make(image.bytes, sizeof image.bytes);
    const char *path = choice & WITH_FILE ? file.path : "/nonexistent/program";
    if (runtime_find(&found, &image.memory.reader, image.base, path, scratch))
        check(&found);
    memory_file_close(&file);
    return 0;
}
