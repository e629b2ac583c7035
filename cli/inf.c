/* SPDX-License-Identifier: MIT */
/* `ringless inf FILE.inf [HARDWARE-ID] [--json]`: what an INF would install, without a machine. */
#include <stdlib.h>
#include <string.h>
#include "cli.h"

int command_inf(int argc, char **argv)
{
    enum rgl_inspect_format format = RGL_INSPECT_TEXT;
    const char *words[2] = {NULL, NULL};
    unsigned count = 0;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            format = RGL_INSPECT_JSON;
        else if (argv[i][0] == '-')
            return usage_error("there is no option '%s'; did you mean '--json'?", argv[i]);
        else if (count == 2)
            return usage_error("inf takes one file and one hardware id");
        else
            words[count++] = argv[i];
    }
    if (count == 0)
        return usage_error("inf wants a file; see 'ringless help inf'");
    char *text = rgl_inf_describe(words[0], words[1], format);
    if (text == NULL)
        return usage_error("%s", rgl_message());
    fputs(text, stdout);
    free(text);
    return EXIT_OK;
}
