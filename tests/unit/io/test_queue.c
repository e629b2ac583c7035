/* SPDX-License-Identifier: MIT */
/* Device queues with StartIo, cancel-safe queues, work items, timers, shutdown, the error log, share access,
 * EA lists. */
#include "io_test.h"
#include "io/routines.h"

static PDRIVER_OBJECT driver;
static PDEVICE_OBJECT device;
static PIRP irps[4];
static bool next_in_start_io;
static int depth, deepest;

static PIRP make_irp(void)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->DeviceObject = device;
    return irp;
}

static int number_of(PIRP irp)
{
    for (int i = 0; i < 4; i++)
        if (irps[i] == irp)
            return i;
    return -1;
}

static VOID NTAPI start_io(PDEVICE_OBJECT for_device, PIRP irp)
{
    depth++;
    deepest = MAX(deepest, depth);
    CHECK(ke_irql() == DISPATCH_LEVEL && for_device->CurrentIrp == irp);
    io_log("start%d", number_of(irp));
    if (next_in_start_io)
        IoStartNextPacket(for_device, FALSE);
    depth--;
}

static void make_queue(void)
{
    driver = io_test_driver("queue");
    device = io_test_device(driver, NULL, 0);
    driver->DriverStartIo = start_io;
    next_in_start_io = false;
    depth = deepest = 0;
    for (int i = 0; i < 4; i++)
        irps[i] = make_irp();
}

static void next(BOOLEAN cancelable)
{
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    IoStartNextPacket(device, cancelable);
    ke_lower_irql(irql);
}

NT_TEST(start_in_order)
{
    make_queue();
    for (int i = 0; i < 3; i++)
        IoStartPacket(device, irps[i], NULL, NULL);
    CHECK(io_logged("start0") && device->CurrentIrp == irps[0] && ke_irql() == PASSIVE_LEVEL);
    next(FALSE);
    next(FALSE);
    CHECK(io_logged("start1 start2"));
    next(FALSE);
    CHECK(!device->CurrentIrp && !device->DeviceQueue.Busy);
    IoStartPacket(device, irps[0], NULL, NULL);
    CHECK(io_logged("start0"));
}

NT_TEST(start_by_key)
{
    ULONG keys[] = {0, 30, 10, 20};
    make_queue();
    for (int i = 0; i < 4; i++)
        IoStartPacket(device, irps[i], &keys[i], NULL);
    next(FALSE);
    CHECK(io_logged("start0 start2"));
    IoStartNextPacketByKey(device, FALSE, 25);
    CHECK(io_logged("start1"));
    IoStartNextPacketByKey(device, FALSE, 99);
    CHECK(io_logged("start3")); /* none at or above: the first */
}

NT_TEST(deferred_start_is_a_loop)
{
    make_queue();
    IoSetStartIoAttributes(device, TRUE, FALSE);
    for (int i = 0; i < 3; i++)
        IoStartPacket(device, irps[i], NULL, NULL);
    CHECK(io_logged("start0"));
    next_in_start_io = true;
    next(FALSE);
    CHECK(io_logged("start1 start2") && deepest == 1 && !device->CurrentIrp);
}

static PIRP canceled;
static VOID NTAPI cancel_packet(PDEVICE_OBJECT for_device, PIRP irp)
{
    CHECK(for_device == device);
    canceled = irp;
    IoReleaseCancelSpinLock(irp->CancelIrql);
}

NT_TEST(cancelable_packets)
{
    make_queue();
    IoSetStartIoAttributes(device, FALSE, TRUE);
    IoStartPacket(device, irps[0], NULL, cancel_packet);
    CHECK(io_logged("start0") && !irps[0]->CancelRoutine); /* SQ-23 */
    IoStartPacket(device, irps[1], NULL, cancel_packet);
    CHECK(irps[1]->CancelRoutine == cancel_packet);
    irps[2]->Cancel = TRUE;
    IoStartPacket(device, irps[2], NULL, cancel_packet);
    CHECK(canceled == irps[2] && !irps[2]->CancelRoutine && ke_irql() == PASSIVE_LEVEL); /* SQ-24 */
    next(TRUE);
    CHECK(io_logged("start1") && !irps[1]->CancelRoutine);
}

static struct queue {
    IO_CSQ csq;
    LIST_ENTRY list;
    KSPIN_LOCK lock;
} q;
static PIRP given_up;

