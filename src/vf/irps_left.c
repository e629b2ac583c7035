/* SPDX-License-Identifier: MIT */
/*
 * Requests that are not completed when they have to be: when their driver is
 * unloaded, and when their thread has ended. A request's current location names
 * the device that has it; a device may be deleted long before its driver goes,
 * so what is with it at that moment is remembered by the request's number.
 */
#include "vf/irps_left.h"
#include "base/lock.h"
#include "host/host.h"
#include "nt/bugcodes.h"

#define KEPT 128 /* behind that nothing is remembered */

static rl_lock lock;
static struct kept {
    PIRP irp;
    ULONG number;
    CHAR location;
    PDRIVER_OBJECT driver; /* NULL: free */
    const void *routine;
} kept[KEPT];

static const IO_STACK_LOCATION *current_of(const IRP *irp)
{
    if (irp->CurrentLocation < 1 || irp->CurrentLocation > irp->StackCount)
        return NULL;
    return irp->Tail.Overlay.CurrentStackLocation;
}

static const void *routine_of(const DRIVER_OBJECT *driver, const IO_STACK_LOCATION *location)
{
    return (const void *)driver->MajorFunction[MIN(location->MajorFunction, IRP_MJ_MAXIMUM_FUNCTION)];
}

static void remember_locked(PIRP irp, PDRIVER_OBJECT driver, const void *routine)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i].driver == NULL) {
            kept[i] = (struct kept){irp, io_irp_number(irp), irp->CurrentLocation, driver, routine};
            return;
        }
}

static void see_at_device(PIRP irp, void *context)
{
    PDEVICE_OBJECT device = context;
    const IO_STACK_LOCATION *location = current_of(irp);

    if (location == NULL || location->DeviceObject != device)
        return;
    rl_lock_acquire(&lock);
    remember_locked(irp, device->DriverObject, routine_of(device->DriverObject, location));
    rl_lock_release(&lock);
}

void vf_device_going(PDEVICE_OBJECT device)
{
    io_for_each_irp(see_at_device, device);
}

struct search {
    PDRIVER_OBJECT driver;
    void (*visit)(PIRP irp, const void *routine, void *context);
    void *context;
};

static const struct kept *find_locked(PIRP irp, PDRIVER_OBJECT driver)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i].driver == driver && kept[i].irp == irp && kept[i].number == io_irp_number(irp) &&
            kept[i].location == irp->CurrentLocation)
            return &kept[i];
    return NULL;
}

static bool is_device_of(PDRIVER_OBJECT driver, const DEVICE_OBJECT *device)
{
    for (PDEVICE_OBJECT at = driver->DeviceObject; at != NULL; at = at->NextDevice)
        if (at == device)
            return true;
    return false;
}

static void see_of_driver(PIRP irp, void *context)
{
    const struct search *search = context;
    const IO_STACK_LOCATION *location = current_of(irp);
    const void *routine = NULL;

    if (location == NULL)
        return;
    rl_lock_acquire(&lock);
    const struct kept *found = find_locked(irp, search->driver);
    if (found != NULL)
        routine = found->routine;
    rl_lock_release(&lock);
    if (found == NULL && is_device_of(search->driver, location->DeviceObject))
        routine = routine_of(search->driver, location);
    if (routine != NULL)
        search->visit(irp, routine, search->context);
}

void vf_each_irp_kept(PDRIVER_OBJECT driver, void (*visit)(PIRP irp, const void *routine, void *context),
                      void *context)
{
    io_for_each_irp(see_of_driver, &(struct search){driver, visit, context});
}

void vf_forget_irps_kept(PDRIVER_OBJECT driver)
{
    rl_lock_acquire(&lock);
    for (unsigned i = 0; i < KEPT; i++)
        if (kept[i].driver == driver)
            kept[i].driver = NULL;
    rl_lock_release(&lock);
}

/* It is on its way up when nobody has it: then nobody is to blame yet. */
void vf_cancel_late(PIRP irp, ULONG milliseconds)
{
    const IO_STACK_LOCATION *location = current_of(irp);
    char sentence[200];

    if (location == NULL || location->DeviceObject == NULL)
        return;
    host_snprintf(
        sentence, sizeof(sentence),
        "a thread could not end: its IRP, canceled %u seconds ago, is still pending in a driver that "
        "has no cancel routine for it, or one that does not complete it",
        milliseconds / 1000);
    struct ke_bugcheck_info info = {
        .code = DRIVER_VERIFIER_DETECTED_VIOLATION,
        .p = {0x135, (ULONG64)irp, milliseconds, 0},
        .sentence = sentence,
        .irp = irp,
        .device = location->DeviceObject,
        .verifier = true,
        .raise_address = (ULONG64)routine_of(location->DeviceObject->DriverObject, location),
    };
    vf_record(&info);
}
