/* SPDX-License-Identifier: MIT */
/*
 * Taking samples, printing lines, and judging them by tools/bench-goals.tsv.
 */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench.h"

#define RUNS_MAX  101
#define GOALS_MAX 32

struct goal {
    char name[48], of[16], order[4];
    double limit;
    bool met;
};

bool bench_quick, bench_check;
const char *bench_suffix = "";
static struct goal goals[GOALS_MAX];
static unsigned goal_count;

void bench_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

double bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

unsigned bench_rounds(unsigned rounds)
{
    return bench_quick ? (rounds + 49) / 50 : rounds;
}

/* Rows: NAME (a pattern), value or ratio, <= or >=, a number. */
bool bench_goals_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char row[256];

    if (file == NULL)
        return false;
    while (fgets(row, sizeof(row), file) != NULL && goal_count < GOALS_MAX) {
        struct goal *goal = &goals[goal_count];
        if (row[0] != '#' &&
            sscanf(row, "%47s %15s %3s %lf", goal->name, goal->of, goal->order, &goal->limit) == 4)
            goal_count++;
    }
    fclose(file);
    return true;
}

bool bench_goals_met(void)
{
    bool all = true;

    for (unsigned i = 0; i < goal_count; i++)
        all = all && goals[i].met;
    return all;
}

/* Goals are for lines without a suffix. */
static void judge(const char *name, double value, double ratio)
{
    for (unsigned i = 0; i < goal_count; i++) {
        struct goal *goal = &goals[i];
        double got = strcmp(goal->of, "ratio") == 0 ? ratio : value;
        if (bench_suffix[0] != '\0' || fnmatch(goal->name, name, 0) != 0)
            continue;
        goal->met = strcmp(goal->order, "<=") == 0 ? got <= goal->limit : got >= goal->limit;
        printf("%s %s %s %s %g: %.4g\n", name, goal->met ? "met" : "missed", goal->of, goal->order,
               goal->limit, got);
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *samples, unsigned count)
{
    qsort(samples, count, sizeof(*samples), by_size);
    return samples[count / 2];
}

void bench_line(const struct line *line)
{
    double values[RUNS_MAX], floors[RUNS_MAX], value, floor;
    unsigned runs = bench_quick ? 3 : line->runs;
    char name[64];

    line->value(line->context);
    for (unsigned i = 0; i < runs; i++) {
        floors[i] = line->floor(line->floor_context);
        values[i] = line->value(line->context);
    }
    value = median(values, runs);
    floor = median(floors, runs);
    snprintf(name, sizeof(name), "%s%s", line->name, bench_suffix);
    if (bench_check)
        judge(name, value, value / floor);
    else
        printf("%s %.4g %s %s %.4g\n", name, value, line->unit, line->floor_name, value / floor);
    fflush(stdout);
}
