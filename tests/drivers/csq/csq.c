/* SPDX-License-Identifier: MIT */
/*
 * Cancel-safe queues: which callbacks the IoCsq routines call, in which order,
 * at which level and with or without the lock. The log is sq.h's, here of
 * callbacks: '(' the lock is acquired and ')' released, 'I' insert, 'P' peek, 'R'
 * remove, 'C' a canceled request is to be completed, small letters completions.
 */
#include "../sq/sq.h"

struct box {
    IO_CSQ csq;
    LIST_ENTRY list;
    KSPIN_LOCK lock;
    FAST_MUTEX mutex;
    BOOLEAN locked, with_mutex;
    LONG room; /* of an extended queue: how many it takes */
};

static PDEVICE_OBJECT device;
static struct box plain, extended, slow;
static struct box *target; /* where the dispatch routine puts a request */
static PIO_CSQ_IRP_CONTEXT context_for;
static PVOID insert_context;
static NTSTATUS refused_with;
static PVOID seen_insert_context, seen_peek_context;
static KIRQL level; /* of whoever calls an IoCsq routine */

static struct box *box_of(PIO_CSQ csq)
{
    return CONTAINING_RECORD(csq, struct box, csq);
}

static VOID NTAPI acquire(PIO_CSQ csq, PKIRQL irql)
{
    struct box *box = box_of(csq);

    CHECK("SR-25", KeGetCurrentIrql() == level);
    sq_add('(');
    if (box->with_mutex)
        ExAcquireFastMutex(&box->mutex);
    else
        KeAcquireSpinLock(&box->lock, irql);
    box->locked = TRUE;
}

static VOID NTAPI release(PIO_CSQ csq, KIRQL irql)
{
    struct box *box = box_of(csq);

    CHECK("SR-25",
          box->locked && (box->with_mutex || irql == level)); /* what the acquiring callback stored */
    box->locked = FALSE;
    if (box->with_mutex)
        ExReleaseFastMutex(&box->mutex);
    else
        KeReleaseSpinLock(&box->lock, irql);
    sq_add(')');
    CHECK_EQ("CSQ-09", KeGetCurrentIrql(), level);
}

static BOOLEAN cancel_inside; /* a request is canceled while it is being inserted */

static BOOLEAN level_inside(struct box *box)
{
    return KeGetCurrentIrql() == (box->with_mutex ? APC_LEVEL : DISPATCH_LEVEL);
}

static VOID NTAPI insert(PIO_CSQ csq, PIRP irp)
{
    CHECK("SR-22", box_of(csq)->locked && level_inside(box_of(csq)));
    sq_add('I');
    CHECK("CSQ-02", !(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED));
    CHECK("CSQ-02", irp->CancelRoutine == NULL);
    InsertTailList(&box_of(csq)->list, &irp->Tail.Overlay.ListEntry);
    if (cancel_inside)
        CHECK("CSQ-03", !IoCancelIrp(irp)); /* there is no routine yet */
}

static NTSTATUS NTAPI insert_ex(PIO_CSQ csq, PIRP irp, PVOID context)
{
    struct box *box = box_of(csq);

    seen_insert_context = context;
    if (box->room == 0) {
        sq_add('X');
        return refused_with;
    }
    box->room--;
    insert(csq, irp);
    return STATUS_SUCCESS;
}

static VOID NTAPI remove_irp(PIO_CSQ csq, PIRP irp)
{
    CHECK("SR-23", box_of(csq)->locked && level_inside(box_of(csq)));
    CHECK("CSQ-05", irp->CancelRoutine == NULL);
    sq_add('R');
    box_of(csq)->room++;
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
}

/* The next one after irp whose key is the context's, or any. */
static PIRP NTAPI peek_next(PIO_CSQ csq, PIRP irp, PVOID context)
{
    struct box *box = box_of(csq);
    PLIST_ENTRY entry = irp ? irp->Tail.Overlay.ListEntry.Flink : box->list.Flink;

    CHECK("SR-24", box->locked && level_inside(box));
    sq_add('P');
    seen_peek_context = context;
    for (; entry != &box->list; entry = entry->Flink) {
        PIRP found = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (!context || IoGetCurrentIrpStackLocation(found)->Parameters.Write.Key == *(ULONG *)context)
            return found;
    }
    return NULL;
}

static VOID NTAPI complete_canceled(PIO_CSQ csq, PIRP irp)
{
    CHECK("SR-26", !box_of(csq)->locked && KeGetCurrentIrql() == level);
    CHECK("CSQ-08", irp->Cancel && irp->CancelRoutine == NULL);
    sq_add('C');
    sq_complete(irp, STATUS_CANCELLED);
}

static NTSTATUS NTAPI write(PDEVICE_OBJECT for_device, PIRP irp)
{
    NTSTATUS status;

    if (target == &plain && !insert_context) {
        IoCsqInsertIrp(&target->csq, irp, context_for);
        return STATUS_PENDING;
    }
    status = IoCsqInsertIrpEx(&target->csq, irp, context_for, insert_context);
    if (NT_SUCCESS(status))
        return STATUS_PENDING;
    CHECK("CSQ-04", !(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED));
    CHECK("CSQ-04", irp->CancelRoutine == NULL);
    sq_complete(irp, status);
    return status;
}

