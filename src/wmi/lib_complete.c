/* SPDX-License-Identifier: MIT */
/*
 * WMILIB.SYS: what DpWmiXxx routines call in the end, and events. The WNODE in
 * the IRP's buffer was prepared by WmiSystemControl; here it becomes an answer.
 */
#include "wmi/lib.h"

#define EVENT_TAG 0x45696D57u /* 'WmiE' */

/* The lengths that the driver wrote become offsets and lengths; in place, as an entry never reaches a length
 * that is still to be read. */
static void finish_all(WNODE_ALL_DATA *all, ULONG used)
{
    const ULONG *lengths = wmi_lengths_of(all);
    ULONG offset = all->DataBlockOffset;
    for (ULONG i = 0; i < all->InstanceCount; i++) {
        ULONG length = lengths[i];
        all->OffsetInstanceDataAndLength[i] = (OFFSETINSTANCEDATAANDLENGTH){offset, length};
        offset = (ULONG)ALIGN_UP(offset + length, 8);
    }
    all->WnodeHeader.BufferSize = all->DataBlockOffset + used;
}

/* Where the data of an answer begins. False: the request has no answer. */
static bool data_offset(const IO_STACK_LOCATION *location, ULONG *offset)
{
    const UCHAR *buffer = location->Parameters.WMI.Buffer;
    switch (location->MinorFunction) {
    case IRP_MN_QUERY_ALL_DATA:
        *offset = location->Parameters.WMI.BufferSize >= sizeof(WNODE_TOO_SMALL)
                      ? ((const WNODE_ALL_DATA *)buffer)->DataBlockOffset
                      : 0;
        return true;
    case IRP_MN_QUERY_SINGLE_INSTANCE:
        *offset = ((const WNODE_SINGLE_INSTANCE *)buffer)->DataBlockOffset;
        return true;
    case IRP_MN_EXECUTE_METHOD:
        *offset = ((const WNODE_METHOD_ITEM *)buffer)->DataBlockOffset;
        return true;
    default:
        return false;
    }
}

static ULONG finish_wnode(const IO_STACK_LOCATION *location, ULONG offset, ULONG used)
{
    WNODE_HEADER *header = location->Parameters.WMI.Buffer;
    KeQuerySystemTime(&header->TimeStamp);
    if (location->MinorFunction == IRP_MN_QUERY_ALL_DATA)
        /* SR-57: from the instances' lengths. */
        finish_all((WNODE_ALL_DATA *)header, used);
    else if (location->MinorFunction == IRP_MN_QUERY_SINGLE_INSTANCE)
        /* SR-57: the instance's size, without its name. */
        ((WNODE_SINGLE_INSTANCE *)header)->SizeDataBlock = used;
    else
        /* SR-57: the output's size. */
        ((WNODE_METHOD_ITEM *)header)->SizeDataBlock = used;
    header->BufferSize = offset + used;
    return offset + used;
}

/* Information, and perhaps another status. */
static NTSTATUS too_small(const IO_STACK_LOCATION *location, ULONG needed, ULONG_PTR *information)
{
    WNODE_TOO_SMALL *small = location->Parameters.WMI.Buffer;
    if (location->Parameters.WMI.BufferSize < sizeof(*small))
        /* SR-57: not even room to say so. */
        return STATUS_BUFFER_TOO_SMALL;
    small->WnodeHeader.BufferSize = sizeof(*small);
    small->WnodeHeader.Flags = WNODE_FLAG_TOO_SMALL;
    /* SR-57: the size needed is the answer. */
    small->SizeNeeded = needed;
    *information = sizeof(*small);
    return STATUS_SUCCESS;
}

/*
 * Ends a request from a DpWmiXxx routine (never DpWmiQueryReginfo). STATUS_BUFFER_TOO_SMALL with the bytes
 * needed becomes a WNODE_TOO_SMALL and success; the status is also the return value. IRQL: <= DISPATCH_LEVEL.
 * Rules: SR-57.
 */
EXPORT(wmilib, WmiCompleteRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
NTSTATUS NTAPI WmiCompleteRequest(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status, ULONG BufferUsed,
                                  CCHAR PriorityBoost)
{
    const IO_STACK_LOCATION *location = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR information = 0;
    ULONG offset;
    if (data_offset(location, &offset)) {
        if (NT_SUCCESS(Status) && offset + BufferUsed <= location->Parameters.WMI.BufferSize)
            information = finish_wnode(location, offset, BufferUsed);
        else if (Status == STATUS_BUFFER_TOO_SMALL)
            Status = too_small(location, offset + BufferUsed, &information);
    }
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = information;
    /* SR-57: the request is over. */
    IofCompleteRequest(Irp, PriorityBoost);
    return Status;
}

/*
 * An event of one instance. EventData: nonpaged pool, which is freed whatever comes of it; NULL: none.
 * STATUS_INSUFFICIENT_RESOURCES, or what IoWMIWriteEvent says. IRQL: <= DISPATCH_LEVEL. Rules: SR-57, WMI-04.
 */
EXPORT(wmilib, WmiFireEvent, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI WmiFireEvent(PDEVICE_OBJECT DeviceObject, LPCGUID Guid, ULONG InstanceIndex,
                            ULONG EventDataSize, PVOID EventData)
{
    ULONG offset = sizeof(WNODE_SINGLE_INSTANCE), bytes = offset + (EventData ? EventDataSize : 0);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    WNODE_SINGLE_INSTANCE *one = mm_pool_allocate(NonPagedPoolNx, bytes, EVENT_TAG, true, NULL);
    if (one) {
        one->WnodeHeader = (WNODE_HEADER){.BufferSize = bytes,
                                          .ProviderId = IoWMIDeviceObjectToProviderId(DeviceObject),
                                          .Guid = *Guid,
                                          .Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_EVENT_ITEM |
                                                   WNODE_FLAG_STATIC_INSTANCE_NAMES};
        KeQuerySystemTime(&one->WnodeHeader.TimeStamp);
        one->InstanceIndex = InstanceIndex;
        one->DataBlockOffset = offset;
        one->SizeDataBlock = bytes - offset;
        if (bytes != offset)
            __builtin_memcpy(one->VariableData, EventData, EventDataSize);
        /* SR-57: as a WNODE_SINGLE_INSTANCE. */
        status = IoWMIWriteEvent(one);
        if (!NT_SUCCESS(status))
            mm_pool_free(one, EVENT_TAG, NULL);
    }
    if (EventData)
        /* SR-57: the driver's buffer is WMI's. */
        mm_pool_free(EventData, 0, __builtin_return_address(0));
    return status;
}
