/* SPDX-License-Identifier: MIT */
/*
 * A session: the machine, its drivers in the order loaded, the open handles,
 * the last result. Runs one command line at a time; the files io.c and lists.c
 * have the commands themselves.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "session.h"

bool call_more(const struct call *call)
{
    return call->at < call->words->count;
}

bool call_take(struct call *call, const char *keyword)
{
    if (!call_more(call) || call->words->quoted[call->at] ||
        strcmp(call->words->text[call->at], keyword) != 0)
        return false;
    call->at++;
    return true;
}

int call_wrong(const struct call *call, const char *why)
{
    return usage_error("%s: %s", call->line, why);
}

int call_number(struct call *call, const char *what, unsigned long long *value)
{
    char why[128];

    if (call_more(call) && parse_number(call->words->text[call->at], value)) {
        call->at++;
        return EXIT_OK;
    }
    snprintf(why, sizeof(why), "wants %s", what);
    return call_wrong(call, why);
}

static bool is_error(rgl_status status)
{
    return ((uint32_t)status >> 30) == 3;
}

void session_keep_last(struct session *session, const struct result *result)
{
    if (result->data != session->last.data)
        free(session->last.data);
    session->last = *result;
    session->have_last = true;
}

int call_done(struct call *call, const char *what, const struct result *result)
{
    struct session *session = call->session;

    rgl_poll(session->machine);
    print_result(&session->printer, what, result);
    if (is_error(result->status))
        call->error_status = true;
    session_keep_last(session, result);
    return EXIT_OK;
}

static void debug_line(void *context, const char *driver, const char *line)
{
    struct session *session = context;

    print_debug(&session->printer, driver, line);
}

static void error_logged(void *context, const struct rgl_error *error)
{
    struct session *session = context;

    print_error(&session->printer, error);
}

static void wmi_event(void *context, const struct rgl_wmi_event *event)
{
    struct session *session = context;

    print_wmi_event(&session->printer, event);
}

static int start_trace(struct session *session)
{
    const char *path = session->options->trace;
    size_t length = path != NULL ? strlen(path) : 0;
    bool json = length > 5 && strcmp(path + length - 5, ".json") == 0;

    session->trace_fd = -1;
    if (path == NULL)
        return EXIT_OK;
    if (strcmp(path, "-") == 0)
        session->trace_fd = dup(STDOUT_FILENO);
    else
        session->trace_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (session->trace_fd < 0)
        return usage_error("cannot write the trace %s", path);
    rgl_trace_start(session->machine, session->trace_fd, json ? RGL_TRACE_JSON : RGL_TRACE_TEXT,
                    session->options->verbose);
    return EXIT_OK;
}

static int prepare(struct session *session)
{
    const struct options *options = session->options;
    int code = start_trace(session);

    for (unsigned i = 0; i < options->registry_count && code == EXIT_OK; i++)
        code = session_load_registry(session, options->registries[i]);
    for (unsigned i = 0; i < options->inf_count && code == EXIT_OK; i++)
        if (rgl_inf_add(session->machine, options->infs[i]) < 0)
            code = usage_error("%s", rgl_message());
    for (unsigned i = 0; i < options->model_count && code == EXIT_OK; i++)
        if (rgl_model_add(session->machine, options->models[i]) < 0)
            code = usage_error("--model %s: %s", options->models[i], rgl_message());
    session_show_places(session);
    return code;
}

/* RAM is a property of the whole machine: `--model ram,size=N` is read before it is made. */
static int ram_size(const struct options *options, uint64_t *bytes)
{
    for (unsigned i = 0; i < options->model_count; i++) {
        unsigned long long value;
        if (strncmp(options->models[i], "ram,size=", 9) != 0)
            continue;
        if (!parse_number(options->models[i] + 9, &value) || value < (8u << 20) || value > (3ull << 30))
            return usage_error("--model ram wants size=8M to 3G, not '%s'", options->models[i] + 9);
        *bytes = value;
    }
    return EXIT_OK;
}

struct session *session_create(const struct options *options, int *exit_code)
{
    struct session *session = calloc(1, sizeof(*session));
    struct rgl_config config;

    rgl_config_init(&config);
    session->options = options;
    session->printer = (struct printer){.json = options->json, .quiet = options->quiet};
    session->trace_fd = -1;
    config.simulated = options->simulated;
    config.seed = options->seed;
    config.cpus = options->cpus;
    config.verify = options->verify;
    config.special_pool_blocks = options->special_pool_blocks;
    config.special_pool_off = options->special_pool_off;
    config.special_pool_underrun = options->special_pool_underrun;
    config.watchdog_seconds = options->watchdog;
    config.debug_line = debug_line;
    config.error_logged = error_logged;
    config.wmi_event = wmi_event;
    config.debug_context = session;
    *exit_code = ram_size(options, &config.ram_bytes);
    if (*exit_code == EXIT_OK && rgl_machine_create(&config, &session->machine) < 0)
        *exit_code = usage_error("%s", rgl_message());
    if (*exit_code == EXIT_OK) {
        *exit_code = prepare(session);
        if (*exit_code == EXIT_OK)
            return session;
        rgl_machine_destroy(session->machine);
    }
    free(session);
    return NULL;
}

rgl_machine *session_machine(struct session *session)
{
    return session->machine;
}

bool session_stopped(struct session *session)
{
    return rgl_bug_check(session->machine) != NULL;
}