static VOID at(KIRQL irql)
{
    if (irql < level)
        KeLowerIrql(irql);
    else if (irql > level)
        KeRaiseIrql(irql, &level);
    level = irql;
}

static VOID initialize(struct box *box, BOOLEAN ex, BOOLEAN with_mutex)
{
    NTSTATUS status;

    RtlFillMemory(box, sizeof(*box), 0xCC);
    InitializeListHead(&box->list);
    KeInitializeSpinLock(&box->lock);
    ExInitializeFastMutex(&box->mutex);
    box->locked = FALSE;
    box->with_mutex = with_mutex;
    box->room = 26;
    if (ex)
        status = IoCsqInitializeEx(&box->csq, insert_ex, remove_irp, peek_next, acquire, release,
                                   complete_canceled);
    else
        status =
            IoCsqInitialize(&box->csq, insert, remove_irp, peek_next, acquire, release, complete_canceled);
    CHECK_STATUS("CSQ-01", status, STATUS_SUCCESS);
    CHECK_LOG("CSQ-01", "");
}

static VOID in_and_out(struct box *box)
{
    PIRP next;

    target = box;
    CHECK_STATUS("CSQ-02", sq_send(device, 0, 0), STATUS_PENDING);
    CHECK_LOG("CSQ-02", "(I)");
    CHECK("CSQ-02", IoGetCurrentIrpStackLocation(sq_irps[0])->Control & SL_PENDING_RETURNED);
    CHECK("CSQ-02", sq_irps[0]->CancelRoutine != NULL);
    CHECK("CSQ-07", sq_irps[0]->Tail.Overlay.DriverContext[3] != NULL);
    sq_send(device, 1, 0);
    sq_read("(I)");
    next = IoCsqRemoveNextIrp(&box->csq, NULL);
    CHECK("CSQ-05", next == sq_irps[0] && next->CancelRoutine == NULL && seen_peek_context == NULL);
    CHECK_LOG("CSQ-05", "(PR)");
    CHECK("CSQ-05", !IoCancelIrp(next)); /* it is the caller's now */
    sq_complete(next, STATUS_SUCCESS);
    next = IoCsqRemoveNextIrp(&box->csq, NULL);
    CHECK("CSQ-05", next == sq_irps[1]);
    sq_complete(next, STATUS_SUCCESS);
    sq_read("a(PR)b");
    CHECK("CSQ-05", IoCsqRemoveNextIrp(&box->csq, NULL) == NULL);
    CHECK_LOG("CSQ-05", "(P)");
    sq_free(2);
}

static VOID by_context(struct box *box)
{
    ULONG two = 2, nine = 9;
    PIRP next;

    target = box;
    sq_send(device, 0, 1);
    sq_send(device, 1, 2);
    sq_send(device, 2, 2);
    sq_read("(I)(I)(I)");
    next = IoCsqRemoveNextIrp(&box->csq, &two);
    CHECK("CSQ-05", next == sq_irps[1] && seen_peek_context == &two);
    CHECK("CSQ-05", IoCsqRemoveNextIrp(&box->csq, &nine) == NULL);
    sq_complete(next, STATUS_SUCCESS);
    CHECK_LOG("CSQ-05", "(PR)(P)b");
    IoSetCancelRoutine(sq_irps[0], NULL); /* its cancellation has begun on another processor */
    next = IoCsqRemoveNextIrp(&box->csq, NULL);
    CHECK("CSQ-05", next == sq_irps[2]);
    CHECK_LOG("CSQ-05", "(PPR)");
    CHECK("CSQ-05", IoCsqRemoveNextIrp(&box->csq, NULL) == NULL);
    CHECK_LOG("CSQ-05", "(PP)");
    sq_complete(next, STATUS_SUCCESS);
    RemoveEntryList(&sq_irps[0]->Tail.Overlay.ListEntry);
    sq_complete(sq_irps[0], STATUS_CANCELLED);
    sq_read("ca");
    sq_free(3);
}

static VOID canceled(struct box *box)
{
    PIRP irp;

    target = box;
    sq_send(device, 0, 0);
    sq_send(device, 1, 0);
    sq_read("(I)(I)");
    CHECK("CSQ-08", IoCancelIrp(sq_irps[0]) && sq_status[0] == STATUS_CANCELLED);
    CHECK_LOG("CSQ-08", "(R)Ca"); /* at the canceler's level: the cancel spin lock is gone before */
    CHECK("CSQ-08", !IoCancelIrp(sq_irps[0]));
    irp = IoCsqRemoveNextIrp(&box->csq, NULL);
    CHECK("CSQ-08", irp == sq_irps[1]);
    sq_complete(irp, STATUS_SUCCESS);
    sq_read("(PR)b");
    irp = sq_make(device, 2, 0);
    IoCancelIrp(irp);
    CHECK_STATUS("CSQ-03", IoCallDriver(device, irp), STATUS_PENDING);
    CHECK("CSQ-03", sq_status[2] == STATUS_CANCELLED && IsListEmpty(&box->list));
    CHECK_LOG("CSQ-03", "()Cc"); /* it is not even tried */
    cancel_inside = TRUE;
    CHECK_STATUS("CSQ-03", sq_send(device, 3, 0), STATUS_PENDING);
    cancel_inside = FALSE;
    CHECK("CSQ-03", sq_status[3] == STATUS_CANCELLED && IsListEmpty(&box->list));
    CHECK_LOG("CSQ-03", "(IR)Cd");
    sq_free(4);
}

