/* SPDX-License-Identifier: MIT */
/*
 * Start and end of the object manager: the first types, the root and the
 * directories that NT has, the names that lead to other names.
 */
#include "ob/callbacks.h"
#include "ob/handles.h"
#include "ob/security.h"
#include "ob/services.h"
#include "rtl/rtl.h"

NTSTATUS ob_make_directory(const WCHAR *path)
{
    UNICODE_STRING name;
    rtl_init_string(&name, path);
    void *directory = ob_directory_create();
    if (!directory)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = ob_insert(directory, &name, NULL, OBJ_PERMANENT | OBJ_CASE_INSENSITIVE);
    ob_dereference(directory);
    return status;
}

static NTSTATUS make_types(void)
{
    NTSTATUS status = ob_type_init();
    if (NT_SUCCESS(status))
        status = ob_directory_init();
    if (NT_SUCCESS(status))
        status = ob_make_directory(u"\\ObjectTypes");
    if (NT_SUCCESS(status))
        status = ob_type_name_it(ob_type_type);
    if (NT_SUCCESS(status))
        status = ob_type_name_it(ob_directory_type);
    if (NT_SUCCESS(status))
        status = ob_symbolic_link_init();
    return NT_SUCCESS(status) ? ob_event_init() : status;
}

static NTSTATUS make_namespace(void)
{
    static const WCHAR *const directories[] = {
        u"\\Device",           u"\\Driver",   u"\\FileSystem",    u"\\GLOBAL??", u"\\Callback",
        u"\\BaseNamedObjects", u"\\Security", u"\\KernelObjects", u"\\NLS",      u"\\RPC Control",
        u"\\Windows",          u"\\Sessions", u"\\ArcName",
    };
    static const WCHAR *const links[][2] = {
        {u"\\??", u"\\GLOBAL??"},
        {u"\\DosDevices", u"\\??"},
        {u"\\GLOBAL??\\GLOBALROOT", u""},
        {u"\\GLOBAL??\\Global", u"\\GLOBAL??"},
        {u"\\BaseNamedObjects\\Global", u"\\BaseNamedObjects"},
    };
    NTSTATUS status = STATUS_SUCCESS;
    for (unsigned i = 0; i < countof(directories) && NT_SUCCESS(status); i++)
        status = ob_make_directory(directories[i]);
    for (unsigned i = 0; i < countof(links) && NT_SUCCESS(status); i++)
        status = ob_make_link(links[i][0], links[i][1]);
    return status;
}

NTSTATUS ob_init(void)
{
    NTSTATUS status = make_types();
    if (NT_SUCCESS(status))
        status = ob_handles_init();
    return NT_SUCCESS(status) ? make_namespace() : status;
}

/* The machine is ending: all pool goes with it, so nothing is freed one by one. */
void ob_fini(void)
{
    ob_objects_fini();
    ob_callbacks_fini();
    ob_handles_fini();
    ob_root = NULL;
    ob_type_type = ob_directory_type = ob_symbolic_link_type = ob_event_type = NULL;
    ob_defer = NULL;
    ob_access_check = NULL;
    ob_security_ops = (struct ob_security_ops){0};
}