static int do_advance(struct call *call)
{
    struct result result = {0};
    unsigned long long ms;
    bool sleep = strcmp(call->words->text[0], "sleep") == 0;
    int code = call_number(call, "a number of milliseconds", &ms);
    char what[64];

    if (code != EXIT_OK)
        return code;
    snprintf(what, sizeof(what), "%s %llu", call->words->text[0], ms);
    result.status = sleep && !call->session->options->simulated ? rgl_idle(call->session->machine, ms)
                                                                : rgl_advance(call->session->machine, ms);
    return call_done(call, what, &result);
}

static int do_echo(struct call *call)
{
    const char *text = call->line + strspn(call->line, " \t") + 4;

    print_info(&call->session->printer, "echo", text + strspn(text, " \t"));
    call->at = call->words->count;
    return EXIT_OK;
}

static int expectation_failed(struct call *call, const char *wanted, const char *got)
{
    char text[700];

    snprintf(text, sizeof(text), "%s: not met: wanted %s, got %s", call->line, wanted, got);
    print_note(&call->session->printer, "failed", text);
    call->error_status = true;
    return EXIT_OK;
}

static bool parse_status(const char *word, rgl_status *status)
{
    unsigned long long number;

    if (rgl_status_by_name(word, status))
        return true;
    if (!parse_number(word, &number) || number > 0xFFFFFFFFu)
        return false;
    *status = (rgl_status)(uint32_t)number;
    return true;
}

static int do_expect(struct call *call)
{
    struct session *session = call->session;
    unsigned long long information = 0;
    char wanted[64], got[128], buffer[16];
    rgl_status status;

    if (!call_more(call) || !parse_status(call->words->text[call->at], &status))
        return call_wrong(call, "wants a status, by name or number");
    snprintf(wanted, sizeof(wanted), "%s", call->words->text[call->at++]);
    bool check_information = call_more(call);
    if (check_information && call_number(call, "a number for Information", &information) != EXIT_OK)
        return EXIT_USAGE;
    if (!session->have_last)
        return expectation_failed(call, wanted, "no result yet");
    if (session->last.status != status)
        return expectation_failed(call, wanted, status_text(session->last.status, buffer, sizeof(buffer)));
    if (check_information && session->last.information != information) {
        snprintf(wanted, sizeof(wanted), "Information %llu", information);
        snprintf(got, sizeof(got), "%llu", (unsigned long long)session->last.information);
        return expectation_failed(call, wanted, got);
    }
    return EXIT_OK;
}

static int do_expect_data(struct call *call)
{
    struct session *session = call->session;
    const char *error = "wants data";
    struct data data;

    if (!call_more(call) ||
        !data_parse(&data, call->words->text[call->at], call->words->quoted[call->at], &error))
        return call_wrong(call, error);
    bool same =
        session->have_last && session->last.length == data.length &&
        memcmp(session->last.data != NULL ? session->last.data : data.bytes, data.bytes, data.length) == 0;
    free(data.bytes);
    call->at++;
    return same ? EXIT_OK
                : expectation_failed(call, "that data", session->last.length != 0 ? "other data" : "none");
}

static const struct {
    const char *word;
    int (*run)(struct call *call);
} commands[] = {
    {"load", do_load},
    {"unload", do_unload},
    {"drivers", do_drivers},
    {"devices", do_devices},
    {"irps", do_irps},
    {"pool", do_pool},
    {"open", do_open},
    {"close", do_close},
    {"read", do_read},
    {"write", do_write},
    {"flush", do_flush},
    {"ioctl", do_ioctl},
    {"internal-ioctl", do_internal_ioctl},
    {"cancel", do_cancel},
    {"wait", do_wait},
    {"advance", do_advance},
    {"sleep", do_advance},
    {"add-device", do_add_device},
    {"start", do_start},
    {"stop", do_stop},
    {"query-remove", do_query_remove},
    {"remove", do_remove},
    {"surprise-remove", do_surprise_remove},
    {"eject", do_eject},
    {"tree", do_tree},
    {"model-input", do_model_input},
    {"interrupt", do_interrupt},
    {"system", do_system},
    {"wmi", do_wmi},
    {"power", do_power},
    {"power-setting", do_power_setting},
    {"expect", do_expect},
    {"expect-data", do_expect_data},
    {"echo", do_echo},
};

static int unknown_command(const char *word)
{
    const char *near = nearest(word, command_words, command_word_count);

    if (near != NULL)
        return usage_error("there is no command '%s'; did you mean '%s'?", word, near);
    return usage_error("there is no command '%s'; see 'ringless help'", word);
}

int session_error_code(const struct session *session)
{
    return session->error_code;
}

bool session_is_expect(const char *line)
{
    line += strspn(line, " \t");
    return strncmp(line, "expect ", 7) == 0 || strncmp(line, "expect-data ", 12) == 0;
}

int session_command(struct session *session, const char *line, bool *error_status)
{
    struct words words;
    const char *error = NULL;
    struct call call = {.session = session, .words = &words, .at = 1, .line = line};
    int code;

    *error_status = false;
    session->error_code = EXIT_COMMAND;
    if (!words_split(&words, line, &error))
        return usage_error("%s: %s", line, error);
    if (words.count == 0)
        return EXIT_OK;
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words.text[0], commands[i].word) != 0)
            continue;
        code = commands[i].run(&call);
        if (code == EXIT_OK && call_more(&call))
            code = call_wrong(&call, "more words than it takes");
        *error_status = call.error_status;
        session_show_reports(session);
        return code;
    }
    return unknown_command(words.text[0]);
}