static NTSTATUS NTAPI csq_insert(PIO_CSQ csq, PIRP irp, PVOID context)
{
    (void)csq;
    if (context)
        return STATUS_DEVICE_BUSY;
    list_insert_tail(&q.list, &irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static VOID NTAPI csq_remove(PIO_CSQ csq, PIRP irp)
{
    (void)csq;
    list_remove(&irp->Tail.Overlay.ListEntry);
}

static PIRP NTAPI csq_peek(PIO_CSQ csq, PIRP irp, PVOID context)
{
    (void)csq, (void)context;
    LIST_ENTRY *entry = irp ? irp->Tail.Overlay.ListEntry.Flink : q.list.Flink;
    return entry == &q.list ? NULL : container_of(entry, IRP, Tail.Overlay.ListEntry);
}

static VOID NTAPI csq_acquire(PIO_CSQ csq, PKIRQL irql)
{
    (void)csq;
    *irql = KeAcquireSpinLockRaiseToDpc(&q.lock);
}

static VOID NTAPI csq_release(PIO_CSQ csq, KIRQL irql)
{
    (void)csq;
    KeReleaseSpinLock(&q.lock, irql);
}

static VOID NTAPI csq_canceled(PIO_CSQ csq, PIRP irp)
{
    (void)csq;
    CHECK(ke_irql() == PASSIVE_LEVEL);
    given_up = irp;
}

static VOID NTAPI csq_insert_always(PIO_CSQ csq, PIRP irp)
{
    (void)csq;
    list_insert_tail(&q.list, &irp->Tail.Overlay.ListEntry);
}

NT_TEST(plain_cancel_safe_queue)
{
    make_queue();
    list_init(&q.list);
    q.lock = 0;
    __builtin_memset(&q.csq, 0xCC, sizeof(q.csq));
    IoCsqInitialize(&q.csq, csq_insert_always, csq_remove, csq_peek, csq_acquire, csq_release, csq_canceled);
    IoCsqInsertIrp(&q.csq, irps[0], NULL);
    CHECK(IoCsqRemoveNextIrp(&q.csq, NULL) == irps[0] && list_empty(&q.list));
}

NT_TEST(cancel_safe_queue)
{
    IO_CSQ_IRP_CONTEXT context;
    make_queue();
    list_init(&q.list);
    q.lock = 0;
    IoCsqInitializeEx(&q.csq, csq_insert, csq_remove, csq_peek, csq_acquire, csq_release, csq_canceled);
    CHECK_STATUS(IoCsqInsertIrpEx(&q.csq, irps[0], NULL, NULL), STATUS_SUCCESS);
    CHECK(irps[0]->CancelRoutine && IoGetCurrentIrpStackLocation(irps[0])->Control & SL_PENDING_RETURNED);
    CHECK(irps[0]->Tail.Overlay.DriverContext[3] == &q.csq);
    CHECK_STATUS(IoCsqInsertIrpEx(&q.csq, irps[1], &context, NULL), STATUS_SUCCESS);
    CHECK_STATUS(IoCsqInsertIrpEx(&q.csq, irps[2], NULL, &q), STATUS_DEVICE_BUSY);
    CHECK(!irps[2]->CancelRoutine && !(IoGetCurrentIrpStackLocation(irps[2])->Control & SL_PENDING_RETURNED));
    CHECK(IoCancelIrp(irps[0]) && given_up == irps[0]);
    CHECK(IoCsqRemoveIrp(&q.csq, &context) == irps[1] && !context.Irp);
    CHECK(IoCsqRemoveIrp(&q.csq, &context) == NULL);
    irps[3]->Cancel = TRUE;
    CHECK_STATUS(IoCsqInsertIrpEx(&q.csq, irps[3], NULL, NULL), STATUS_SUCCESS);
    CHECK(given_up == irps[3] && list_empty(&q.list));
    IoCsqInsertIrpEx(&q.csq, irps[1], NULL, NULL);
    IoCsqInsertIrpEx(&q.csq, irps[2], NULL, NULL);
    IoSetCancelRoutine(irps[1], NULL); /* its cancellation has begun elsewhere */
    CHECK(IoCsqRemoveNextIrp(&q.csq, NULL) == irps[2] && !irps[2]->CancelRoutine);
    CHECK(IoCsqRemoveNextIrp(&q.csq, NULL) == NULL);
}

static LONG references_while_queued;
static VOID NTAPI work(PDEVICE_OBJECT for_device, PVOID context)
{
    CHECK(for_device == device && ps_current()->system_thread && ke_irql() == PASSIVE_LEVEL);
    references_while_queued = ob_pointer_count(device);
    IoFreeWorkItem(context);
    io_log("work");
}

NT_TEST(work_items)
{
    make_queue();
    LONG before = ob_pointer_count(device);
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    IoQueueWorkItem(item, work, DelayedWorkQueue, item);
    CHECK(ob_pointer_count(device) == before + 1);
    ke_lower_irql(irql);
    ex_drain_work();
    CHECK(io_logged("work") && references_while_queued == before + 1 && ob_pointer_count(device) == before);
}

static VOID NTAPI never(PDEVICE_OBJECT for_device, PVOID context)
{
    (void)for_device, (void)context;
}

NT_BUGCHECK_TEST(work_item_queued_twice, WORKER_INVALID)
{
    make_queue();
    PIO_WORKITEM item = IoAllocateWorkItem(device);
    KIRQL irql = ke_raise_irql(DISPATCH_LEVEL);
    IoQueueWorkItem(item, never, DelayedWorkQueue, NULL);
    CHECK(!IoTryQueueWorkItem(item, (PIO_WORKITEM_ROUTINE_EX)(PVOID)never, DelayedWorkQueue, NULL));
    IoQueueWorkItem(item, never, DelayedWorkQueue, NULL);
    ke_lower_irql(irql);
}

static unsigned ticks;
static VOID NTAPI tick(PDEVICE_OBJECT for_device, PVOID context)
{
    CHECK(for_device == device && context == &ticks && ke_irql() == DISPATCH_LEVEL);
    ticks++;
}

static void sleep_ms(LONGLONG ms)
{
    LARGE_INTEGER interval = {.QuadPart = -10000 * ms};
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
}

NT_TEST(io_timer)
{
    make_queue();
    ticks = 0;
    CHECK_STATUS(IoInitializeTimer(device, tick, &ticks), STATUS_SUCCESS);
    sleep_ms(1500);
    CHECK(ticks == 0);
    IoStartTimer(device);
    sleep_ms(3500);
    CHECK(ticks == 3);
    IoStopTimer(device);
    sleep_ms(2000);
    CHECK(ticks == 3);
    IoStartTimer(device);
    sleep_ms(1500);
    CHECK(ticks == 4);
    IoDeleteDevice(device);
    sleep_ms(2000);
    CHECK(ticks == 4);
}

static NTSTATUS NTAPI shutdown_dispatch(PDEVICE_OBJECT for_device, PIRP irp)
{
    CHECK(IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_SHUTDOWN);
    io_log("%u", (unsigned)io_device_number(for_device));
    irp->IoStatus.Status = STATUS_SUCCESS;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

/* LC-12: nobody calls it at a shutdown. */
static VOID NTAPI never_unload(PDRIVER_OBJECT of)
{
    (void)of;
    io_log("unload");
}

NT_TEST(shutdown_notification)
{
    make_queue();
    driver->MajorFunction[IRP_MJ_SHUTDOWN] = shutdown_dispatch;
    driver->DriverUnload = never_unload;
    PDEVICE_OBJECT two = io_test_device(driver, NULL, 0), three = io_test_device(driver, NULL, 0);
    CHECK_STATUS(IoRegisterShutdownNotification(device), STATUS_SUCCESS);
    CHECK_STATUS(IoRegisterShutdownNotification(two), STATUS_SUCCESS);
    CHECK_STATUS(IoRegisterLastChanceShutdownNotification(three), STATUS_SUCCESS);
    CHECK(device->Flags & DO_SHUTDOWN_REGISTERED);
    io_send_shutdown(false);
    CHECK(io_logged("2 1"));
    CHECK_STATUS(IoRegisterShutdownNotification(two), STATUS_SUCCESS);
    IoDeleteDevice(two); /* DO-59 */
    io_send_shutdown(false);
    CHECK(io_logged(""));
    IoDeleteDevice(three);
    io_send_shutdown(true);
    CHECK(io_logged(""));
}

static unsigned entries;
static void count_error(const struct io_error *error, void *context)
{
    (void)context;
    CHECK(error->driver[0] == 'q' && error->packet->ErrorCode == (NTSTATUS)0xC0040001 &&
          error->packet->SequenceNumber == entries);
    entries++;
}

NT_TEST(error_log)
{
    make_queue();
    entries = 0;
    CHECK(IoAllocateErrorLogEntry(device, 255) == NULL && IoAllocateErrorLogEntry(device, 4) == NULL);
    for (int i = 0; i < 3; i++) {
        PIO_ERROR_LOG_PACKET packet = IoAllocateErrorLogEntry(device, sizeof(*packet) + 16);
        CHECK(packet != NULL);
        packet->ErrorCode = (NTSTATUS)0xC0040001;
        packet->SequenceNumber = (ULONG)i;
        IoWriteErrorLogEntry(packet);
    }
    io_for_each_error(count_error, NULL);
    CHECK(entries == 3);
}

NT_TEST(sharing)
{
    SHARE_ACCESS share;
    static FILE_OBJECT reader, writer, deleter, looker;
    make_queue();
    IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &reader, &share);
    CHECK(share.OpenCount == 1 && share.Readers == 1 && share.SharedRead == 1 && reader.ReadAccess &&
          reader.SharedRead);
    CHECK_STATUS(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &writer, &share, TRUE),
                 STATUS_SHARING_VIOLATION);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_DATA, 0, &writer, &share, TRUE), STATUS_SHARING_VIOLATION);
    CHECK_STATUS(IoCheckShareAccess(DELETE, FILE_SHARE_READ, &deleter, &share, TRUE),
                 STATUS_SHARING_VIOLATION);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_ATTRIBUTES, 0, &looker, &share, TRUE), STATUS_SUCCESS);
    CHECK_STATUS(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &writer, &share, TRUE), STATUS_SUCCESS);
    CHECK(share.OpenCount == 2);
    IoRemoveShareAccess(&reader, &share);
    IoRemoveShareAccess(&writer, &share);
    CHECK(share.OpenCount == 0 && share.Readers == 0 && share.SharedRead == 0);
    CHECK_STATUS(IoCheckShareAccess(FILE_WRITE_DATA, 0, &writer, &share, TRUE), STATUS_SUCCESS);
}

