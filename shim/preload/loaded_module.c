/* SPDX-License-Identifier: Apache-2.0
 *
 * The module of a function: the loader tells where it begins, its program headers where it ends.
 */
#include "preload/loaded_module.h"

#include <dlfcn.h>
#include <stddef.h>

#include "goruntime/elf_image.h"
#include "memory/raw.h"
#include "preload/old_libc.h"

bool loaded_module_find(struct loaded_module *module, const void *function)
{
    Dl_info info;
    struct elf_image image;
    struct reader_process reader;
    if (dladdr == NULL || function == NULL || dladdr(function, &info) == 0)
        return false;
    uintptr_t base = (uintptr_t)info.dli_fbase;
    reader_process_open(&reader, raw_getpid());
    bool is_read = elf_image_read(&image, &reader.reader, base);
    reader_process_close(&reader);
    *module = (struct loaded_module){base, is_read ? image.end : base};
    return is_read;
}
