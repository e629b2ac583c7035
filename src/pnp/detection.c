/* SPDX-License-Identifier: MIT */
/*
 * Resources that drivers claim for hardware that nobody enumerates, before
 * they touch it: one list for a driver or for each of its device objects, kept
 * in the arbiter until another one replaces it. resource_lock (resource.c)
 * guards the lists; no driver is called.
 */
#include "pnp/private.h"
#include "pnp/resource.h"

struct detection {
    LIST_ENTRY link;
    const void *owner; /* a device object, or a driver object */
    unsigned count;
    struct resource_claim claims[];
};

static LIST_ENTRY detections;

void pnp_detection_reset(void)
{
    list_init(&detections);
}

static struct detection *find(const void *owner)
{
    for (LIST_ENTRY *at = detections.Flink; at != &detections; at = at->Flink)
        if (container_of(at, struct detection, link)->owner == owner)
            return container_of(at, struct detection, link);
    return NULL;
}

static void hold(struct detection *detection)
{
    for (unsigned i = 0; i < detection->count; i++)
        resource_hold(&detection->claims[i]);
    list_insert_tail(&detections, &detection->link);
}

static void let_go(struct detection *detection)
{
    for (unsigned i = 0; i < detection->count; i++)
        resource_let_go(&detection->claims[i]);
    list_remove(&detection->link);
}

static void count_one(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    ++*(unsigned *)context;
}

static void claim_one(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct detection *detection = context;
    struct resource_claim *claim = &detection->claims[detection->count];
    if (!resource_claim_of(descriptor, claim))
        return;
    claim->owner = detection->owner;
    detection->count++;
}

static struct detection *make(const void *owner, const CM_RESOURCE_LIST *list)
{
    unsigned count = 0;
    resource_for_each(list, count_one, &count);
    struct detection *detection =
        mm_alloc(sizeof(*detection) + count * sizeof(detection->claims[0]), PNP_TAG);
    if (!detection)
        return NULL;
    detection->owner = owner;
    detection->count = 0;
    resource_for_each(list, claim_one, detection);
    return detection;
}

struct check {
    const void *owner;
    bool conflict;
};

static void check_one(const CM_PARTIAL_RESOURCE_DESCRIPTOR *descriptor, void *context)
{
    struct check *check = context;
    struct resource_search search = {.owner = check->owner, .respect_boot = true};
    struct resource_cursor cursor = {0};
    struct resource_request request;
    IO_RESOURCE_DESCRIPTOR fixed = {0};
    uint64_t at;
    resource_fixed(descriptor, &fixed);
    if (resource_request_of(&fixed, &request) && request.space < RESOURCE_SPACES &&
        !resource_next_place(&request, &search, &cursor, &at))
        check->conflict = true;
}

/* The new list takes the place of the old one, which stays if the new one conflicts. */
static bool claim(const void *owner, struct detection *made, const CM_RESOURCE_LIST *list, bool override)
{
    struct check check = {.owner = owner};
    resource_lock_acquire();
    struct detection *old = find(owner);
    if (old)
        let_go(old);
    resource_for_each(list, check_one, &check);
    bool taken = !check.conflict || override;
    if (taken && made->count)
        hold(made);
    if (!taken && old)
        hold(old);
    resource_lock_release();
    if (taken)
        mm_free(old);
    if (!taken || !made->count)
        mm_free(made);
    return check.conflict;
}

static NTSTATUS report(const void *owner, const CM_RESOURCE_LIST *list, ULONG size, bool override,
                       PBOOLEAN conflict)
{
    static const CM_RESOURCE_LIST nothing;
    *conflict = FALSE;
    if (!list)
        list = &nothing;
    else if (!resource_list_is_sound(list, size))
        return STATUS_UNSUCCESSFUL;
    struct detection *made = make(owner, list);
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;
    *conflict = claim(owner, made, list, override);
    return *conflict && !override ? STATUS_CONFLICTING_ADDRESSES : STATUS_SUCCESS;
}

/*
 * Claims resources for a device (DeviceList, of DeviceObject) or for a driver's devices (DriverList) before
 * the hardware is looked for; a list without resources gives them back. STATUS_CONFLICTING_ADDRESSES, and
 * TRUE: somebody has some of them, or the firmware gave them to a device; STATUS_UNSUCCESSFUL: the list is
 * damaged. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoReportResourceForDetection, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoReportResourceForDetection(PDRIVER_OBJECT DriverObject, PCM_RESOURCE_LIST DriverList,
                                            ULONG DriverListSize, PDEVICE_OBJECT DeviceObject,
                                            PCM_RESOURCE_LIST DeviceList, ULONG DeviceListSize,
                                            PBOOLEAN ConflictDetected)
{
    if (DeviceList && DeviceObject)
        return report(DeviceObject, DeviceList, DeviceListSize, false, ConflictDetected);
    return report(DriverObject, DriverList, DriverListSize, false, ConflictDetected);
}

/*
 * The same for drivers of NT 4, under a class of drivers, for both lists; with OverrideConflict the resources
 * are claimed all the same, and *ConflictDetected says that they are others' too. IRQL: PASSIVE_LEVEL.
 */
EXPORT(ntoskrnl, IoReportResourceUsage, PASSIVE_LEVEL, PASSIVE_LEVEL, X_BLOCKS)
NTSTATUS NTAPI IoReportResourceUsage(PUNICODE_STRING DriverClassName, PDRIVER_OBJECT DriverObject,
                                     PCM_RESOURCE_LIST DriverList, ULONG DriverListSize,
                                     PDEVICE_OBJECT DeviceObject, PCM_RESOURCE_LIST DeviceList,
                                     ULONG DeviceListSize, BOOLEAN OverrideConflict,
                                     PBOOLEAN ConflictDetected)
{
    BOOLEAN conflict = FALSE;
    NTSTATUS status = STATUS_SUCCESS;
    if (DeviceObject)
        status = report(DeviceObject, DeviceList, DeviceListSize, OverrideConflict, &conflict);
    *ConflictDetected = conflict;
    if (NT_SUCCESS(status) && (DriverList || !DeviceObject))
        status = report(DriverObject, DriverList, DriverListSize, OverrideConflict, &conflict);
    *ConflictDetected |= conflict;
    return status;
}
