/* SPDX-License-Identifier: MIT */
/*
 * WMILIB.SYS: WmiSystemControl takes a WMI request apart, checks what it names
 * against the driver's list of blocks, and calls the driver's routine for it.
 * It knows static instance names only, from a base name or the PDO. No state.
 */
#include "wmi/lib.h"

/* A request on its way to one of the driver's routines. */
struct target {
    PWMILIB_CONTEXT context;
    PDEVICE_OBJECT device;
    PIRP irp;
    UCHAR minor;
    ULONG guid; /* index */
    PUCHAR buffer;
    ULONG bytes;
};

static NTSTATUS not_completed(PIRP irp, NTSTATUS status, PSYSCTL_IRP_DISPOSITION disposition)
{
    /* SR-57: an error, for the driver to complete. */
    *disposition = IrpNotCompleted;
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    return status;
}

/* ---- the driver's routines ---- */

static NTSTATUS query(const struct target *t, ULONG first, ULONG count, ULONG *lengths, ULONG offset)
{
    PWMI_QUERY_DATABLOCK routine = t->context->QueryWmiDataBlock;
    bool fits = t->bytes > offset;
    uint64_t cookie = ke_callout_enter("DpWmiQueryDataBlock", (const void *)routine);
    /* SR-57: no room at all is told by NULLs. */
    NTSTATUS status = routine(t->device, t->irp, t->guid, first, count, fits ? lengths : NULL,
                              fits ? t->bytes - offset : 0, fits ? t->buffer + offset : NULL);
    ke_callout_leave("DpWmiQueryDataBlock", (const void *)routine, cookie);
    return status;
}

static NTSTATUS query_all(const struct target *t)
{
    WNODE_ALL_DATA *all = (WNODE_ALL_DATA *)t->buffer;
    ULONG count = t->context->GuidList[t->guid].InstanceCount, offset = wmi_all_data_offset(count);
    if (t->bytes >= sizeof(WNODE_TOO_SMALL)) {
        all->DataBlockOffset = offset;
        all->InstanceCount = count;
    }
    if (t->bytes > offset) {
        __builtin_memset(all->OffsetInstanceDataAndLength, 0, count * sizeof(OFFSETINSTANCEDATAANDLENGTH));
        all->OffsetInstanceNameOffsets = 0;
    }
    return query(t, 0, count, t->bytes > offset ? wmi_lengths_of(all) : NULL, offset);
}

static NTSTATUS query_one(const struct target *t)
{
    WNODE_SINGLE_INSTANCE *one = (WNODE_SINGLE_INSTANCE *)t->buffer;
    one->SizeDataBlock = 0;
    /* SR-57: one instance, and its length where the WNODE keeps it. */
    return query(t, one->InstanceIndex, 1, &one->SizeDataBlock, one->DataBlockOffset);
}

static NTSTATUS set_instance(const struct target *t)
{
    const WNODE_SINGLE_INSTANCE *one = (const WNODE_SINGLE_INSTANCE *)t->buffer;
    PWMI_SET_DATABLOCK routine = t->context->SetWmiDataBlock;
    if (!routine)
        /* SR-57: without the routine the block is read-only. */
        return WmiCompleteRequest(t->device, t->irp, STATUS_WMI_READ_ONLY, 0, IO_NO_INCREMENT);
    uint64_t cookie = ke_callout_enter("DpWmiSetDataBlock", (const void *)routine);
    /* SR-57: the new values. */
    NTSTATUS status = routine(t->device, t->irp, t->guid, one->InstanceIndex, one->SizeDataBlock,
                              t->buffer + one->DataBlockOffset);
    ke_callout_leave("DpWmiSetDataBlock", (const void *)routine, cookie);
    return status;
}

static NTSTATUS set_item(const struct target *t)
{
    const WNODE_SINGLE_ITEM *item = (const WNODE_SINGLE_ITEM *)t->buffer;
    PWMI_SET_DATAITEM routine = t->context->SetWmiDataItem;
    if (!routine)
        /* SR-57: without the routine its items are. */
        return WmiCompleteRequest(t->device, t->irp, STATUS_WMI_READ_ONLY, 0, IO_NO_INCREMENT);
    uint64_t cookie = ke_callout_enter("DpWmiSetDataItem", (const void *)routine);
    /* SR-57: the item's new value. */
    NTSTATUS status = routine(t->device, t->irp, t->guid, item->InstanceIndex, item->ItemId,
                              item->SizeDataItem, t->buffer + item->DataBlockOffset);
    ke_callout_leave("DpWmiSetDataItem", (const void *)routine, cookie);
    return status;
}

static NTSTATUS execute(const struct target *t)
{
    const WNODE_METHOD_ITEM *item = (const WNODE_METHOD_ITEM *)t->buffer;
    PWMI_EXECUTE_METHOD routine = t->context->ExecuteWmiMethod;
    if (!routine)
        /* SR-57: without the routine there are no methods. */
        return WmiCompleteRequest(t->device, t->irp, STATUS_INVALID_DEVICE_REQUEST, 0, IO_NO_INCREMENT);
    uint64_t cookie = ke_callout_enter("DpWmiExecuteMethod", (const void *)routine);
    /* SR-57: the output takes the input's place. */
    NTSTATUS status =
        routine(t->device, t->irp, t->guid, item->InstanceIndex, item->MethodId, item->SizeDataBlock,
                t->bytes - item->DataBlockOffset, t->buffer + item->DataBlockOffset);
    ke_callout_leave("DpWmiExecuteMethod", (const void *)routine, cookie);
    return status;
}

