/* SPDX-License-Identifier: MIT */
/* A build without hivex: hives are refused by name. */
#include "api/api.h"

rgl_status rgl_registry_hive(rgl_machine *machine, const char *path, const char *key)
{
    return api_fail(STATUS_NOT_SUPPORTED, "%s: this build reads no hives: hivex was not there", path);
}

rgl_status rgl_registry_hive_write(rgl_machine *machine, const char *path, const char *key)
{
    return api_fail(STATUS_NOT_SUPPORTED, "%s: this build writes no hives: hivex was not there", path);
}
