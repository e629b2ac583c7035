/* SPDX-License-Identifier: MIT */
/*
 * The helpers of wdm.h on an IRP of three locations, and the macros on pages.
 */
#include "layout_test.h"

#include <string.h>

#include "nt/nt.h"

#define LOCATIONS 3

static struct {
    IRP irp;
    IO_STACK_LOCATION stack[LOCATIONS];
} packet;

/* As a new IRP: the current location is one past the last. */
static PIRP fresh(void)
{
    memset(&packet, 0, sizeof(packet));
    packet.irp.StackCount = LOCATIONS;
    packet.irp.CurrentLocation = LOCATIONS + 1;
    packet.irp.Tail.Overlay.CurrentStackLocation = &packet.stack[LOCATIONS];
    return &packet.irp;
}

static NTSTATUS NTAPI complete(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    (void)DeviceObject, (void)Irp, (void)Context;
    return STATUS_SUCCESS;
}

static VOID NTAPI cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject, (void)Irp;
}

void test_next_location(void **state)
{
    PIRP irp = fresh();

    (void)state;
    assert_ptr_equal(IoGetNextIrpStackLocation(irp), &packet.stack[2]);
    IoSetNextIrpStackLocation(irp);
    assert_int_equal(irp->CurrentLocation, LOCATIONS);
    assert_ptr_equal(IoGetCurrentIrpStackLocation(irp), &packet.stack[2]);
    IoMarkIrpPending(irp);
    assert_int_equal(packet.stack[2].Control, SL_PENDING_RETURNED);
    IoSkipCurrentIrpStackLocation(irp);
    assert_int_equal(irp->CurrentLocation, LOCATIONS + 1);
    assert_ptr_equal(IoGetCurrentIrpStackLocation(irp), &packet.stack[3 - 1] + 1);
}

void test_copy_location(void **state)
{
    PIRP irp = fresh();
    PIO_STACK_LOCATION next = &packet.stack[1];

    (void)state;
    IoSetNextIrpStackLocation(irp);
    memset(&packet.stack[2], 0x5A, sizeof(packet.stack[2]));
    next->CompletionRoutine = complete;
    next->Context = irp;
    IoCopyCurrentIrpStackLocationToNext(irp);
    assert_int_equal(next->Control, 0);
    assert_int_equal(next->MajorFunction, 0x5A);
    assert_memory_equal(&next->Parameters, &packet.stack[2].Parameters, sizeof(next->Parameters));
    assert_ptr_equal(next->FileObject, packet.stack[2].FileObject);
    assert_ptr_equal(next->CompletionRoutine, complete);
    assert_ptr_equal(next->Context, irp);
}

void test_completion_routine(void **state)
{
    PIRP irp = fresh();

    (void)state;
    IoSetCompletionRoutine(irp, complete, irp, TRUE, FALSE, FALSE);
    assert_int_equal(packet.stack[2].Control, SL_INVOKE_ON_SUCCESS);
    IoSetCompletionRoutine(irp, complete, irp, FALSE, TRUE, TRUE);
    assert_int_equal(packet.stack[2].Control, SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL);
    assert_ptr_equal(packet.stack[2].CompletionRoutine, complete);
    assert_ptr_equal(packet.stack[2].Context, irp);
}

void test_cancel_routine(void **state)
{
    PIRP irp = fresh();

    (void)state;
    assert_null(IoSetCancelRoutine(irp, cancel));
    assert_ptr_equal(irp->CancelRoutine, cancel);
    assert_ptr_equal(IoSetCancelRoutine(irp, NULL), cancel);
    assert_null(irp->CancelRoutine);
}

void test_page_macros(void **state)
{
    (void)state;
    _Static_assert(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1FFF, 2) == 2, "two bytes over a page boundary");
    _Static_assert(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0x1000) == 1, "a whole page");
    _Static_assert(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1234, 0) == 1, "as the macro of wdm.h counts no bytes");
    _Static_assert(BYTES_TO_PAGES(0x1001) == 2 && BYTES_TO_PAGES(0) == 0, "rounded up");
    _Static_assert(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS) == 0x222000,
                   "CTL_CODE");
    assert_ptr_equal(PAGE_ALIGN((PVOID)0x12345), (PVOID)0x12000);
    assert_int_equal(BYTE_OFFSET((PVOID)0x12345), 0x345);
    assert_int_equal(ROUND_TO_PAGES(1), PAGE_SIZE);
}
