/* SPDX-License-Identifier: MIT */
/* What the files of the command line share. It uses the embedding API alone. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdio.h>
#include "ringless/ringless.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_COMMAND = 1,
    EXIT_USAGE = 2,
    EXIT_LOAD = 3,
    EXIT_BUG_CHECK = 4,
    EXIT_VIOLATION = 5
};

/* The options of run and shell, and their operands. */
struct options {
    bool simulated, seeds, json, quiet, keep_going, verbose;
    unsigned long long seed, last_seed;
    unsigned cpus, jobs, watchdog;
    enum rgl_verify verify;
    unsigned special_pool_blocks; /* 0: the default */
    bool special_pool_off, special_pool_underrun;
    const char *trace;
    const char *models[32];
    unsigned model_count;
    const char *registries[16];
    unsigned registry_count;
    const char *registry_writes[16]; /* [KEY=]FILE */
    unsigned registry_write_count;
    const char *infs[64];
    unsigned inf_count;
    const char *devices[64]; /* hardware ids, in order */
    unsigned device_count;
    const char **drivers;
    unsigned driver_count;
    struct script *script; /* -c and -f, in order */
    int argc;              /* the words as given, for the line that replays a seed */
    char **argv;
};

/* ---- options.c ---- */
/* 0, or EXIT_USAGE with one line on stderr. */
int options_parse(struct options *options, int argc, char **argv, bool shell);
void options_free(struct options *options);

/* ---- script.c: the commands to run, one line each ---- */
struct script;
struct script *script_create(void);
void script_add(struct script *script, const char *line);
bool script_add_file(struct script *script, const char *path); /* "-": standard input; false: unreadable */
const char *script_line(const struct script *script, unsigned index); /* NULL: behind the last */
void script_destroy(struct script *script);

/* ---- words.c: a line into words, data, numbers ---- */
#define MAX_WORDS 24
struct words {
    unsigned count;
    char *text[MAX_WORDS];
    bool quoted[MAX_WORDS];
    char storage[8192];
};
bool words_split(struct words *words, const char *line, const char **error);
bool parse_number(const char *text, unsigned long long *value);
struct data {
    unsigned char *bytes;
    size_t length;
};
/* "text", hex:0a0b, @file, zero:N, random:N:SEED. On failure *error says why. */
bool data_parse(struct data *data, const char *word, bool quoted, const char **error);
const char *nearest(const char *word, const char *const *candidates, unsigned count); /* NULL: none is near */

/* ---- session.c: a machine with handles and the last result ---- */
struct session;
struct result {
    rgl_status status;
    uint64_t information;
    unsigned char *data; /* owned by the session until the next command */
    size_t length;
    bool has_data, has_information;
};
struct session *session_create(const struct options *options, int *exit_code);
int session_load_drivers(struct session *session); /* exit code */
/* Runs a line. *error: it ended with an error status (or failed to parse, then EXIT_USAGE is returned). */
int session_command(struct session *session, const char *line, bool *error_status);
bool session_is_expect(const char *line);
int session_error_code(
    const struct session *session);            /* EXIT_COMMAND, or EXIT_LOAD after a load that failed */
bool session_stopped(struct session *session); /* bug check */
int session_finish(struct session *session, int exit_code); /* unloads, reports, frees; the run's exit code */
rgl_machine *session_machine(struct session *session);

/* ---- print.c: one line per thing done, as text or JSON ---- */
struct printer {
    bool json, quiet;
};
void print_result(const struct printer *printer, const char *what, const struct result *result);
void print_note(const struct printer *printer, const char *kind,
                const char *text); /* not suppressed by quiet */
void print_info(const struct printer *printer, const char *kind, const char *text); /* suppressed by quiet */
void print_error(const struct printer *printer, const struct rgl_error *error);
void print_wmi_event(const struct printer *printer, const struct rgl_wmi_event *event);
void print_debug(const struct printer *printer, const char *driver, const char *line);
void print_report(const struct printer *printer, const struct rgl_report *report, const char *replay);
void print_json_string(FILE *out, const char *text);
const char *status_text(rgl_status status, char *buffer, size_t size); /* its name or 0x%08X */

/* ---- the subcommands ---- */
int command_run(int argc, char **argv);
int command_shell(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_inf(int argc, char **argv);
int command_exports(int argc, char **argv);
int command_help(int argc, char **argv);
int run_seeds(const struct options *options);
int usage_error(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* prints, returns EXIT_USAGE */
int worse(int a, int b);                   /* the exit code that wins: 4, 5, 3, 1, 0; 2 wins over all */

/* ---- models.c ---- */
int help_models(void);

/* ---- help.c ---- */
extern const char *const command_words[];
extern const unsigned command_word_count;
const char *command_help_text(const char *word); /* NULL: no such command */

#endif
