/* SPDX-License-Identifier: MIT */
/* Who asked, and how: the thread, process and session of an IRP, per-thread state of file systems, the stack.
 */
#include "io/private.h"
#include "ps/routines.h"

/* The process of the thread that asked; NULL: no thread. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetRequestorProcess, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    PETHREAD thread = Irp->Tail.Overlay.Thread;
    return thread ? IoThreadToProcess(thread) : NULL;
}

/* IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetRequestorProcessId, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    struct ke_process *process = (struct ke_process *)IoGetRequestorProcess(Irp);
    return process ? (ULONG)(ULONG_PTR)process->id : 0;
}

/* IRQL: <= APC_LEVEL. STATUS_UNSUCCESSFUL: no thread. */
EXPORT(ntoskrnl, IoGetRequestorSessionId, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
NTSTATUS NTAPI IoGetRequestorSessionId(PIRP Irp, PULONG pSessionId)
{
    struct ke_process *process = (struct ke_process *)IoGetRequestorProcess(Irp);
    *pSessionId = process ? process->session : (ULONG)-1;
    return process ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* Is the requester waiting? IRQL: any. */
EXPORT(ntoskrnl, IoIsOperationSynchronous, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoIsOperationSynchronous(PIRP Irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    bool asynchronous_paging = Irp->Flags & IRP_PAGING_IO && !(Irp->Flags & IRP_SYNCHRONOUS_PAGING_IO);
    if (asynchronous_paging)
        return FALSE;
    return (file && file->Flags & FO_SYNCHRONOUS_IO) || Irp->Flags & IRP_SYNCHRONOUS_API ||
           Irp->Flags & IRP_PAGING_IO;
}

/* This machine runs no 32-bit processes. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoIs32bitProcess, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoIs32bitProcess(PIRP Irp)
{
    return FALSE;
}

/* IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoIsSystemThread, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->system_thread;
}

/* What a file system has left in the current thread. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetTopLevelIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PIRP NTAPI IoGetTopLevelIrp(VOID)
{
    return ps_current()->top_level_irp;
}

EXPORT(ntoskrnl, IoSetTopLevelIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoSetTopLevelIrp(PIRP Irp)
{
    ps_current()->top_level_irp = Irp;
}

/* The device whose medium a thread has to verify. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetDeviceToVerify, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PDEVICE_OBJECT NTAPI IoGetDeviceToVerify(PETHREAD Thread)
{
    return ((struct ps_thread *)Thread)->device_to_verify;
}

EXPORT(ntoskrnl, IoSetDeviceToVerify, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoSetDeviceToVerify(PETHREAD Thread, PDEVICE_OBJECT DeviceObject)
{
    ((struct ps_thread *)Thread)->device_to_verify = DeviceObject;
}

EXPORT(ntoskrnl, IoSetHardErrorOrVerifyDevice, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoSetHardErrorOrVerifyDevice(PIRP Irp, PDEVICE_OBJECT DeviceObject)
{
    if (Irp->Tail.Overlay.Thread)
        IoSetDeviceToVerify(Irp->Tail.Overlay.Thread, DeviceObject);
}

/* May hard errors be shown for this thread? Returns the former setting. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoSetThreadHardErrorMode, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoSetThreadHardErrorMode(BOOLEAN EnableHardErrors)
{
    struct ps_thread *thread = ps_current();
    BOOLEAN before = !thread->hard_errors_disabled;
    thread->hard_errors_disabled = !EnableHardErrors;
    return before;
}

/* The driver-visible stack: what Windows gives a kernel thread. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoGetStackLimits, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    const struct mm_stack *stack = &ps_current()->stack;
    *LowLimit = (ULONG_PTR)stack->driver_limit;
    *HighLimit = (ULONG_PTR)stack->low + stack->bytes;
}

EXPORT(ntoskrnl, IoGetInitialStack, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
PVOID NTAPI IoGetInitialStack(VOID)
{
    const struct mm_stack *stack = &ps_current()->stack;
    return (char *)stack->low + stack->bytes;
}

/* IRQL: <= APC_LEVEL. */
EXPORT(ntoskrnl, IoWithinStackLimits, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
ULONG NTAPI IoWithinStackLimits(ULONG_PTR RegionStart, SIZE_T RegionSize)
{
    ULONG_PTR low, high;
    IoGetStackLimits(&low, &high);
    return RegionStart >= low && RegionStart <= high && RegionSize <= high - RegionStart;
}