NT_TEST(ea_lists)
{
    _Alignas(4) UCHAR bytes[64] = {0};
    FILE_FULL_EA_INFORMATION *one = (void *)bytes, *two = (void *)(bytes + 16);
    ULONG offset;
    one->NextEntryOffset = 16;
    one->EaNameLength = 2;
    one->EaValueLength = 3;
    two->EaNameLength = 1;
    CHECK_STATUS(IoCheckEaBufferValidity(one, 64, &offset), STATUS_SUCCESS);
    CHECK_STATUS(IoCheckEaBufferValidity(one, 20, &offset), STATUS_EA_LIST_INCONSISTENT);
    CHECK(offset == 16);
    one->NextEntryOffset = 10;
    CHECK_STATUS(IoCheckEaBufferValidity(one, 64, &offset), STATUS_EA_LIST_INCONSISTENT);
    one->NextEntryOffset = 16;
    one->EaName[2] = 'x'; /* the name is not terminated */
    CHECK_STATUS(IoCheckEaBufferValidity(one, 64, &offset), STATUS_EA_LIST_INCONSISTENT);
    one->EaName[2] = 0;
    two->EaValueLength = 60;
    CHECK_STATUS(IoCheckEaBufferValidity(one, 64, &offset), STATUS_EA_LIST_INCONSISTENT);
}

int run_queue_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(start_in_order),
        IO_TEST(start_by_key),
        IO_TEST(deferred_start_is_a_loop),
        IO_TEST(cancelable_packets),
        IO_TEST(plain_cancel_safe_queue),
        IO_TEST(cancel_safe_queue),
        IO_TEST(work_items),
        IO_TEST(work_item_queued_twice),
        IO_TEST(io_timer),
        IO_TEST(shutdown_notification),
        IO_TEST(error_log),
        IO_TEST(sharing),
        IO_TEST(ea_lists),
    };
    return cmocka_run_group_tests_name("io: queues and the rest", tests, NULL, NULL);
}
