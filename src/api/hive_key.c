/* SPDX-License-Identifier: MIT */
/* Names of the registry's roots as users write them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "api/hive.h"

bool api_hive_key(const char *key, char *path, size_t size)
{
    static const struct {
        const char *root, *path;
    } roots[] = {{"HKLM\\", "\\Registry\\Machine\\"},
                 {"HKEY_LOCAL_MACHINE\\", "\\Registry\\Machine\\"},
                 {"HKU\\", "\\Registry\\User\\"},
                 {"HKEY_USERS\\", "\\Registry\\User\\"},
                 {"\\Registry\\", "\\Registry\\"}};

    for (unsigned i = 0; i < countof(roots); i++) {
        size_t length = strlen(roots[i].root);
        if (strncasecmp(key, roots[i].root, length) == 0 && key[length] != '\0')
            return (size_t)snprintf(path, size, "%s%s", roots[i].path, key + length) < size;
    }
    return false;
}
