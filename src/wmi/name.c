/* SPDX-License-Identifier: MIT */
/* Instance names and identifiers for drivers. Strings that are handed out are pool of the caller's. */
#include "wmi/consumer.h"
#include "rtl/rtl.h"

/*
 * So many numbers that nobody else gets for this class. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoWMIAllocateInstanceIds, PASSIVE_LEVEL, PASSIVE_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoWMIAllocateInstanceIds(GUID *Guid, ULONG InstanceCount, ULONG *FirstInstanceId)
{
    struct wmi_class *class = wmi_class_of(Guid);
    if (!class)
        return STATUS_INSUFFICIENT_RESOURCES;
    rl_lock_acquire(&wmi_lock);
    *FirstInstanceId = class->next_id;
    class->next_id += InstanceCount;
    rl_lock_release(&wmi_lock);
    return STATUS_SUCCESS;
}

static NTSTATUS hand_out(const UNICODE_STRING *const *parts, unsigned count, PUNICODE_STRING to,
                         const void *caller)
{
    size_t bytes = 0, at = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += parts[i]->Length;
    *to = (UNICODE_STRING){0};
    if (bytes > 0xFFF0)
        return STATUS_NAME_TOO_LONG;
    to->Buffer = mm_pool_allocate(PagedPool, bytes + sizeof(WCHAR), WMI_TAG, true, mm_caller(caller));
    if (!to->Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (unsigned i = 0; i < count; at += parts[i++]->Length)
        __builtin_memcpy((UCHAR *)to->Buffer + at, parts[i]->Buffer, parts[i]->Length);
    to->Length = (USHORT)bytes;
    to->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

static bool name_of_pdo(PDEVICE_OBJECT pdo, UNICODE_STRING *name)
{
    struct pnp_node *node = pnp_node_of(pdo);
    if (!node || !(node->description || node->instance_path))
        return false;
    rtl_init_string(name, node->description ? node->description : node->instance_path);
    return true;
}

/*
 * A name for people: the device's description (or its instance path), the interface's link, or both.
 * Owns: the caller frees the buffer. STATUS_UNSUCCESSFUL: no device of the PnP manager's. IRQL: <= APC_LEVEL.
 */
EXPORT(ntoskrnl, IoWMISuggestInstanceName, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoWMISuggestInstanceName(PDEVICE_OBJECT PhysicalDeviceObject, PUNICODE_STRING SymbolicLinkName,
                                        BOOLEAN CombineNames, PUNICODE_STRING SuggestedInstanceName)
{
    UNICODE_STRING pdo, between;
    const UNICODE_STRING *parts[3];
    unsigned count = 0;
    rtl_init_string(&between, u"_");
    if (CombineNames ? !PhysicalDeviceObject || !SymbolicLinkName
                     : !PhysicalDeviceObject && !SymbolicLinkName)
        return STATUS_INVALID_PARAMETER;
    if (PhysicalDeviceObject && !name_of_pdo(PhysicalDeviceObject, &pdo))
        return STATUS_UNSUCCESSFUL;
    if (PhysicalDeviceObject)
        parts[count++] = &pdo;
    if (CombineNames)
        parts[count++] = &between;
    if (SymbolicLinkName && (CombineNames || !PhysicalDeviceObject))
        parts[count++] = SymbolicLinkName;
    return hand_out(parts, count, SuggestedInstanceName, __builtin_return_address(0));
}

/* ---- a device's instance of a block ---- */

static PDEVICE_OBJECT top_of(PDEVICE_OBJECT device)
{
    PDEVICE_OBJECT top = IoGetAttachedDeviceReference(device);
    ob_dereference(top); /* only to compare */
    return top;
}

static NTSTATUS name_of_device(const struct wmi_class *class, PDEVICE_OBJECT device, PUNICODE_STRING name,
                               const void *caller)
{
    struct wmi_blocks blocks;
    NTSTATUS found = STATUS_WMI_INSTANCE_NOT_FOUND, status = wmi_blocks_of(class, &blocks);
    if (!NT_SUCCESS(status))
        return status;
    for (unsigned i = 0; i < blocks.count && found == STATUS_WMI_INSTANCE_NOT_FOUND; i++) {
        const struct wmi_block *b = blocks.block[i];
        if (!b->names || b->provider->callback || top_of(b->provider->registered) != top_of(device))
            continue;
        const UNICODE_STRING *first = &b->name[0];
        found = hand_out(&first, 1, name, caller);
    }
    wmi_blocks_release(&blocks);
    return found;
}

/* The first static instance name that a driver of the device's stack registered. Owns: the caller frees the
 * buffer. STATUS_WMI_INSTANCE_NOT_FOUND: none did. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, IoWMIDeviceObjectToInstanceName, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoWMIDeviceObjectToInstanceName(PVOID DataBlockObject, PDEVICE_OBJECT DeviceObject,
                                               PUNICODE_STRING InstanceName)
{
    struct wmi_consumer *c;
    NTSTATUS status = wmi_consumer_of(DataBlockObject, 0, &c);
    return NT_SUCCESS(status)
               ? name_of_device(c->class, DeviceObject, InstanceName, __builtin_return_address(0))
               : status;
}

/* The same for the device that a file was opened on. IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, IoWMIHandleToInstanceName, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoWMIHandleToInstanceName(PVOID DataBlockObject, HANDLE FileHandle,
                                         PUNICODE_STRING InstanceName)
{
    struct wmi_consumer *c;
    PFILE_OBJECT file;
    NTSTATUS status = wmi_consumer_of(DataBlockObject, 0, &c);
    if (NT_SUCCESS(status))
        status = ob_reference_by_handle(FileHandle, 0, io_file_type, KernelMode, (void **)&file, NULL);
    if (!NT_SUCCESS(status))
        return status;
    status = name_of_device(c->class, file->DeviceObject, InstanceName, __builtin_return_address(0));
    ob_dereference(file);
    return status;
}
