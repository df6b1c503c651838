/* SPDX-License-Identifier: Apache-2.0
 *
 * The fingerprint that a comparison of two dumps needs: kernel, page size, huge page settings, memory limit, Go's
 * knobs.
 *
 * Allowed context: dumper, command.
 */
#ifndef GPW_DUMP_ENVIRONMENT_H
#define GPW_DUMP_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/utsname.h>

struct environment {
    struct utsname system; /* release "": not known */
    uint64_t cpus;         /* that the process may run on; 0: not known */
    uint64_t os_page_bytes;
    char thp_enabled[24], thp_defrag[24]; /* the chosen word, "" when it cannot be read */
    bool knows_max_ptes_none, has_cgroup_limit;
    uint64_t khugepaged_max_ptes_none;
    uint64_t cgroup_limit_bytes;
    uint64_t
        cgroup_left_bytes; /* until a limit is reached, without page cache that is easily given up; UINT64_MAX: none */
};

/* Of the process `pid` (0: the own one), whose cgroups stand in the file at `cgroup_path`. */
void environment_read(struct environment *environment, uint64_t os_page_bytes, int pid, const char *cgroup_path);

/* The word in brackets: "always [madvise] never" -> "madvise". "" when there is none. */
void bracketed_word(const char *text, char *word, uint64_t word_bytes);

#endif
