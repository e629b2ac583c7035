/* SPDX-License-Identifier: MIT */
/*
 * Running the steps of a race: see races.h.
 */
#include "races.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

rgl_machine *race_machine;
bool race_simulated;

static const struct race_program *program;
static time_t until;

unsigned race_draw(struct race *race, unsigned n)
{
    race->state = race->state * 1664525u + 1013904223u;
    return (race->state >> 16) % n;
}

bool race_fail(struct race *race, const char *why)
{
    if (race->failed == NULL)
        race->failed = why;
    return false;
}

const struct rgl_report *race_report(void)
{
    return rgl_violations(race_machine) != 0 ? rgl_violation(race_machine, 0) : rgl_bug_check(race_machine);
}

static bool start(const char *sys, unsigned seed, const struct rgl_config *config, const char *line)
{
    race_simulated = config->simulated;
    if (program->start(sys, seed, config))
        return true;
    fprintf(stderr, "%s %s: %s\n", program->name, line, rgl_message());
    return false;
}

/* What the verifier says goes before what the program noticed; it may come with the drivers' end only. */
static bool finish(const char *failed, const char *line)
{
    const char *wrong = program->finish();

    if (failed == NULL)
        failed = wrong;
    if (race_report() != NULL)
        failed = race_report()->text;
    if (failed != NULL)
        fprintf(stderr, "%s %s: %s\n", program->name, line, failed);
    rgl_machine_destroy(race_machine);
    return failed == NULL;
}

static void count(unsigned *ended, const struct race *race)
{
    for (unsigned i = 0; i < RACE_ENDS; i++)
        ended[i] += race->ended[i];
}

static void tell(const unsigned *ended)
{
    printf("%u requests: %u done, %u canceled, %u %s\n", ended[RACE_ALL], ended[RACE_DONE],
           ended[RACE_CANCELED], ended[RACE_OTHER], program->other);
}

static bool one_seed(const char *sys, unsigned seed, unsigned rounds, unsigned *ended)
{
    struct race *race = calloc(1, program->worker_size);
    struct rgl_config config;
    char line[1100];
    const char *failed;

    snprintf(line, sizeof(line), "%s seeds %u 1 %u", sys, seed, rounds);
    rgl_config_init(&config);
    config.simulated = true;
    config.seed = seed;
    config.cpus = 1 + seed / 4 % 4;
    race->state = seed * 2654435761u;
    if (!start(sys, seed, &config, line)) {
        free(race);
        return false;
    }
    for (unsigned i = 0; i < rounds && program->step(race); i++)
        ;
    if (race->failed == NULL)
        program->end_all(race);
    count(ended, race);
    failed = race->failed;
    free(race);
    return finish(failed, line);
}

static int seeds(const char *sys, unsigned first, unsigned number, unsigned rounds)
{
    unsigned ended[RACE_ENDS] = {0}, failures = 0;

    for (unsigned seed = first; seed < first + number; seed++)
        failures += !one_seed(sys, seed, rounds, ended);
    printf("%u seeds, %u failures; ", number, failures);
    tell(ended);
    return failures != 0;
}

static void *work(void *context)
{
    struct race *race = context;

    while (time(NULL) < until && program->step(race))
        ;
    if (race->failed == NULL)
        program->end_all(race);
    return NULL;
}

static int real(const char *sys, unsigned cpus, unsigned threads, unsigned seconds, unsigned seed)
{
    unsigned ended[RACE_ENDS] = {0};
    struct rgl_config config;
    const char *failed = NULL;
    char *workers;

    rgl_config_init(&config);
    config.cpus = cpus;
    if (!start(sys, seed, &config, "real"))
        return 1;
    until = time(NULL) + seconds;
    workers = calloc(threads, program->worker_size);
    for (unsigned i = 0; i < threads; i++) {
        struct race *race = (struct race *)(workers + i * program->worker_size);
        race->number = i;
        race->state = (i + 1) * 2654435761u;
        pthread_create(&race->thread, NULL, work, race);
    }
    for (unsigned i = 0; i < threads; i++) {
        struct race *race = (struct race *)(workers + i * program->worker_size);
        pthread_join(race->thread, NULL);
        failed = failed != NULL ? failed : race->failed;
        count(ended, race);
    }
    tell(ended);
    free(workers);
    return !finish(failed, "real");
}

int race_main(const struct race_program *which, int argc, char **argv)
{
    program = which;
    if (argc == 6 && strcmp(argv[2], "seeds") == 0)
        return seeds(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    if ((argc == 6 || argc == 7) && strcmp(argv[2], "real") == 0)
        return real(argv[1], (unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]),
                    argc == 7 ? (unsigned)atoi(argv[6]) : 1);
    fprintf(stderr, "usage: %s SYS seeds FIRST COUNT ROUNDS | SYS real CPUS THREADS SECONDS [SEED]\n",
            which->name);
    return 2;
}
