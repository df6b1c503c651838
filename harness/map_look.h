/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at maps of a live process or of a core file. No snapshot is taken: only the map is walked, and only the pages
 * that it is on are asked about.
 */
#ifndef GPW_HARNESS_MAP_LOOK_H
#define GPW_HARNESS_MAP_LOOK_H

#include "dump/map_answer.h"
#include "harness/core_file.h"
#include "harness/go_variable.h"
#include "harness/live_look.h"
#include "harness/symbols.h"

/* So many maps are looked at, at once. */
enum { MAP_LOOK_MAX = 4096 };

struct map_look {
    struct outside *outside; /* of the process or the core */
    struct live_look live;   /* of a process */
    struct core_file *core;  /* of a core; NULL: it is a process */
    struct residency *residency;
    struct residency own_residency;
    struct go_variables variables;
};

/* What is asked. */
struct map_question {
    const char *what;                      /* a variable, or all of a package; NULL: the map at an address */
    uintptr_t address;                     /* and then its type: */
    const char *type_name;                 /* "map[string]string" */
    const char *program;                   /* a copy of the program with debug information; NULL: its own file */
    const struct symbols_options *symbols; /* where it is looked for else */
    bool is_deep;
};

struct map_answers {
    const struct map_answer *answers; /* as long as the look is open */
    uint32_t count;
    uint64_t left_out; /* for which there was no room */
    const struct module *module;
};

/* Opens one or the other; must not be moved while it is open. `subcommand` and `thing` must outlive it. False: `error`,
 * and nothing is open. `is_program`: it is about `program`, the file that the core's process ran. */
bool map_look_open_process(struct map_look *look, const char *subcommand, int pid, const char *thing,
                           struct error *error);
bool map_look_open_core(struct map_look *look, const char *subcommand, const char *program, const char *core,
                        bool *is_program, struct error *error);
void map_look_close(struct map_look *look);

/* The two steps of an answer. Finds what is asked about: `variables`, until it is asked again, and the module that has
 * them, NULL: `error`. Then who is to be asked. */
const struct module *map_look_find(struct map_look *look, const struct map_question *question, struct error *error);
bool map_look_source(const struct map_look *look, const struct module *module, bool is_deep, struct map_source *source,
                     struct error *error);

/* Finds what is asked about and walks it. Once for each open look. False: `error`. */
bool map_look_answer(struct map_look *look, const struct map_question *question, struct map_answers *answers,
                     struct error *error);

#endif
