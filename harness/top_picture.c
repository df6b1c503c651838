/* SPDX-License-Identifier: Apache-2.0
 *
 * Laying out the screen: a head of four lines, the table of classes, what stands out, and two lines at the bottom.
 */
#include "harness/top_picture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/human.h"
#include "memory/units.h"

#define NS_PER_SECOND 1000000000u
/* With GOGC=off and no limit the goal is what the arithmetic of limits leaves of INT64_MAX. */
#define GOAL_NONE_BYTES (1ull << 60)

enum {
    ROWS_FOR_TWO_AT_THE_BOTTOM = 10,
    NAME_COLUMNS = 13,
    BAR_COLUMNS_MIN = 8,
    FINDING_LINES_MAX = 4,
};

/* ---- lines ---- */

static struct top_line *begin_line(struct top_picture *picture, uint32_t row, enum top_style style)
{
    bool has_room = picture->count < TOP_LINES_MAX && row < picture->rows;
    struct top_line *line = has_room ? &picture->lines[picture->count++] : &picture->beyond;
    *line = (struct top_line){.row = row, .style = style};
    return line;
}

/* What does not fit the terminal is cut. */
__attribute__((format(printf, 3, 4))) static void add(const struct top_picture *picture, struct top_line *line,
                                                      const char *format, ...)
{
    size_t filled = strlen(line->text);
    size_t room = min_u64(picture->columns + 1, sizeof line->text) - filled;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line->text + filled, room, format, arguments);
    va_end(arguments);
}

/* A bare 0 stands out less than "0 B". */
static const char *bytes_text(struct human *human, uint64_t bytes)
{
    *human = human_bytes(bytes);
    return bytes == 0 ? "0" : human->text;
}

struct rate_text {
    char text[48];
};

/* "+1.20 MiB/s", "0", or "" as long as there was only one look. */
static struct rate_text rate_text(struct top_rate rate)
{
    struct rate_text text = {""};
    if (rate.is_known && rate.per_second == 0)
        strcpy(text.text, "0");
    else if (rate.is_known)
        snprintf(text.text, sizeof text.text, "%c%s/s", rate.is_negative ? '-' : '+',
                 human_bytes(rate.per_second).text);
    return text;
}

static struct rate_text rate_in_brackets(struct top_rate rate)
{
    struct rate_text text = {""}, bare = rate_text(rate);
    if (bare.text[0] != '\0')
        snprintf(text.text, sizeof text.text, " (%.40s)", bare.text);
    return text;
}

/* "850 ms", "7.2 s", "3 min 12 s", "2 h 5 min", "3 d 4 h" */
static struct human time_text(uint64_t ns)
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
    struct human text;
    uint64_t seconds = ns / NS_PER_SECOND, tenths = ns / (NS_PER_SECOND / 10);
    if (seconds == 0)
        snprintf(text.text, sizeof text.text, "%" PRIu64 " ms", ns / 1000000u);
    else if (seconds < MINUTE)
        snprintf(text.text, sizeof text.text, "%" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
    else if (seconds < HOUR)
        snprintf(text.text, sizeof text.text, "%" PRIu64 " min %" PRIu64 " s", seconds / MINUTE, seconds % MINUTE);
    else if (seconds < DAY)
        snprintf(text.text, sizeof text.text, "%" PRIu64 " h %" PRIu64 " min", seconds / HOUR, seconds % HOUR / MINUTE);
    else
        snprintf(text.text, sizeof text.text, "%" PRIu64 " d %" PRIu64 " h", seconds / DAY, seconds % DAY / HOUR);
    return text;
}

/* ---- the head ---- */

static void draw_who(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    const struct top_sample *now = &model->now;
    struct top_line *line = begin_line(picture, row, TOP_TITLE);
    add(picture, line, "%s (pid %d), %s", now->comm[0] == '\0' ? "process" : now->comm, model->pid,
        now->go_version[0] == '\0' ? "Go version not known" : now->go_version);
    if (now->age_ns != 0)
        add(picture, line, ", up %s", time_text(now->age_ns).text);
    if (now->has_shim)
        add(picture, line, ", shim loaded");
    if (now->runtimes_count > 1)
        add(picture, line, ", Go runtime 1 of %u", now->runtimes_count);
    char every[64];
    int bytes = snprintf(every, sizeof every, "every %s", time_text(top_model_interval_ns(model)).text);
    int gap = (int)picture->columns - (int)strlen(line->text) - bytes;
    if (gap >= 2)
        add(picture, line, "%*s%s", gap, "", every);
}