static VOID one_of_them(struct box *box)
{
    IO_CSQ_IRP_CONTEXT first, second;
    PIRP irp;

    target = box;
    context_for = &first;
    sq_send(device, 0, 0);
    context_for = &second;
    sq_send(device, 1, 0);
    context_for = NULL;
    sq_read("(I)(I)");
    CHECK("CSQ-07", sq_irps[0]->Tail.Overlay.DriverContext[3] == &first && first.Irp == sq_irps[0]);
    CHECK("CSQ-07", first.Csq == &box->csq);
    irp = IoCsqRemoveIrp(&box->csq, &second);
    CHECK("CSQ-06", irp == sq_irps[1] && irp->CancelRoutine == NULL && second.Irp == NULL);
    CHECK_LOG("CSQ-06", "(R)");
    CHECK("CSQ-06", IoCsqRemoveIrp(&box->csq, &second) == NULL); /* taken already */
    CHECK_LOG("CSQ-06", "()");
    sq_complete(irp, STATUS_SUCCESS);
    CHECK("CSQ-06", IoCancelIrp(sq_irps[0]));
    CHECK("CSQ-06", IoCsqRemoveIrp(&box->csq, &first) == NULL); /* canceled */
    CHECK_LOG("CSQ-06", "b(R)Ca()");
    sq_free(2);
    context_for = &first;
    sq_send(device, 0, 0);
    context_for = NULL;
    IoSetCancelRoutine(sq_irps[0], NULL); /* its cancellation has begun, and has not reached the queue */
    CHECK("CSQ-06", IoCsqRemoveIrp(&box->csq, &first) == NULL && first.Irp == sq_irps[0]);
    CHECK_LOG("CSQ-06", "(I)()");
    RemoveEntryList(&sq_irps[0]->Tail.Overlay.ListEntry);
    sq_complete(sq_irps[0], STATUS_CANCELLED);
    sq_read("a");
    sq_free(1);
}

/* The insert routine of an extended queue may refuse; the caller keeps the request then. */
static VOID refusals(VOID)
{
    PIRP irp;

    target = &extended;
    insert_context = &refused_with;
    refused_with = STATUS_DEVICE_BUSY;
    extended.room = 1;
    CHECK_STATUS("CSQ-04", sq_send(device, 0, 0), STATUS_PENDING);
    CHECK("CSQ-04", seen_insert_context == &refused_with);
    CHECK_STATUS("CSQ-04", sq_send(device, 1, 0), STATUS_DEVICE_BUSY);
    CHECK_LOG("CSQ-04", "(I)(X)b");
    CHECK_STATUS("CSQ-04", sq_status[1], STATUS_DEVICE_BUSY);
    irp = IoCsqRemoveNextIrp(&extended.csq, NULL);
    CHECK("CSQ-04", irp == sq_irps[0]);
    sq_complete(irp, STATUS_SUCCESS);
    CHECK("CSQ-04", IoCsqRemoveNextIrp(&extended.csq, NULL) == NULL);
    sq_read("(PR)a(P)");
    sq_free(2);
    target = &plain; /* without an extended insert routine the context is ignored */
    CHECK_STATUS("CSQ-04", sq_send(device, 0, 0), STATUS_PENDING);
    sq_complete(IoCsqRemoveNextIrp(&plain.csq, NULL), STATUS_SUCCESS);
    CHECK_LOG("CSQ-04", "(I)(PR)a");
    sq_free(1);
    insert_context = NULL;
    extended.room = 26;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    struct box *boxes[] = {&plain, &extended, &slow};
    NTSTATUS status;
    ULONG i;

    driver->MajorFunction[IRP_MJ_WRITE] = write;
    driver->DriverUnload = sq_unload;
    status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    initialize(&plain, FALSE, FALSE);
    initialize(&extended, TRUE, FALSE);
    initialize(&slow, TRUE, TRUE);
    for (i = 0; i < 6; i++) {
        struct box *box = boxes[i % 3];

        if (i >= 3)
            at(box->with_mutex ? APC_LEVEL : DISPATCH_LEVEL);
        in_and_out(box);
        by_context(box);
        canceled(box);
        one_of_them(box);
        at(PASSIVE_LEVEL);
    }
    refusals();
    return STATUS_SUCCESS;
}
