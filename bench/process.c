/* SPDX-License-Identifier: MIT */
/*
 * The program from outside: how long from its start to the first request that
 * was answered, and how much memory is resident with one small driver loaded.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

extern char **environ;

struct child {
    pid_t pid;
    FILE *to, *from;
};

static struct child start(char *const *words)
{
    posix_spawn_file_actions_t actions;
    struct child child;
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        bench_fail("no pipe could be made");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&child.pid, words[0], &actions, NULL, words, environ) != 0)
        bench_fail("%s could not be started", words[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    child.to = fdopen(in[1], "w");
    child.from = fdopen(out[0], "r");
    return child;
}

static void wait_for_line(struct child *child, const char *beginning)
{
    char line[256];

    while (fgets(line, sizeof(line), child->from) != NULL)
        if (strncmp(line, beginning, strlen(beginning)) == 0)
            return;
    bench_fail("the program ended without the line \"%s\"", beginning);
}

static void finish(struct child *child)
{
    char rest[256];
    int status;

    fclose(child->to);
    while (fgets(rest, sizeof(rest), child->from) != NULL)
        ;
    fclose(child->from);
    if (waitpid(child->pid, &status, 0) != child->pid || status != 0)
        bench_fail("a program that was started ended with status 0x%X", status);
}

static char *verify; /* what the program is told */

static double first_irp(void *context)
{
    char program[4096], driver[4096];
    char *words[] = {program, "run", "--verify", verify, driver, "-c", "open \\Device\\Bench0", NULL};

    bench_path(program, sizeof(program), "ringless");
    bench_path(driver, sizeof(driver), "sys/bench.sys");
    double begin = bench_now();
    struct child child = start(words);
    wait_for_line(&child, "open ");
    double result = (bench_now() - begin) * 1e3;
    finish(&child);
    return result;
}

static double run_true(void *context)
{
    char *words[] = {"/bin/true", NULL};
    double begin = bench_now();
    struct child child = start(words);

    finish(&child);
    return (bench_now() - begin) * 1e3;
}

/* The most that the process ever had in memory. */
static double resident_mib(const struct child *child)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)child->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    if (kib == 0)
        bench_fail("%s does not tell the resident memory", path);
    return (double)kib / 1024;
}

static double driver_rss(void *context)
{
    char program[4096], driver[4096];
    char *words[] = {program, "shell", "--verify", verify, driver, NULL};

    bench_path(program, sizeof(program), "ringless");
    bench_path(driver, sizeof(driver), "sys/hello.sys");
    struct child child = start(words);
    wait_for_line(&child, "load ");
    fputs("echo here\n", child.to);
    fflush(child.to);
    wait_for_line(&child, "here");
    double result = resident_mib(&child);
    finish(&child);
    return result;
}

static double cat_rss(void *context)
{
    char *words[] = {"/bin/cat", NULL};
    struct child child = start(words);

    fputs("here\n", child.to);
    fflush(child.to);
    wait_for_line(&child, "here");
    double result = resident_mib(&child);
    finish(&child);
    return result;
}

void bench_process_lines(enum rgl_verify level)
{
    const struct line lines[] = {
        {"start.first_irp", "ms", first_irp, NULL, "fork_exec_true", run_true, NULL, 21},
        {"rss.one_driver", "MiB", driver_rss, NULL, "rss_of_cat", cat_rss, NULL, 5},
    };

    verify = level == RGL_VERIFY_NONE ? "none" : "standard";
    bench_suffix = level == RGL_VERIFY_NONE ? "" : ".verify";
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        bench_line(&lines[i]);
}
