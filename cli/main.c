/* SPDX-License-Identifier: MIT */
/* ringless: the program. Finds the subcommand; everything else is in the file of its name. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"run", command_run},         {"shell", command_shell}, {"inspect", command_inspect},
    {"exports", command_exports}, {"inf", command_inf},     {"help", command_help},
};

int usage_error(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("ringless: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

int worse(int a, int b)
{
    static const int rank[] = {[EXIT_OK] = 0,        [EXIT_COMMAND] = 1,   [EXIT_LOAD] = 2,
                               [EXIT_VIOLATION] = 3, [EXIT_BUG_CHECK] = 4, [EXIT_USAGE] = 5};

    return rank[a] >= rank[b] ? a : b;
}

static int unknown_subcommand(const char *word)
{
    const char *names[sizeof(subcommands) / sizeof(subcommands[0])];
    unsigned count = sizeof(subcommands) / sizeof(subcommands[0]);
    const char *near;

    for (unsigned i = 0; i < count; i++)
        names[i] = subcommands[i].name;
    near = nearest(word, names, count);
    if (near != NULL)
        return usage_error("there is no command '%s'; did you mean '%s'?", word, near);
    return usage_error("there is no command '%s'; see 'ringless --help'", word);
}

/* A closed 0, 1 or 2 would be the number of the next file that is opened: a trace, a driver, the machine's
 * RAM. */
static void open_standard_files(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
            _exit(EXIT_USAGE);
}

/* Output that could not be written is a failure, not a success without words. */
static int finish_output(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    fprintf(stderr, "ringless: the output cannot be written: %s\n", strerror(errno));
    return worse(exit_code, EXIT_COMMAND);
}

static int run_subcommand(int argc, char **argv)
{
    if (argc < 2) {
        command_help(0, NULL);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ringless %s\n", rgl_version());
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return command_help(0, NULL);
    for (unsigned i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0)
            continue;
        if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
            return command_help(1, &argv[1]);
        return subcommands[i].run(argc - 2, argv + 2);
    }
    return unknown_subcommand(argv[1]);
}

int main(int argc, char **argv)
{
    open_standard_files();
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like any other */
    return finish_output(run_subcommand(argc, argv));
}