static void draw_rss(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    const struct proc_status *now = &model->now.status;
    struct human text;
    struct top_line *line = begin_line(picture, row, TOP_PLAIN);
    add(picture, line, "RSS %s%s", bytes_text(&text, now->resident_bytes),
        rate_in_brackets(top_model_rate(model, model->before.status.resident_bytes, now->resident_bytes)).text);
    add(picture, line, ", peak %s", bytes_text(&text, now->peak_bytes));
    if (now->swapped_bytes > 0)
        add(picture, line, ", swapped %s", bytes_text(&text, now->swapped_bytes));
    add(picture, line, ", explained %s %%", human_percent_floor(model->now.explained_bytes, now->resident_bytes).text);
}

static const char *phase_text(const struct gc_state *gc)
{
    static const char *const PHASES[GC_PHASE_COUNT] = {"off", "mark", "mark termination"};
    return gc->has_phase ? PHASES[gc->phase] : "not known";
}

static void add_cycle_rate(const struct top_picture *picture, struct top_line *line, const struct top_model *model)
{
    uint64_t cycles, elapsed_ns;
    if (!top_model_cycles(model, &cycles, &elapsed_ns))
        return;
    if (cycles == 0) {
        add(picture, line, " (none in %s)", time_text(elapsed_ns).text);
        return;
    }
    uint64_t tenths = (cycles * 10 * NS_PER_SECOND + elapsed_ns / 2) / elapsed_ns;
    if (tenths == 0)
        add(picture, line, " (%" PRIu64 " in %s)", cycles, time_text(elapsed_ns).text);
    else
        add(picture, line, " (%" PRIu64 ".%" PRIu64 "/s)", tenths / 10, tenths % 10);
}

static void draw_gc(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    const struct top_sample *now = &model->now;
    const struct gc_state *gc = &now->gc;
    struct top_line *line = begin_line(picture, row, TOP_PLAIN);
    struct human live, goal;
    if (!now->has_gc) {
        add(picture, line, "GC not known%s%s", now->unwalked_why[0] == '\0' ? "" : ": ", now->unwalked_why);
        return;
    }
    add(picture, line, "GC cycle %" PRIu64, gc->cycles);
    add_cycle_rate(picture, line, model);
    add(picture, line, ", phase %s", phase_text(gc));
    if (!gc->has_controller) {
        add(picture, line, ", goal not known");
        return;
    }
    add(picture, line, ", live %s", bytes_text(&live, gc->heap_live_bytes));
    if (gc->heap_goal_bytes < GOAL_NONE_BYTES)
        add(picture, line, " of goal %s", bytes_text(&goal, gc->heap_goal_bytes));
    if (gc->percent < 0)
        add(picture, line, ", GOGC off");
    else
        add(picture, line, ", GOGC %" PRId32, gc->percent);
    if (gc->has_memory_limit && gc->memory_limit_bytes < INT64_MAX)
        add(picture, line, ", limit %s", bytes_text(&live, gc->memory_limit_bytes));
}

static void draw_released(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    const struct top_sample *now = &model->now;
    struct human text;
    struct top_line *line = begin_line(picture, row, TOP_PLAIN);
    if (!now->has_gc || !now->gc.has_sums) {
        add(picture, line, "given back by Go: not known");
        return;
    }
    struct top_rate rate = {0};
    if (model->before.gc.has_sums)
        rate = top_model_rate(model, model->before.gc.released_bytes, now->gc.released_bytes);
    add(picture, line, "given back by Go %s%s", bytes_text(&text, now->gc.released_bytes), rate_in_brackets(rate).text);
    add(picture, line, ", of it resident %s", bytes_text(&text, now->reinflated_bytes));
}

/* ---- the table ---- */

