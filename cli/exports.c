/* SPDX-License-Identifier: MIT */
/* `ringless exports [--module M] [--json]`: every function and variable that drivers may import. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli.h"

struct listing {
    const char *module;
    struct rgl_export_info *rows;
    unsigned count, room;
};

static bool same_module(const char *wanted, const char *module)
{
    size_t length = strcspn(wanted, ".");

    return strlen(module) == length && strncasecmp(wanted, module, length) == 0;
}

static void collect(void *context, const struct rgl_export_info *info)
{
    struct listing *listing = context;

    if (listing->module != NULL && !same_module(listing->module, info->module))
        return;
    if (listing->count == listing->room) {
        listing->room = listing->room * 2 + 256;
        listing->rows = realloc(listing->rows, listing->room * sizeof(*listing->rows));
    }
    listing->rows[listing->count++] = *info;
}

static int by_name(const void *left, const void *right)
{
    const struct rgl_export_info *a = left, *b = right;
    int order = strcmp(a->module, b->module);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static const char *irql_name(unsigned irql)
{
    static const char *const names[] = {"PASSIVE", "APC", "DISPATCH"};

    return irql <= 2    ? names[irql]
           : irql == 15 ? "HIGH"
           : irql == 14 ? "IPI"
           : irql == 13 ? "CLOCK"
                        : "DIRQL";
}

static void show(const struct rgl_export_info *row, bool json)
{
    if (json)
        printf("{\"module\":\"%s\",\"name\":\"%s\",\"min_irql\":%u,\"max_irql\":%u,\"data\":%s}\n",
               row->module, row->name, row->min_irql, row->max_irql, row->data ? "true" : "false");
    else if (row->data)
        printf("%-10s %-44s data\n", row->module, row->name);
    else if (row->min_irql == row->max_irql)
        printf("%-10s %-44s %s\n", row->module, row->name, irql_name(row->min_irql));
    else
        printf("%-10s %-44s %s..%s\n", row->module, row->name, irql_name(row->min_irql),
               irql_name(row->max_irql));
}

int command_exports(int argc, char **argv)
{
    struct listing listing = {0};
    bool json = false;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--module") == 0 && i + 1 < argc)
            listing.module = argv[++i];
        else if (strncmp(argv[i], "--module=", 9) == 0)
            listing.module = argv[i] + 9;
        else if (strcmp(argv[i], "--module") == 0)
            return usage_error("--module wants a value");
        else
            return usage_error("exports knows --module M and --json, not '%s'", argv[i]);
    }
    rgl_for_each_export(collect, &listing);
    if (listing.count == 0)
        return usage_error("no export of module '%s'", listing.module);
    qsort(listing.rows, listing.count, sizeof(*listing.rows), by_name);
    for (unsigned i = 0; i < listing.count; i++)
        show(&listing.rows[i], json);
    free(listing.rows);
    return EXIT_OK;
}
