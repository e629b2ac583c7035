/* SPDX-License-Identifier: MIT */
/* `ringless inspect DRIVER.sys [--json]`: what a driver is and needs, before anything of it runs. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

static int inspect_file(const char *path, enum rgl_inspect_format format)
{
    const char *slash = strrchr(path, '/');
    const char *error = NULL;
    struct data data;
    char word[4096];
    char *text;
    int code = EXIT_OK;

    snprintf(word, sizeof(word), "@%s", path);
    if (!data_parse(&data, word, false, &error))
        return usage_error("%s", error);
    text = rgl_inspect(slash != NULL ? slash + 1 : path, data.bytes, data.length, format);
    if (text != NULL) {
        fputs(text, stdout);
        if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
            putchar('\n');
    } else {
        code = usage_error("%s: %s", path, rgl_message());
    }
    free(text);
    free(data.bytes);
    return code;
}

int command_inspect(int argc, char **argv)
{
    enum rgl_inspect_format format = RGL_INSPECT_TEXT;
    const char *path = NULL;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            format = RGL_INSPECT_JSON;
        else if (argv[i][0] == '-')
            return usage_error("there is no option '%s'; did you mean '--json'?", argv[i]);
        else if (path != NULL)
            return usage_error("inspect takes one file");
        else
            path = argv[i];
    }
    if (path == NULL)
        return usage_error("inspect wants a file; see 'ringless help inspect'");
    return inspect_file(path, format);
}
