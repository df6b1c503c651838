/* SPDX-License-Identifier: Apache-2.0
 *
 * Names for code addresses of a dump: functions, files, lines, with the calls that the compiler inlined.
 *
 * It works from the module list of a dump and the files that belong to it, now or long after, on this machine or
 * another. A file is used only when it has the build id that the dump says; where neither has one, by its path alone.
 * Go code is looked up in Go's own tables, which every Go binary carries, stripped or not; other code by DWARF, where
 * there is debug information, or by ELF symbols. Nothing is fetched from a network.
 */
#ifndef GPW_HARNESS_SYMBOLS_H
#define GPW_HARNESS_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/dump.h"
#include "harness/error.h"
#include "memory/bump.h"

/* One function that an address is in. Texts may be printed, and live until symbols_close. */
struct symbol_frame {
    const char *function;     /* as Go or C names it; NULL: not known */
    const char *file;         /* NULL: not known */
    const char *module;       /* path; NULL: the address is in no module of the dump */
    uint64_t line;            /* 0: not known */
    uint64_t address_in_file; /* of the module, as addr2line and objdump take it; of a return address, of the call */
    bool is_inlined;          /* into the frame that follows */
    bool is_wrapper;          /* made by the compiler: Go's own tracebacks leave it out */
};

/* Where files are looked for. For each module, the first of these that is there and has the right build id:
 *     DIR/NAME and DIR/PATH of each directory, ROOT/PATH,
 *     DIR/.build-id/xx/yyyy.debug of each directory, ROOT/usr/lib/debug/.build-id/xx/yyyy.debug
 * The last two are debug information, and serve as that for the others too. */
struct symbols_options {
    const char *const *directories; /* --symbols DIR */
    uint64_t directories_count;
    const char *root; /* "/proc/PID/root" for a live process; NULL: / */
};

struct symbol_module;
struct symbol_cache;

struct symbols {
    const struct dump_module *modules;
    uint64_t modules_count;
    struct symbols_options options;
    struct symbol_module *opened; /* one for each of `modules`, opened when first asked for */
    struct symbol_cache *cache;
    struct bump bump; /* holds all texts */
};

/* Opens no file yet. `modules` (by address, as dump_load leaves them) and what `options` points to must outlive it;
 * `options` may be NULL. False: `error`; there is no memory. */
bool symbols_open(struct symbols *symbols, const struct dump_module *modules, uint64_t count,
                  const struct symbols_options *options, struct error *error);
void symbols_close(struct symbols *symbols);

/* What lies at `address`, innermost first, into `frames`: at least one, at most `frames_max` (which is not 0). A return
 * address is behind the call that it belongs to, perhaps in the next function: say so. */
uint32_t symbols_resolve(struct symbols *symbols, uint64_t address, bool is_return_address, struct symbol_frame *frames,
                         uint32_t frames_max);

/* Why a module's addresses have no names: a sentence, "PATH: has another build id ...". NULL: they have, or nobody
 * asked for one. `index` is of the modules given to symbols_open. */
const char *symbols_module_why(const struct symbols *symbols, uint64_t index);

#endif
