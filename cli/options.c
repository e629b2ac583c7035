/* SPDX-License-Identifier: MIT */
/* The options of `ringless run` and `ringless shell`. An unknown one is named, with the nearest that exists.
 */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

enum option_id {
    OPT_SEED,
    OPT_SEEDS,
    OPT_JOBS,
    OPT_CPUS,
    OPT_VERIFY,
    OPT_SPECIAL_POOL,
    OPT_TRACE,
    OPT_MODEL,
    OPT_REGISTRY,
    OPT_REGISTRY_WRITE,
    OPT_INF,
    OPT_DEVICE,
    OPT_WATCHDOG,
    OPT_COMMAND,
    OPT_FILE,
    OPT_KEEP_GOING,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE
};

static const struct {
    const char *name;
    enum option_id id;
    bool argument;
} option_table[] = {
    {"--seed", OPT_SEED, true},
    {"--seeds", OPT_SEEDS, true},
    {"--jobs", OPT_JOBS, true},
    {"--cpus", OPT_CPUS, true},
    {"--verify", OPT_VERIFY, true},
    {"--special-pool", OPT_SPECIAL_POOL, true},
    {"--trace", OPT_TRACE, true},
    {"--model", OPT_MODEL, true},
    {"--registry", OPT_REGISTRY, true},
    {"--registry-write", OPT_REGISTRY_WRITE, true},
    {"--inf", OPT_INF, true},
    {"--device", OPT_DEVICE, true},
    {"--watchdog", OPT_WATCHDOG, true},
    {"-c", OPT_COMMAND, true},
    {"-f", OPT_FILE, true},
    {"--keep-going", OPT_KEEP_GOING, false},
    {"--json", OPT_JSON, false},
    {"--quiet", OPT_QUIET, false},
    {"--verbose", OPT_VERBOSE, false},
};
#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

static int number_option(const char *name, const char *text, unsigned long long lowest,
                         unsigned long long highest, unsigned *value)
{
    unsigned long long number;

    if (!parse_number(text, &number) || number < lowest || number > highest)
        return usage_error("%s wants a number from %llu to %llu, not '%s'", name, lowest, highest, text);
    *value = (unsigned)number;
    return EXIT_OK;
}

static int seeds_option(struct options *options, const char *text)
{
    char first[32];
    const char *dots = strstr(text, "..");

    if (dots == NULL || (size_t)(dots - text) >= sizeof(first))
        return usage_error("--seeds wants A..B, not '%s'", text);
    memcpy(first, text, (size_t)(dots - text));
    first[dots - text] = '\0';
    if (!parse_number(first, &options->seed) || !parse_number(dots + 2, &options->last_seed) ||
        options->last_seed < options->seed)
        return usage_error("--seeds wants A..B, not '%s'", text);
    options->seeds = options->simulated = true;
    return EXIT_OK;
}

static int verify_option(struct options *options, const char *text)
{
    static const char *const names[] = {"none", "standard", "all"};

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            options->verify = (enum rgl_verify)i;
            return EXIT_OK;
        }
    }
    const char *near = nearest(text, names, 3);
    return usage_error("--verify knows standard, all and none, not '%s'%s%s", text,
                       near ? "; did you mean " : "", near ? near : "");
}

/* A number of blocks, with or without which side of them is looked at. */
static int special_pool_option(struct options *options, const char *text)
{
    char number[16];
    const char *comma = strchr(text, ',');
    size_t length = comma != NULL ? (size_t)(comma - text) : strlen(text);
    bool known = comma == NULL || strcmp(comma, ",overrun") == 0 || strcmp(comma, ",underrun") == 0;

    if (!known || length >= sizeof(number))
        return usage_error("--special-pool wants BLOCKS[,overrun|,underrun], not '%s'", text);
    memcpy(number, text, length);
    number[length] = '\0';
    options->special_pool_underrun = comma != NULL && comma[1] == 'u';
    int code = number_option("--special-pool", number, 0, 30000, &options->special_pool_blocks);
    options->special_pool_off = code == EXIT_OK && options->special_pool_blocks == 0;
    return code;
}

static int one_more(const char *name, const char *argument, const char **list, unsigned *count, size_t room)
{
    if (*count == room)
        return usage_error("%s: more than %u", name, *count);
    list[(*count)++] = argument;
    return EXIT_OK;
}

