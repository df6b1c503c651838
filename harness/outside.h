/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump made from outside: of a live process (attach) or of a core file. The same document as the shim writes, without
 * what only the shim can know.
 *
 * The caller says where the books are and what it knows of the process; here the Go runtimes are found, the snapshot is
 * taken and the document is written.
 */
#ifndef GPW_HARNESS_OUTSIDE_H
#define GPW_HARNESS_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "dump/document.h"
#include "dump/document_go.h"
#include "harness/command.h"
#include "harness/modules.h"
#include "harness/output_file.h"

enum { OUTSIDE_GIVEN_MAX = HEAPS_MAX + 1 };

/* Address space, not memory: tables of the largest size that is foreseen. */
#define OUTSIDE_BUMP_BYTES (2ull << 30)

struct outside {
    /* The caller's. Of `source` what tells where the books are (vmas or paths, reader, os_page_bytes, pid), of
     * `document` reason, times, process and environment; with a back end for residency, of the book "pagemap" how it is
     * read and what is missing. */
    const char *subcommand; /* for talk */
    const char *thing;      /* that is looked at: PID, CORE */
    struct modules_source where;
    struct snapshot_source source;
    struct document document;
    bool knows_residency;
    struct bump bump;

    struct modules modules;
    struct snapshot snapshot;
    bool has_shim; /* its library is mapped */
    struct known_range given[OUTSIDE_GIVEN_MAX];
    const struct go_heap *heaps[HEAPS_MAX];
    struct document_runtime runtimes[HEAPS_MAX];
    uint64_t begin_ns;
    char host[65];
    char json_buffer[JSON_BUFFER_BYTES];
};

/* From malloc, for outside_close; NULL: no memory. */
struct outside *outside_open(const char *subcommand, const char *thing);
void outside_close(struct outside *outside);

/* The first value of a variable in an environment block (strings, each with its zero), or NULL. */
const char *environment_block_value(const char *block, uint64_t bytes, const char *name);
/* Go's variables, from such a block. */
void outside_set_variables(struct outside *outside, const char *block, uint64_t bytes);

/* The steps of outside_take, for those who need no document: the runtimes (false: `error`; there is none), then the
 * join. */
bool outside_find_modules(struct outside *outside, struct error *error);
bool outside_take_snapshot(struct outside *outside, struct error *error);
/* The first mapping of the shim's library; NULL: it is not there. */
const struct vma *outside_find_shim(const struct vma_list *vmas);

/* Finds the runtimes, takes the snapshot and fills the document. Once for each outside_open. */
bool outside_take(struct outside *outside, struct error *error);
/* Writes what was taken to `path`, or to standard output ("-"). */
bool outside_write(struct outside *outside, const char *path, struct error *error);
/* Both; says on stdout where it is and on stderr what is missing. False: `error`, which is about `path` when
 * `is_output`. */
bool outside_dump(struct outside *outside, const char *path, bool *is_output, struct error *error);

#endif
