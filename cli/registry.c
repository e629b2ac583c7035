/* SPDX-License-Identifier: MIT */
/* --registry and --registry-write: .reg files and hives, [KEY=]FILE. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "session.h"

/* "HKLM\Software=FILE": the key goes to key; returns the file. key[0] == 0: none is named. */
static const char *split_key(const char *word, char *key, size_t size)
{
    const char *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : 0;
    bool named = length != 0 && length < size &&
                 (strncasecmp(word, "HK", 2) == 0 || strncasecmp(word, "\\Registry", 9) == 0);

    key[0] = '\0';
    if (!named)
        return word;
    memcpy(key, word, length);
    key[length] = '\0';
    return equals + 1;
}

static bool is_hive(const struct data *data)
{
    return data->length >= 4 && memcmp(data->bytes, "regf", 4) == 0;
}

int session_load_registry(struct session *session, const char *word)
{
    struct data data;
    const char *error;
    char key[1024], at[4096];
    const char *path = split_key(word, key, sizeof(key));
    int code = EXIT_OK;

    snprintf(at, sizeof(at), "@%s", path);
    if (!data_parse(&data, at, false, &error))
        return usage_error("%s", error);
    if (is_hive(&data)) {
        if (rgl_registry_hive(session->machine, path, key[0] != '\0' ? key : NULL) < 0)
            code = usage_error("%s", rgl_message());
    } else if (key[0] != '\0') {
        code = usage_error("%s is no hive: a .reg file names its keys itself", path);
    } else if (rgl_registry_load(session->machine, data.bytes, data.length) < 0) {
        code = usage_error("%s: %s", path, rgl_message());
    }
    free(data.bytes);
    return code;
}

/* At the end of a run that did not stop: what a bug check left is no registry to keep. */
int session_write_registry(struct session *session)
{
    const struct options *options = session->options;
    int code = EXIT_OK;
    char key[1024];

    for (unsigned i = 0; i < options->registry_write_count && !session_stopped(session); i++) {
        const char *path = split_key(options->registry_writes[i], key, sizeof(key));
        if (rgl_registry_hive_write(session->machine, path, key[0] != '\0' ? key : NULL) < 0 &&
            !session_stopped(session))
            code = usage_error("%s", rgl_message());
    }
    return code;
}
