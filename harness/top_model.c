/* SPDX-License-Identifier: Apache-2.0
 *
 * Rates and intervals.
 */
#include "harness/top_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/printable.h"

#define NS_PER_SECOND 1000000000u

__extension__ typedef unsigned __int128 wide;

void top_model_open(struct top_model *model, int pid, uint64_t interval_ns)
{
    memset(model, 0, sizeof *model);
    model->pid = pid;
    model->asked_interval_ns = interval_ns;
}

static bool is_of_another_program(const struct top_sample *before, const struct top_sample *now)
{
    return strcmp(before->comm, now->comm) != 0 || strcmp(before->go_version, now->go_version) != 0 ||
           (before->has_gc && now->has_gc && now->gc.cycles < before->gc.cycles);
}

static void add_cycles(struct top_model *model, const struct top_sample *sample)
{
    model->cycles[model->cycles_count++ % TOP_CYCLES_MAX] = (struct top_cycles){sample->at_ns, sample->gc.cycles};
}

void top_model_add(struct top_model *model, const struct top_sample *sample)
{
    if (model->looks > 0 && is_of_another_program(&model->now, sample)) {
        model->looks = 0;
        model->cycles_count = 0;
    }
    model->before = model->now;
    model->now = *sample;
    if (model->looks < UINT32_MAX)
        model->looks++;
    if (sample->has_gc)
        add_cycles(model, sample);
    else
        model->cycles_count = 0;
}

void top_model_end(struct top_model *model)
{
    model->has_ended = true;
}

void top_model_sort_next(struct top_model *model)
{
    model->sort = (enum top_sort)((model->sort + 1) % TOP_SORT_COUNT);
}

void top_model_say(struct top_model *model, bool is_alert, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(model->message, sizeof model->message, format, arguments);
    va_end(arguments);
    printable_clean(model->message);
    model->is_alert = is_alert;
}

uint64_t top_model_interval_ns(const struct top_model *model)
{
    uint64_t least_ns = model->looks == 0 ? 0 : model->now.cost_ns * TOP_COST_PART;
    return least_ns > model->asked_interval_ns ? least_ns : model->asked_interval_ns;
}

struct top_rate top_model_rate(const struct top_model *model, uint64_t before, uint64_t now)
{
    struct top_rate rate = {false, now < before, 0};
    if (model->looks < 2 || model->now.at_ns <= model->before.at_ns)
        return rate;
    wide change = rate.is_negative ? before - now : now - before;
    wide per_second = change * NS_PER_SECOND / (model->now.at_ns - model->before.at_ns);
    rate.is_known = true;
    rate.per_second = per_second > UINT64_MAX ? UINT64_MAX : (uint64_t)per_second;
    return rate;
}

bool top_model_cycles(const struct top_model *model, uint64_t *cycles, uint64_t *elapsed_ns)
{
    if (model->cycles_count < 2)
        return false;
    uint32_t oldest = model->cycles_count < TOP_CYCLES_MAX ? 0 : model->cycles_count % TOP_CYCLES_MAX;
    *cycles = model->now.gc.cycles - model->cycles[oldest].cycles;
    *elapsed_ns = model->now.at_ns - model->cycles[oldest].at_ns;
    return *elapsed_ns != 0;
}
