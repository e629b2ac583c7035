/* SPDX-License-Identifier: MIT */
/* Hives: what the files that read and write them share. Host side. */
#ifndef API_HIVE_H
#define API_HIVE_H

#include "api/api.h"

#define HIVE_PATH_CHARS 1024

bool api_hive_new(const char *path); /* an empty one; false: it cannot be written */
/* "HKLM\Software" as "\Registry\Machine\Software"; false: no root of that name, or too long. */
bool api_hive_key(const char *key, char *path, size_t size);

#endif
