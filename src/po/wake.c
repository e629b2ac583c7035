/* SPDX-License-Identifier: MIT */
/*
 * WAIT_WAKE requests that end: which of them woke the system, and the way back
 * to S0 when one does while it sleeps. Lock: po_lock.
 */
#include "po/private.h"

static struct po_request *request_of(const IRP *irp)
{
    list_for_each(it, &po_requests)
    {
        struct po_request *request = container_of(it, struct po_request, link);
        if (request->irp == irp)
            return request;
    }
    return NULL;
}

/* Marks a WAIT_WAKE IRP as one that woke the system. IRQL: <= DISPATCH_LEVEL. Rules: PW-25. */
EXPORT(ntoskrnl, PoSetSystemWake, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI PoSetSystemWake(PIRP Irp)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    struct po_request *request = request_of(Irp);
    if (request)
        /* PW-25: who passes it on to the child's IRP asks for it. */
        request->woke = true;
    KeReleaseSpinLock(&po_lock, irql);
}

/* IRQL: <= DISPATCH_LEVEL. Rules: PW-25. */
EXPORT(ntoskrnl, PoGetSystemWake, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI PoGetSystemWake(PIRP Irp)
{
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    const struct po_request *request = request_of(Irp);
    bool woke = request && request->woke;
    KeReleaseSpinLock(&po_lock, irql);
    return woke;
}

/* The device's WAIT_WAKE IRPs that are on their way, marked so. IRQL: <= DISPATCH_LEVEL. Rules: PW-25. */
EXPORT(ntoskrnl, PoSetSystemWakeDevice, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI PoSetSystemWakeDevice(PDEVICE_OBJECT DeviceObject)
{
    PDEVICE_OBJECT base = IoGetDeviceAttachmentBaseRef(DeviceObject);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&po_lock);
    list_for_each(it, &po_requests)
    {
        struct po_request *request = container_of(it, struct po_request, link);
        if (request->base == base && request->minor == IRP_MN_WAIT_WAKE)
            request->woke = true;
    }
    KeReleaseSpinLock(&po_lock, irql);
    ob_dereference(base);
}

static WORK_QUEUE_ITEM wake_work;
static bool waking; /* po_lock */

void po_wake_reset(void)
{
    waking = false;
}

static VOID NTAPI wake(PVOID Parameter)
{
    po_set_system_power(PowerSystemWorking, PowerActionSleep, false);
    __atomic_store_n(&waking, false, __ATOMIC_RELEASE);
}

void po_wake_ended(struct po_request *request, NTSTATUS status)
{
    SYSTEM_POWER_STATE state = po_system_state();
    bool sleeps = state >= PowerSystemSleeping1 && state <= PowerSystemHibernate;
    /* PW-25: it said from which state on its device may wake the system. */
    bool deep_enough = state <= request->state.SystemState;
    if (!NT_SUCCESS(status) || !sleeps || !(deep_enough || request->woke))
        return;
    if (__atomic_exchange_n(&waking, true, __ATOMIC_ACQ_REL))
        return;
    wake_work = (WORK_QUEUE_ITEM){.WorkerRoutine = wake, .Parameter = NULL};
    /* PWR-00, PW-25: the signal that the device was armed for has come. */
    ExQueueWorkItem(&wake_work, CriticalWorkQueue);
}
