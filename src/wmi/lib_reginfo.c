/* SPDX-License-Identifier: MIT */
/*
 * WMILIB.SYS: the answer to IRP_MN_REGINFO and IRP_MN_REGINFO_EX. The driver's
 * routine gives what all blocks have in common; WMIREGINFO, one WMIREGGUID for
 * each block and the strings behind them follow from that and the list.
 */
#include "wmi/lib.h"

struct common {
    ULONG flags;
    UNICODE_STRING base_name, mof;
    PUNICODE_STRING registry_path;
    PDEVICE_OBJECT pdo;
};

static NTSTATUS ask_driver(PWMILIB_CONTEXT context, PDEVICE_OBJECT device, struct common *c)
{
    PWMI_QUERY_REGINFO routine = context->QueryWmiRegInfo;
    uint64_t cookie = ke_callout_enter("DpWmiQueryReginfo", (const void *)routine);
    /* SR-57: what all blocks of the device have in common. */
    NTSTATUS status = routine(device, &c->flags, &c->base_name, &c->registry_path, &c->mof, &c->pdo);
    ke_callout_leave("DpWmiQueryReginfo", (const void *)routine, cookie);
    return status;
}

/* Writes a counted string, if there is room; *at moves on. Its offset. */
static ULONG put(UCHAR *base, ULONG room, ULONG *at, const UNICODE_STRING *string)
{
    ULONG here = *at;
    *at += (ULONG)sizeof(USHORT) + string->Length;
    if (*at <= room) {
        __builtin_memcpy(base + here, &string->Length, sizeof(USHORT));
        __builtin_memcpy(base + here + sizeof(USHORT), string->Buffer, string->Length);
    }
    return here;
}

static void fill_guid(WMIREGGUIDW *guid, const WMIGUIDREGINFO *from, const struct common *c, ULONG base_name,
                      bool counted)
{
    guid->Guid = *from->Guid;
    /* SR-57: the common flags, and its own. */
    guid->Flags = from->Flags | c->flags;
    guid->InstanceCount = from->InstanceCount;
    guid->InstanceInfo = 0;
    if (guid->Flags & WMIREG_FLAG_INSTANCE_PDO) {
        guid->Pdo = (ULONG_PTR)c->pdo;
        if (counted && c->pdo)
            /* SR-57: the system gives this reference back. */
            ob_reference(c->pdo);
    } else if (guid->Flags & WMIREG_FLAG_INSTANCE_BASENAME) {
        /* SR-57: names are made from this one. */
        guid->BaseNameOffset = base_name;
    }
}

/* The bytes that it takes; written only if they fit. */
static ULONG write_info(const WMILIB_CONTEXT *context, const struct common *c, UCHAR *buffer, ULONG room,
                        bool update, bool counted)
{
    WMIREGINFOW *info = (WMIREGINFOW *)buffer;
    ULONG at = (ULONG)(sizeof(*info) + context->GuidCount * sizeof(WMIREGGUIDW));
    ULONG base_name = put(buffer, room, &at, &c->base_name), mof = 0, path = 0;
    static const UNICODE_STRING nothing;
    if (!update) {
        /* SR-57: the registry path and the MOF resource with the first registration only. */
        mof = put(buffer, room, &at, &c->mof);
        path = put(buffer, room, &at, c->registry_path ? c->registry_path : &nothing);
    }
    if (at > room)
        return at;
    *info = (WMIREGINFOW){
        .BufferSize = at, .RegistryPath = path, .MofResourceName = mof, .GuidCount = context->GuidCount};
    for (ULONG i = 0; i < context->GuidCount; i++)
        fill_guid(&info->WmiRegGuid[i], &context->GuidList[i], c, base_name, counted);
    return at;
}

NTSTATUS wmi_lib_reginfo(PWMILIB_CONTEXT context, PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    ULONG room = location->Parameters.WMI.BufferSize, bytes = 0;
    struct common c = {0};
    NTSTATUS status = ask_driver(context, device, &c);
    if (NT_SUCCESS(status)) {
        bytes = write_info(context, &c, location->Parameters.WMI.Buffer, room,
                           (ULONG_PTR)location->Parameters.WMI.DataPath == WMIUPDATE,
                           location->MinorFunction == IRP_MN_REGINFO_EX);
        if (bytes > room && room >= sizeof(ULONG)) {
            /* SR-57: how much it takes, at the buffer's beginning. */
            *(PULONG)location->Parameters.WMI.Buffer = bytes;
            bytes = sizeof(ULONG);
            status = STATUS_BUFFER_TOO_SMALL;
        }
    }
    if (c.base_name.Buffer)
        /* SR-57: the base name's memory is the library's. */
        mm_pool_free(c.base_name.Buffer, 0, NULL);
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = bytes;
    return status;
}
