/* SPDX-License-Identifier: MIT */
/*
 * The enabled device interfaces of a class, for an embedder: asked on the PnP
 * thread, so behind the arrivals and removals that are under way.
 */
#include <string.h>
#include "api/api.h"
#include "pnp/notify_private.h"

struct listing {
    GUID class;
    WCHAR *list; /* paged pool */
};

static NTSTATUS list_on_thread(void *arg)
{
    struct listing *listing = arg;
    return pnp_interface_list(&listing->class, NULL, false, list_on_thread, &listing->list);
}

static NTSTATUS list(void *arg)
{
    return pnp_run(list_on_thread, arg);
}

static NTSTATUS free_list(void *arg)
{
    mm_pool_free(arg, 0, free_list);
    return STATUS_SUCCESS;
}

static bool parse_guid(const char *text, GUID *guid)
{
    WCHAR wide[40];
    UNICODE_STRING string;
    if (strlen(text) != 38)
        return false;
    rtl_wide_from_utf8(wide, sizeof(wide) / sizeof(wide[0]), text, 38);
    rtl_init_string(&string, wide);
    return RtlGUIDFromString(&string, guid) >= 0;
}

static void visit_names(const WCHAR *names, void (*visit)(void *context, const char *name), void *context)
{
    for (; *names; names += rtl_wcslen(names) + 1) {
        char text[3 * PNP_INTERFACE_CHARS];
        rtl_utf8_from_wide(text, sizeof(text), names, rtl_wcslen(names));
        visit(context, text);
    }
}

rgl_status rgl_for_each_interface(rgl_machine *machine, const char *class_guid,
                                  void (*visit)(void *context, const char *name), void *context)
{
    struct listing listing = {.list = NULL};
    rgl_status status;

    if (!api_enter(&status))
        return status;
    if (!parse_guid(class_guid, &listing.class)) {
        status = api_fail(STATUS_INVALID_PARAMETER, "'%s' is no GUID in braces", class_guid);
    } else {
        status = api_ok(api_call(list, &listing, KernelMode));
        if (status >= 0)
            visit_names(listing.list, visit, context);
        if (listing.list != NULL)
            api_call(free_list, listing.list, KernelMode);
    }
    api_leave();
    return status;
}
