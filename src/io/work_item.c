/* SPDX-License-Identifier: MIT */
/*
 * Work items of drivers: a routine of the driver runs on a system worker
 * thread, and the object that queued it stays until it has returned.
 */
#include "ke/held.h"
#include "io/private.h"

struct _IO_WORKITEM {
    WORK_QUEUE_ITEM item;
    PVOID object; /* DEVICE_OBJECT or DRIVER_OBJECT */
    PIO_WORKITEM_ROUTINE routine;
    PIO_WORKITEM_ROUTINE_EX routine_ex;
    PVOID context;
    uint32_t queued;
};

enum { WORKER_FREED = 0, WORKER_QUEUED_TWICE = 1, WORKER_IO_FREED = 3 };

static _Noreturn void worker_invalid(ULONG what, PIO_WORKITEM item, const char *sentence)
{
    struct ke_bugcheck_info info = {
        .code = WORKER_INVALID, .p = {what, (ULONG_PTR)item}, .sentence = sentence};
    ke_bugcheck(&info);
}

/* The system thread. Rules: SR-29, SR-30, LC-17, DPC-05. */
static VOID NTAPI run(PVOID Parameter)
{
    struct _IO_WORKITEM work = *(PIO_WORKITEM)Parameter;
    /* DPC-05: dequeued first, so the routine may queue or free it. */
    __atomic_store_n(&((PIO_WORKITEM)Parameter)->queued, 0, __ATOMIC_SEQ_CST);
    PVOID routine = work.routine ? (PVOID)work.routine : (PVOID)work.routine_ex;
    uint64_t cookie = ke_callout_enter("work item", routine);
    if (work.routine)
        /* SR-29: with the object that holds the driver, and the context. */
        work.routine(work.object, work.context);
    else
        /* SR-30: with its item too. */
        work.routine_ex(work.object, work.context, Parameter);
    ke_callout_leave("work item", routine, cookie);
    /* LC-17: now the driver may go. */
    ob_dereference(work.object);
}

static bool queue(PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine, PIO_WORKITEM_ROUTINE_EX routine_ex,
                  WORK_QUEUE_TYPE type, PVOID context)
{
    if (__atomic_exchange_n(&item->queued, 1, __ATOMIC_SEQ_CST))
        return false;
    item->routine = routine;
    item->routine_ex = routine_ex;
    item->context = context;
    /* LC-17: the driver stays loaded until the routine has returned. */
    ob_reference(item->object);
    item->item.WorkerRoutine = run;
    item->item.Parameter = item;
    item->item.List.Flink = NULL;
    ExQueueWorkItem(&item->item, type);
    return true;
}

/* IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoAllocateWorkItem, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    PIO_WORKITEM item = mm_alloc(sizeof(*item), IO_TAG('I', 'o', 'W', 'i'));
    if (!item)
        return NULL;
    item->object = DeviceObject;
    ke_hold(KE_HELD_WORK_ITEM, item);
    return item;
}

/* IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, IoFreeWorkItem, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    if (__atomic_load_n(&IoWorkItem->queued, __ATOMIC_SEQ_CST))
        worker_invalid(WORKER_IO_FREED, IoWorkItem,
                       "IoFreeWorkItem was called on a work item that is queued");
    ke_unhold(KE_HELD_WORK_ITEM, IoWorkItem);
    mm_free(IoWorkItem);
}

/* IRQL: <= DISPATCH_LEVEL. Rules: SR-29, DPC-05, LC-17. */
EXPORT(ntoskrnl, IoQueueWorkItem, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    if (!queue(IoWorkItem, WorkerRoutine, NULL, QueueType, Context))
        worker_invalid(WORKER_QUEUED_TWICE, IoWorkItem, "a work item was queued that is already queued");
}

/* IRQL: <= DISPATCH_LEVEL. Rules: SR-30. */
EXPORT(ntoskrnl, IoQueueWorkItemEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    if (!queue(IoWorkItem, NULL, WorkerRoutine, QueueType, Context))
        worker_invalid(WORKER_QUEUED_TWICE, IoWorkItem, "a work item was queued that is already queued");
}

/* FALSE: it is queued already. IRQL: <= DISPATCH_LEVEL. Rules: SR-30. */
EXPORT(ntoskrnl, IoTryQueueWorkItem, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
BOOLEAN NTAPI IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                                 WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    return queue(IoWorkItem, NULL, WorkerRoutine, QueueType, Context);
}

/* Storage of the driver's own: IoSizeofWorkItem bytes. IRQL: any. */
EXPORT(ntoskrnl, IoSizeofWorkItem, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
ULONG NTAPI IoSizeofWorkItem(VOID)
{
    return sizeof(struct _IO_WORKITEM);
}

EXPORT(ntoskrnl, IoInitializeWorkItem, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    __builtin_memset(IoWorkItem, 0, sizeof(*IoWorkItem));
    IoWorkItem->object = IoObject;
}

EXPORT(ntoskrnl, IoUninitializeWorkItem, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem)
{
    if (__atomic_load_n(&IoWorkItem->queued, __ATOMIC_SEQ_CST))
        worker_invalid(WORKER_IO_FREED, IoWorkItem,
                       "IoUninitializeWorkItem was called on a work item that is queued");
    IoWorkItem->object = NULL;
}