static int apply(struct options *options, enum option_id id, const char *name, const char *argument)
{
    switch (id) {
    case OPT_SEED:
        options->simulated = true;
        if (!parse_number(argument, &options->seed))
            return usage_error("--seed wants a number, not '%s'", argument);
        return EXIT_OK;
    case OPT_SEEDS:
        return seeds_option(options, argument);
    case OPT_JOBS:
        return number_option(name, argument, 1, 256, &options->jobs);
    case OPT_CPUS:
        return number_option(name, argument, 1, 64, &options->cpus);
    case OPT_WATCHDOG:
        return number_option(name, argument, 1, 86400, &options->watchdog);
    case OPT_VERIFY:
        return verify_option(options, argument);
    case OPT_SPECIAL_POOL:
        return special_pool_option(options, argument);
    case OPT_TRACE:
        options->trace = argument;
        return EXIT_OK;
    case OPT_MODEL:
        if (options->model_count == sizeof(options->models) / sizeof(options->models[0]))
            return usage_error("more than %u models", options->model_count);
        options->models[options->model_count++] = argument;
        return EXIT_OK;
    case OPT_REGISTRY:
        if (options->registry_count == sizeof(options->registries) / sizeof(options->registries[0]))
            return usage_error("more than %u registry files", options->registry_count);
        options->registries[options->registry_count++] = argument;
        return EXIT_OK;
    case OPT_REGISTRY_WRITE:
        return one_more(name, argument, options->registry_writes, &options->registry_write_count,
                        sizeof(options->registry_writes) / sizeof(options->registry_writes[0]));
    case OPT_INF:
        return one_more(name, argument, options->infs, &options->inf_count,
                        sizeof(options->infs) / sizeof(options->infs[0]));
    case OPT_DEVICE:
        if (options->device_count == sizeof(options->devices) / sizeof(options->devices[0]))
            return usage_error("more than %u devices", options->device_count);
        options->devices[options->device_count++] = argument;
        return EXIT_OK;
    case OPT_COMMAND:
        script_add(options->script, argument);
        return EXIT_OK;
    case OPT_FILE:
        if (!script_add_file(options->script, argument))
            return usage_error("cannot read the commands of %s", argument);
        return EXIT_OK;
    case OPT_KEEP_GOING:
        options->keep_going = true;
        return EXIT_OK;
    case OPT_JSON:
        options->json = true;
        return EXIT_OK;
    case OPT_QUIET:
        options->quiet = true;
        return EXIT_OK;
    case OPT_VERBOSE:
        options->verbose = true;
        return EXIT_OK;
    }
    return EXIT_OK;
}

static int unknown_option(const char *word)
{
    const char *names[OPTION_COUNT];
    const char *near;

    for (unsigned i = 0; i < OPTION_COUNT; i++)
        names[i] = option_table[i].name;
    near = nearest(word, names, OPTION_COUNT);
    if (near != NULL)
        return usage_error("there is no option '%s'; did you mean '%s'?", word, near);
    return usage_error("there is no option '%s'; see 'ringless help run'", word);
}

/* One option at argv[*at]; --name=value is the same as --name value. */
static int parse_one(struct options *options, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);

    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const char *argument = NULL;
        if (strlen(option_table[i].name) != length || strncmp(option_table[i].name, word, length) != 0)
            continue;
        if (!option_table[i].argument && equals != NULL)
            return usage_error("%s takes no value", option_table[i].name);
        if (option_table[i].argument) {
            argument = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
            if (argument == NULL)
                return usage_error("%s wants a value", word);
        }
        return apply(options, option_table[i].id, option_table[i].name, argument);
    }
    return unknown_option(word);
}

int options_parse(struct options *options, int argc, char **argv, bool shell)
{
    bool operands_only = false;

    *options = (struct options){.verify = RGL_VERIFY_STANDARD, .jobs = 1, .argc = argc, .argv = argv};
    options->script = script_create();
    options->drivers = calloc((size_t)argc + 1, sizeof(char *));
    for (int at = 0; at < argc; at++) {
        if (!operands_only && strcmp(argv[at], "--") == 0) {
            operands_only = true;
        } else if (operands_only || argv[at][0] != '-') {
            options->drivers[options->driver_count++] = argv[at];
        } else {
            int code = parse_one(options, argc, argv, &at);
            if (code != EXIT_OK)
                return code;
        }
    }
    if (shell && options->seeds)
        return usage_error("--seeds is for 'ringless run'");
    if (!shell && options->driver_count == 0 && options->device_count == 0 && options->inf_count == 0 &&
        script_line(options->script, 0) == NULL)
        return usage_error("run wants a driver; see 'ringless help run'");
    return EXIT_OK;
}

void options_free(struct options *options)
{
    script_destroy(options->script);
    free(options->drivers);
}