static const char *const CLASS_NAMES[] = {
#define X(id, name, meaning) name,
    GPW_MEMORY_CLASSES(X)
#undef X
};

static const char *const CLASS_MEANINGS[] = {
#define X(id, name, meaning) meaning,
    GPW_MEMORY_CLASSES(X)
#undef X
};

struct class_row {
    enum memory_class memory_class;
    uint64_t resident_bytes;
    struct top_rate rate;
};

static int descending(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

/* `other` is a defect and no class: it comes last. What is equal keeps the order of a report. */
static int compare_kinds(const struct class_row *a, const struct class_row *b)
{
    return a->memory_class < b->memory_class ? -1 : 1;
}

static int by_resident(const void *left, const void *right)
{
    const struct class_row *a = left, *b = right;
    int order = descending(a->resident_bytes, b->resident_bytes);
    return order != 0 ? order : compare_kinds(a, b);
}

static int by_change(const void *left, const void *right)
{
    const struct class_row *a = left, *b = right;
    int order = descending(a->rate.per_second, b->rate.per_second);
    return order != 0 ? order : by_resident(left, right);
}

static int by_kind(const void *left, const void *right)
{
    return compare_kinds(left, right);
}

static uint32_t collect_classes(const struct top_model *model, struct class_row rows[CLASS_COUNT])
{
    static int (*const COMPARE[TOP_SORT_COUNT])(const void *, const void *) = {by_resident, by_change, by_kind};
    uint32_t count = 0;
    for (int i = 0; i < CLASS_COUNT; i++) {
        uint64_t now = model->now.classes[i].resident_bytes, before = model->before.classes[i].resident_bytes;
        struct top_rate rate = top_model_rate(model, before, now);
        if (now != 0 || (rate.is_known && rate.per_second != 0))
            rows[count++] = (struct class_row){(enum memory_class)i, now, rate};
    }
    bool has_other = count > 0 && rows[count - 1].memory_class == CLASS_OTHER;
    qsort(rows, count - has_other, sizeof rows[0], COMPARE[model->sort]);
    return count;
}

static enum top_style style_of(enum memory_class memory_class)
{
    switch (memory_class) {
    case CLASS_GO_UNUSED:
    case CLASS_GO_FREE:
    case CLASS_GO_RESERVED:
    case CLASS_C_HEAP_FREE:
        return TOP_IDLE;
    case CLASS_GO_RELEASED:
    case CLASS_OTHER:
        return TOP_WASTED;
    default:
        return TOP_USED;
    }
}

/* The whole width stands for the RSS. */
static void add_bar(const struct top_picture *picture, struct top_line *line, uint64_t bytes, uint64_t whole_bytes,
                    enum top_style style)
{
    static const char LETTERS[TOP_STYLE_COUNT] = {[TOP_USED] = '#', [TOP_IDLE] = '=', [TOP_WASTED] = '!'};
    uint32_t start = (uint32_t)strlen(line->text);
    uint32_t room = picture->columns > start ? picture->columns - start : 0;
    if (room < BAR_COLUMNS_MIN || whole_bytes == 0)
        return;
    double part = (double)bytes / (double)whole_bytes;
    uint32_t filled = (uint32_t)((part > 1 ? 1 : part) * room + 0.5);
    line->bar_start = start;
    line->bar_bytes = (uint32_t)min_u64(filled, sizeof line->text - 1 - start);
    line->bar_style = style;
    memset(line->text + start, LETTERS[style], line->bar_bytes);
    line->text[start + line->bar_bytes] = '\0';
}

static void add_numbers(const struct top_picture *picture, struct top_line *line, const struct top_model *model,
                        uint64_t bytes, struct top_rate rate)
{
    struct human text;
    add(picture, line, "%10s", bytes_text(&text, bytes));
    add(picture, line, " %14s", rate_text(rate).text);
    add(picture, line, " %6s  ", human_percent(bytes, model->now.status.resident_bytes).text);
}

static void draw_class(struct top_picture *picture, const struct top_model *model, const struct class_row *class_row,
                       uint32_t row)
{
    struct top_line *line = begin_line(picture, row, TOP_PLAIN);
    add(picture, line, "%-*s", NAME_COLUMNS, CLASS_NAMES[class_row->memory_class]);
    add_numbers(picture, line, model, class_row->resident_bytes, class_row->rate);
    add_bar(picture, line, class_row->resident_bytes, model->now.status.resident_bytes,
            style_of(class_row->memory_class));
}

/* The sum of rows that have no line of their own, or of all. */
static void draw_sum(struct top_picture *picture, const struct top_model *model, const struct class_row *rows,
                     uint32_t count, const char *name, uint32_t row)
{
    uint64_t now = 0, before = 0;
    for (uint32_t i = 0; i < count; i++) {
        now += rows[i].resident_bytes;
        before += model->before.classes[rows[i].memory_class].resident_bytes;
    }
    struct top_line *line = begin_line(picture, row, TOP_PLAIN);
    add(picture, line, "%-*s", NAME_COLUMNS, name);
    add_numbers(picture, line, model, now, top_model_rate(model, before, now));
}

/* In `rows` rows from `row` on: as many classes as fit, and the sum of the others or of all. Returns the next row. */
static uint32_t draw_classes(struct top_picture *picture, const struct top_model *model, uint32_t row, uint32_t rows)
{
    static const char *const SORTED_BY[TOP_SORT_COUNT] = {"by resident", "by change", "by kind"};
    struct class_row classes[CLASS_COUNT];
    uint32_t count = collect_classes(model, classes);
    if (rows < 3) /* a head and a sum tell nothing */
        return row;
    struct top_line *line = begin_line(picture, row++, TOP_TITLE);
    add(picture, line, "%-*s%10s %14s %6s  %s", NAME_COLUMNS, "class", "resident", "change", "% RSS",
        SORTED_BY[model->sort]);
    bool do_all_fit = count + 2 <= rows;
    uint32_t shown = do_all_fit ? count : rows - 2;
    for (uint32_t i = 0; i < shown; i++)
        draw_class(picture, model, &classes[i], row++);
    char others[32];
    snprintf(others, sizeof others, "%u others", count - shown);
    if (do_all_fit)
        draw_sum(picture, model, classes, count, "total", row++);
    else
        draw_sum(picture, model, classes + shown, count - shown, others, row++);
    return row;
}

/* ---- what stands out ---- */

struct words {
    char lines[FINDING_LINES_MAX][TOP_LINE_BYTES];
    uint32_t count;
};

static void break_findings(struct words *words, const struct top_model *model, uint32_t columns)
{
    static const char HEAD[] = "stands out: ";
    const struct top_sample *now = &model->now;
    words->count = 0;
    for (uint32_t i = 0; i < now->findings_count; i++) {
        char item[96];
        snprintf(item, sizeof item, "%s %s%s", now->findings[i].id, human_bytes(now->findings[i].bytes).text,
                 i + 1 < now->findings_count ? "," : "");
        char *line = words->count == 0 ? NULL : words->lines[words->count - 1];
        if (line == NULL || strlen(line) + 1 + strlen(item) > min_u64(columns, TOP_LINE_BYTES - 1)) {
            if (words->count == FINDING_LINES_MAX)
                return;
            line = words->lines[words->count++];
            snprintf(line, TOP_LINE_BYTES, "%*s%s", words->count == 1 ? 0 : (int)sizeof HEAD - 1,
                     words->count == 1 ? HEAD : "", item);
        } else {
            strcat(strcat(line, " "), item);
        }
    }
}

/* ---- the bottom ---- */

static void draw_message(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    uint64_t interval_ns = top_model_interval_ns(model);
    struct top_line *line = begin_line(picture, row, model->is_alert || model->has_ended ? TOP_ALERT : TOP_NOTE);
    if (model->has_ended)
        add(picture, line, "the process has ended; this is the last picture. ");
    if (model->message[0] != '\0')
        add(picture, line, "%s", model->message);
    else if (!model->has_ended && interval_ns > model->asked_interval_ns)
        add(picture, line, "every %s, not %s: a look takes %s of CPU, and at most a tenth of one CPU is used",
            time_text(interval_ns).text, time_text(model->asked_interval_ns).text, time_text(model->now.cost_ns).text);
    else if (!model->has_ended)
        add(picture, line, "a look takes %s of CPU", time_text(model->now.cost_ns).text);
}

static void draw_keys(struct top_picture *picture, const struct top_model *model, uint32_t row)
{
    struct top_line *line = begin_line(picture, row, TOP_TITLE);
    if (model->has_ended)
        add(picture, line, "q quit  s sort  ? help");
    else
        add(picture, line, "q quit  d dump  s sort  ? help");
}

/* Returns how many rows are left above. */
static uint32_t draw_bottom(struct top_picture *picture, const struct top_model *model)
{
    bool is_news = model->has_ended || model->message[0] != '\0';
    if (picture->rows >= ROWS_FOR_TWO_AT_THE_BOTTOM) {
        draw_message(picture, model, picture->rows - 2);
        draw_keys(picture, model, picture->rows - 1);
        return picture->rows - 2;
    }
    if (picture->rows <= 1 && !is_news)
        return picture->rows;
    if (is_news)
        draw_message(picture, model, picture->rows - 1);
    else
        draw_keys(picture, model, picture->rows - 1);
    return picture->rows - 1;
}

/* ---- the whole ---- */

static void draw_help(struct top_picture *picture, uint32_t rows)
{
    static const char *const LINES[] = {
        "d  a dump: where the shim is loaded it makes the dump, else it is made from outside",
        "s  sort by what is resident, by change, by kind",
        "q  quit                 ?  back",
        "",
        "bars   # in use   = kept but empty   ! given back and resident, or not explained",
        "",
        "'given back by Go' is Go's own running total and its net change. What was given back",
        "and taken again between two looks, and by how many calls, is seen by the shim alone:",
        "look at a dump of it. What C code freed with MADV_FREE counts as resident.",
        "",
    };
    enum { LINE_COUNT = sizeof LINES / sizeof LINES[0] };
    for (uint32_t i = 0; i < LINE_COUNT + CLASS_COUNT && i < rows; i++) {
        struct top_line *line = begin_line(picture, i, TOP_PLAIN);
        if (i < LINE_COUNT)
            add(picture, line, "%s", LINES[i]);
        else
            add(picture, line, "%-*s  %s", NAME_COLUMNS, CLASS_NAMES[i - LINE_COUNT], CLASS_MEANINGS[i - LINE_COUNT]);
    }
}

static void draw_live(struct top_picture *picture, const struct top_model *model, uint32_t rows)
{
    static void (*const HEAD[])(struct top_picture *, const struct top_model *, uint32_t) = {draw_who, draw_rss,
                                                                                             draw_gc, draw_released};
    enum { HEAD_COUNT = sizeof HEAD / sizeof HEAD[0], ROWS_FOR_GAPS = 16, ROWS_FOR_ALL_FINDINGS = 20 };
    struct words words;
    uint32_t row = 0;
    for (; row < HEAD_COUNT && row < rows; row++)
        HEAD[row](picture, model, row);
    uint32_t gap = rows >= ROWS_FOR_GAPS;
    break_findings(&words, model, picture->columns);
    if (rows < ROWS_FOR_ALL_FINDINGS)
        words.count = words.count > 0 && rows > HEAD_COUNT + 2;
    uint32_t findings_rows = words.count + (words.count > 0 ? gap : 0);
    row += gap;
    if (row < rows)
        row = draw_classes(picture, model, row, rows - row - (uint32_t)min_u64(findings_rows, rows - row));
    row += gap;
    for (uint32_t i = 0; i < words.count && row < rows; i++)
        add(picture, begin_line(picture, row++, TOP_ALERT), "%s", words.lines[i]);
}

void top_picture_make(struct top_picture *picture, const struct top_model *model, uint32_t columns, uint32_t rows)
{
    picture->columns = columns;
    picture->rows = rows;
    picture->count = 0;
    if (rows == 0 || columns == 0 || model->looks == 0)
        return;
    uint32_t rows_above = draw_bottom(picture, model);
    if (model->shows_help)
        draw_help(picture, rows_above);
    else
        draw_live(picture, model, rows_above);
}