static NTSTATUS function_control(const struct target *t)
{
    PWMI_FUNCTION_CONTROL routine = t->context->WmiFunctionControl;
    bool events = t->minor <= IRP_MN_DISABLE_EVENTS;
    bool enable = t->minor == IRP_MN_ENABLE_EVENTS || t->minor == IRP_MN_ENABLE_COLLECTION;
    if (!routine)
        /* SR-57: without the routine there is nothing to do. */
        return WmiCompleteRequest(t->device, t->irp, STATUS_SUCCESS, 0, IO_NO_INCREMENT);
    uint64_t cookie = ke_callout_enter("DpWmiFunctionControl", (const void *)routine);
    /* SR-57: events, or the collection of a block that is expensive. */
    NTSTATUS status =
        routine(t->device, t->irp, t->guid, events ? WmiEventControl : WmiDataBlockControl, (BOOLEAN)enable);
    ke_callout_leave("DpWmiFunctionControl", (const void *)routine, cookie);
    return status;
}

/* ---- checks ---- */

static bool find_guid(const WMILIB_CONTEXT *context, const GUID *guid, ULONG *index)
{
    for (*index = 0; *index < context->GuidCount; ++*index)
        if (guid && wmi_same_guid(context->GuidList[*index].Guid, guid))
            return true;
    return false;
}

static bool is_single(UCHAR minor)
{
    return (minor >= IRP_MN_QUERY_SINGLE_INSTANCE && minor <= IRP_MN_CHANGE_SINGLE_ITEM) ||
           minor == IRP_MN_EXECUTE_METHOD;
}

/* The data's place and input length of one of the single WNODEs. */
static bool data_is_inside(const struct target *t)
{
    bool numbered = t->minor == IRP_MN_CHANGE_SINGLE_ITEM || t->minor == IRP_MN_EXECUTE_METHOD;
    ULONG fixed = numbered ? offsetof(WNODE_METHOD_ITEM, VariableData) : (ULONG)sizeof(WNODE_SINGLE_INSTANCE);
    if (t->bytes < fixed)
        return false;
    const ULONG *place = &((const WNODE_SINGLE_INSTANCE *)t->buffer)->DataBlockOffset + numbered;
    return place[0] <= t->bytes &&
           (t->minor == IRP_MN_QUERY_SINGLE_INSTANCE || place[1] <= t->bytes - place[0]);
}

static NTSTATUS check_single(const struct target *t)
{
    const WNODE_SINGLE_INSTANCE *one = (const WNODE_SINGLE_INSTANCE *)t->buffer;
    if (!data_is_inside(t))
        return STATUS_INVALID_PARAMETER;
    /* SR-57: only static names, and of those only what was registered. */
    if (!(one->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES) ||
        one->InstanceIndex >= t->context->GuidList[t->guid].InstanceCount)
        return STATUS_WMI_INSTANCE_NOT_FOUND;
    return STATUS_SUCCESS;
}

static NTSTATUS call_driver(const struct target *t)
{
    switch (t->minor) {
    case IRP_MN_QUERY_ALL_DATA:
        return query_all(t);
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        return query_one(t);
    case IRP_MN_CHANGE_SINGLE_INSTANCE:
        return set_instance(t);
    case IRP_MN_CHANGE_SINGLE_ITEM:
        return set_item(t);
    case IRP_MN_EXECUTE_METHOD:
        return execute(t);
    default:
        return function_control(t);
    }
}

static bool is_known(UCHAR minor)
{
    return minor <= IRP_MN_EXECUTE_METHOD || minor == IRP_MN_REGINFO_EX;
}

static bool is_reginfo(UCHAR minor)
{
    return minor == IRP_MN_REGINFO || minor == IRP_MN_REGINFO_EX;
}

/*
 * A driver's way to answer IRP_MJ_SYSTEM_CONTROL. *IrpDisposition says what is left to do: IrpProcessed
 * nothing (a DpWmiXxx routine completes it), IrpNotCompleted to complete it, IrpNotWmi and IrpForward to pass
 * it on. IRQL: PASSIVE_LEVEL. Rules: SR-57, MJ-17.
 */
EXPORT(wmilib, WmiSystemControl, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI WmiSystemControl(PWMILIB_CONTEXT WmiLibInfo, PDEVICE_OBJECT DeviceObject, PIRP Irp,
                                PSYSCTL_IRP_DISPOSITION IrpDisposition)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    struct target t = {.context = WmiLibInfo,
                       .device = DeviceObject,
                       .irp = Irp,
                       .minor = location->MinorFunction,
                       .buffer = location->Parameters.WMI.Buffer,
                       .bytes = location->Parameters.WMI.BufferSize};
    /* SR-57: the minor code is none of WMI's. */
    *IrpDisposition = IrpNotWmi;
    if (!is_known(t.minor))
        return STATUS_SUCCESS;
    /* SR-57, MJ-17: it is another device object's. */
    *IrpDisposition = IrpForward;
    if (location->Parameters.WMI.ProviderId != (ULONG_PTR)DeviceObject)
        return STATUS_SUCCESS;
    if (is_reginfo(t.minor)) {
        NTSTATUS status = wmi_lib_reginfo(WmiLibInfo, DeviceObject, Irp);
        /* SR-57: registration is answered here, and completed by the driver. */
        *IrpDisposition = IrpNotCompleted;
        return status;
    }
    /* SR-57: no block of this driver's. */
    if (!find_guid(WmiLibInfo, location->Parameters.WMI.DataPath, &t.guid))
        return not_completed(Irp, STATUS_WMI_GUID_NOT_FOUND, IrpDisposition);
    NTSTATUS status = is_single(t.minor) ? check_single(&t) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return not_completed(Irp, status, IrpDisposition);
    /* SR-57: the driver's routine completes it, now or later. */
    *IrpDisposition = IrpProcessed;
    return call_driver(&t);
}
