/* SPDX-License-Identifier: MIT */
/* `ringless shell`: the same commands at a prompt, with line editing, history, completion of the first word
 * and help. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <editline/readline.h>
#include "cli.h"

static char *complete_word(const char *text, int state)
{
    static unsigned next;

    if (state == 0)
        next = 0;
    while (next < command_word_count) {
        const char *word = command_words[next++];
        if (strncmp(word, text, strlen(text)) == 0)
            return strdup(word);
    }
    return NULL;
}

static char **complete(const char *text, int start, int end)
{
    (void)end;
    return start == 0 ? rl_completion_matches(text, complete_word) : NULL;
}

/* The next line without its newline, to be freed; NULL at the end of the input. */
static char *next_line(bool terminal)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (terminal)
        return readline("ringless> ");
    length = getline(&line, &room, stdin);
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static void show_help(const char *word)
{
    word += strspn(word, " \t");
    if (*word == '\0') {
        char *argv[] = {"commands"};
        command_help(1, argv);
        return;
    }
    const char *text = command_help_text(word);
    if (text != NULL)
        fputs(text, stdout);
    else
        usage_error("there is no command '%s'", word);
}

static int read_commands(struct session *session, bool terminal)
{
    int exit_code = EXIT_OK;
    char *line;

    while (!session_stopped(session) && (line = next_line(terminal)) != NULL) {
        bool error_status = false;
        bool quit = strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0;

        if (terminal && line[0] != '\0')
            add_history(line);
        if (strncmp(line, "help", 4) == 0 && (line[4] == '\0' || line[4] == ' '))
            show_help(line + 4);
        else if (!quit)
            session_command(session, line, &error_status);
        if (error_status && session_is_expect(line))
            exit_code = EXIT_COMMAND;
        free(line);
        if (quit)
            break;
    }
    return exit_code;
}

int command_shell(int argc, char **argv)
{
    struct options options;
    struct session *session;
    bool terminal = isatty(STDIN_FILENO);
    int exit_code = options_parse(&options, argc, argv, true);

    setvbuf(stdout, NULL, _IOLBF, 0);
    rl_attempted_completion_function = complete;
    session = exit_code == EXIT_OK ? session_create(&options, &exit_code) : NULL;
    if (session != NULL) {
        exit_code = session_load_drivers(session);
        if (exit_code == EXIT_OK)
            exit_code = read_commands(session, terminal);
        exit_code = session_finish(session, exit_code);
    }
    options_free(&options);
    return exit_code;
}
