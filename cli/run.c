/* SPDX-License-Identifier: MIT */
/* `ringless run`: load in order, run the commands, unload in reverse, report. */
#include "cli.h"

/* Runs the script. A command that ends with an error status ends the run, unless the next line expects just
 * that. */
static int run_script(struct session *session, const struct options *options)
{
    int exit_code = EXIT_OK;
    const char *line;

    for (unsigned i = 0; (line = script_line(options->script, i)) != NULL; i++) {
        const char *next = script_line(options->script, i + 1);
        bool error_status;
        int code = session_command(session, line, &error_status);

        if (code != EXIT_OK)
            return worse(exit_code, code);
        if (session_stopped(session))
            return exit_code;
        if (!error_status)
            continue;
        if (!session_is_expect(line) && next != NULL && session_is_expect(next))
            continue; /* the expectation decides */
        exit_code = worse(exit_code, session_error_code(session));
        if (!options->keep_going)
            return exit_code;
    }
    return exit_code;
}

static int run_once(const struct options *options)
{
    int exit_code = EXIT_OK;
    struct session *session = session_create(options, &exit_code);

    if (session == NULL)
        return exit_code;
    exit_code = session_load_drivers(session);
    if (exit_code == EXIT_OK && !session_stopped(session))
        exit_code = run_script(session, options);
    return session_finish(session, exit_code);
}

int command_run(int argc, char **argv)
{
    struct options options;
    int exit_code = options_parse(&options, argc, argv, false);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (exit_code == EXIT_OK)
        exit_code = options.seeds ? run_seeds(&options) : run_once(&options);
    options_free(&options);
    return exit_code;
}
