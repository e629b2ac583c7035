/* SPDX-License-Identifier: MIT */
/* The list of command lines that -c and -f give, in the order given. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

struct script {
    char **lines;
    unsigned count, room;
};

struct script *script_create(void)
{
    return calloc(1, sizeof(struct script));
}

void script_add(struct script *script, const char *line)
{
    if (script->count == script->room) {
        script->room = script->room * 2 + 16;
        script->lines = realloc(script->lines, script->room * sizeof(char *));
    }
    script->lines[script->count++] = strdup(line);
}

bool script_add_file(struct script *script, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (file == NULL)
        return false;
    while ((length = getline(&line, &room, file)) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        script_add(script, line);
    }
    bool ok = !ferror(file);
    free(line);
    if (file != stdin)
        fclose(file);
    return ok;
}

const char *script_line(const struct script *script, unsigned index)
{
    return index < script->count ? script->lines[index] : NULL;
}

void script_destroy(struct script *script)
{
    if (script == NULL)
        return;
    for (unsigned i = 0; i < script->count; i++)
        free(script->lines[i]);
    free(script->lines);
    free(script);
}
