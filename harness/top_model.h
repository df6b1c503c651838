/* SPDX-License-Identifier: Apache-2.0
 *
 * What top knows: the last two looks, the rates between them, how often to look, and what is to be said.
 *
 * No terminal and no process is touched here; top_picture.h makes lines of it.
 */
#ifndef GPW_HARNESS_TOP_MODEL_H
#define GPW_HARNESS_TOP_MODEL_H

#include "harness/top_sample.h"

/* A look may take this part of one CPU: dear ones are made less often than asked. */
enum { TOP_COST_PART = 10 };

enum { TOP_CYCLES_MAX = 10, TOP_MESSAGE_BYTES = 5120 };

enum top_sort { TOP_BY_RESIDENT, TOP_BY_CHANGE, TOP_BY_KIND, TOP_SORT_COUNT };

/* A signed number a second. */
struct top_rate {
    bool is_known, is_negative;
    uint64_t per_second;
};

struct top_cycles {
    uint64_t at_ns, cycles;
};

struct top_model {
    int pid;
    uint64_t asked_interval_ns;
    enum top_sort sort;
    bool shows_help;
    struct top_sample now, before;
    uint32_t looks;                           /* 0: `now` is not filled; 1: `before` is not */
    struct top_cycles cycles[TOP_CYCLES_MAX]; /* of the last looks, a ring */
    uint32_t cycles_count;
    bool has_ended;
    bool is_alert; /* the message is of something that went wrong */
    char message[TOP_MESSAGE_BYTES];
};

void top_model_open(struct top_model *model, int pid, uint64_t interval_ns);

/* Takes up the next look. One of another program (the process has called exec) begins anew, without rates. */
void top_model_add(struct top_model *model, const struct top_sample *sample);
/* The process is gone: the picture stays. */
void top_model_end(struct top_model *model);
void top_model_sort_next(struct top_model *model);
__attribute__((format(printf, 3, 4))) void top_model_say(struct top_model *model, bool is_alert, const char *format,
                                                         ...);

/* From the beginning of a look to that of the next. */
uint64_t top_model_interval_ns(const struct top_model *model);

struct top_rate top_model_rate(const struct top_model *model, uint64_t before, uint64_t now);
/* Collections since the oldest look that is remembered, and how long ago that was. False: not known yet. */
bool top_model_cycles(const struct top_model *model, uint64_t *cycles, uint64_t *elapsed_ns);

#endif
