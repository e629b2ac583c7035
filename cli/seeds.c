/* SPDX-License-Identifier: MIT */
/*
 * --seeds A..B: the same run under each seed, a process each, --jobs of them at
 * a time. Stops at the first failure, shows what that run printed and the line
 * that replays it. With several jobs "first" is the lowest seed that failed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli.h"

struct job {
    pid_t pid;
    unsigned long long seed;
    FILE *output;
};

/* The words of this run with --seeds A..B replaced by --seed N; to be freed. */
static char **child_words(const struct options *options, unsigned long long seed, char seed_word[40])
{
    char **words = calloc((size_t)options->argc + 4, sizeof(char *));
    int out = 0;

    words[out++] = "ringless";
    words[out++] = "run";
    for (int i = 0; i < options->argc; i++) {
        bool separate = strcmp(options->argv[i], "--seeds") == 0;
        if (separate || strncmp(options->argv[i], "--seeds=", 8) == 0) {
            snprintf(seed_word, 40, "--seed=%llu", seed);
            words[out++] = seed_word;
            i += separate;
        } else if (strcmp(options->argv[i], "--jobs") == 0) {
            i++;
        } else if (strncmp(options->argv[i], "--jobs=", 7) != 0) {
            words[out++] = options->argv[i];
        }
    }
    return words;
}

static bool start(struct job *job, const struct options *options, unsigned long long seed)
{
    job->seed = seed;
    job->output = tmpfile();
    if (job->output == NULL)
        return false;
    fflush(stdout);
    job->pid = fork();
    if (job->pid == 0) {
        dup2(fileno(job->output), STDOUT_FILENO);
        dup2(fileno(job->output), STDERR_FILENO);
        char seed_word[40];
        execv("/proc/self/exe", child_words(options, seed, seed_word));
        _exit(EXIT_USAGE);
    }
    return job->pid > 0;
}

static void show_output(FILE *output)
{
    char buffer[4096];
    size_t length;

    rewind(output);
    while ((length = fread(buffer, 1, sizeof(buffer), output)) != 0)
        fwrite(buffer, 1, length, stdout);
}

static int exit_code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BUG_CHECK;
}

static void show_failure(const struct options *options, const struct job *job, int code)
{
    char seed_word[40];
    char **words = child_words(options, job->seed, seed_word);

    show_output(job->output);
    printf("seed %llu failed with exit code %d; replay it with:", job->seed, code);
    for (int i = 0; words[i] != NULL; i++)
        printf(strpbrk(words[i], " \t\"\\$*?;&|<>()#~`") != NULL ? " '%s'" : " %s", words[i]);
    putchar('\n');
    free(words);
}

static struct job *find_job(struct job *jobs, unsigned count, pid_t pid)
{
    for (unsigned i = 0; i < count; i++)
        if (jobs[i].pid == pid)
            return &jobs[i];
    return NULL;
}

int run_seeds(const struct options *options)
{
    struct job *jobs = calloc(options->jobs, sizeof(*jobs));
    struct job failed = {0};
    unsigned long long next = options->seed, done = 0;
    unsigned running = 0;
    bool more = true;
    int code = EXIT_OK, status;

    while (more || running != 0) {
        while (more && running < options->jobs) {
            struct job *slot = find_job(jobs, options->jobs, 0);
            if (!start(slot, options, next)) {
                free(jobs);
                return usage_error("cannot start a process: %s", strerror(errno));
            }
            running++;
            more = next++ != options->last_seed;
        }
        struct job *job = find_job(jobs, options->jobs, wait(&status));
        if (job == NULL)
            continue;
        running--;
        done++;
        if (exit_code_of(status) != EXIT_OK && (failed.output == NULL || job->seed < failed.seed)) {
            code = exit_code_of(status);
            if (failed.output != NULL)
                fclose(failed.output);
            failed = *job;
            more = false;
        } else {
            fclose(job->output);
        }
        *job = (struct job){0};
    }
    if (failed.output != NULL) {
        show_failure(options, &failed, code);
        fclose(failed.output);
    } else {
        printf("%llu seeds, no failure\n", done);
    }
    free(jobs);
    return code;
}
