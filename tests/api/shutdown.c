/* SPDX-License-Identifier: MIT */
/*
 * LC-12: a shutdown sends IRP_MJ_SHUTDOWN to the devices that registered for it and calls no Unload. The same
 * driver is then loaded into another machine, which ends without a shutdown: there Unload is called.
 */
#include <stdio.h>
#include <string.h>
#include "ringless/ringless.h"

static char said[512];

static void note(void *context, const char *driver, const char *line)
{
    (void)context, (void)driver;
    snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s;", line);
}

static int wrong(const char *what)
{
    fprintf(stderr, "%s; the driver said: %s; message: %s\n", what, said, rgl_message());
    return 1;
}

static int start(const char *folder, rgl_machine **machine)
{
    struct rgl_config config;
    rgl_status entry;
    char path[4096];

    said[0] = '\0';
    rgl_config_init(&config);
    config.simulated = true;
    config.seed = 1;
    config.debug_line = note;
    snprintf(path, sizeof(path), "%s/life_shutdown.sys", folder);
    if (rgl_machine_create(&config, machine) < 0)
        return wrong("no machine");
    if (rgl_driver_load_file(*machine, path, NULL, &entry) < 0 || entry < 0)
        return wrong("not loaded");
    return 0;
}

static int shut_down(const char *folder)
{
    rgl_machine *machine;
    rgl_file *file;

    if (start(folder, &machine) != 0)
        return 1;
    if (rgl_open(machine, "\\Device\\LifeShutdown", 0, &file, NULL) < 0)
        return wrong("not opened");
    if (rgl_shutdown(machine) < 0)
        return wrong("no shutdown");
    if (rgl_shutdown(machine) >= 0 || rgl_idle(machine, 1) >= 0)
        return wrong("a machine that was shut down goes on");
    rgl_machine_destroy(machine);
    if (strcmp(said, "closed;shutdown;last chance;") != 0)
        return wrong("not what a driver hears of a shutdown");
    return 0;
}

static int end_without(const char *folder)
{
    rgl_machine *machine;

    if (start(folder, &machine) != 0)
        return 1;
    rgl_machine_destroy(machine);
    if (strcmp(said, "Unload;") != 0)
        return wrong("not what a driver hears when a machine ends");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2 || shut_down(argv[1]) != 0 || end_without(argv[1]) != 0)
        return 1;
    puts("rules: LC-12");
    return 0;
}
