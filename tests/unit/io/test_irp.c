/* SPDX-License-Identifier: MIT */
/* Storage of IRPs: what a new one holds, numbers, reuse, raw memory, wrong frees; threads' lists; counters.
 */
#include "io_test.h"

NT_TEST(new_irp)
{
    PIRP irp = IoAllocateIrp(3, FALSE);
    CHECK(irp->Type == IO_TYPE_IRP && irp->Size == IoSizeOfIrp(3));
    CHECK(irp->StackCount == 3 && irp->CurrentLocation == 4);
    CHECK(irp->Tail.Overlay.CurrentStackLocation == (PIO_STACK_LOCATION)(irp + 1) + 3);
    CHECK(!irp->Tail.Overlay.Thread && !irp->UserIosb && !irp->MdlAddress);
    CHECK(list_empty(&irp->ThreadListEntry));
    for (unsigned i = 0; i < 3 * sizeof(IO_STACK_LOCATION); i++)
        CHECK(((UCHAR *)(irp + 1))[i] == 0);
    IoFreeIrp(irp);
}

NT_TEST(every_stack_size)
{
    for (int size = 1; size <= 127; size++) {
        PIRP irp = IoAllocateIrp((CCHAR)size, TRUE);
        CHECK(irp && irp->StackCount == size && io_irp_of(irp));
        CHECK(((ULONG_PTR)irp & 15) == 0);
        __builtin_memset(irp + 1, 0xFF, (size_t)size * sizeof(IO_STACK_LOCATION));
        IoFreeIrp(irp);
    }
    CHECK(IoAllocateIrp(-1, FALSE) == NULL);
}

static void count(PIRP irp, void *context)
{
    (void)irp;
    ++*(unsigned *)context;
}

NT_TEST(many_and_numbers)
{
    static PIRP irps[1000];
    unsigned live = 0;
    for (unsigned i = 0; i < countof(irps); i++) {
        irps[i] = IoAllocateIrp(2, FALSE);
        CHECK(i == 0 || io_irp_number(irps[i]) == io_irp_number(irps[i - 1]) + 1);
    }
    io_for_each_irp(count, &live);
    CHECK(live == countof(irps));
    for (unsigned i = 0; i < countof(irps); i++)
        IoFreeIrp(irps[i]);
    live = 0;
    io_for_each_irp(count, &live);
    CHECK(live == 0);
}

NT_TEST(reuse_keeps_what_it_must)
{
    PIRP irp = IoAllocateIrp(2, TRUE);
    UCHAR flags = irp->AllocationFlags;
    irp->IoStatus.Information = 5;
    IoSetNextIrpStackLocation(irp);
    IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
    CHECK(irp->AllocationFlags == flags && irp->IoStatus.Status == STATUS_NOT_SUPPORTED &&
          !irp->IoStatus.Information);
    CHECK(irp->CurrentLocation == 3 && irp->StackCount == 2);
    IoFreeIrp(irp);
}

NT_TEST(raw_memory)
{
    PIRP irp = mm_pool_allocate(NonPagedPool, IoSizeOfIrp(2) + 32, IO_STATE_TAG, false, io_test_driver);
    __builtin_memset(irp, 0xCC, IoSizeOfIrp(2) + 32);
    IoInitializeIrp(irp, IoSizeOfIrp(2), 2);
    CHECK(irp->StackCount == 2 && irp->CurrentLocation == 3 && irp->Flags == 0);
    CHECK(((UCHAR *)irp)[IoSizeOfIrp(2)] == 0xCC);
    IoFreeIrp(irp);
}

NT_BUGCHECK_TEST(freed_twice, BAD_POOL_CALLER)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoFreeIrp(irp);
    IoFreeIrp(irp);
}

NT_BUGCHECK_TEST(completed_after_free, MULTIPLE_IRP_COMPLETE_REQUESTS)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    IoFreeIrp(irp);
    IofCompleteRequest(irp, IO_NO_INCREMENT);
}

NT_TEST(transfer_counters)
{
    struct io_transfers before, after;
    io_transfer_counts(&before);
    io_count_transfer(IRP_READ_OPERATION, 10);
    io_count_transfer(IRP_WRITE_OPERATION, 20);
    io_count_transfer(0, 40);
    io_transfer_counts(&after);
    CHECK(after.read_bytes - before.read_bytes == 10 && after.read_operations - before.read_operations == 1);
    CHECK(after.write_bytes - before.write_bytes == 20 &&
          after.write_operations - before.write_operations == 1);
    CHECK(after.other_bytes - before.other_bytes == 40 &&
          after.other_operations - before.other_operations == 1);
}

int run_irp_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(new_irp),
        IO_TEST(every_stack_size),
        IO_TEST(many_and_numbers),
        IO_TEST(reuse_keeps_what_it_must),
        IO_TEST(raw_memory),
        IO_TEST(freed_twice),
        IO_TEST(completed_after_free),
        IO_TEST(transfer_counters),
    };
    return cmocka_run_group_tests_name("io: storage of IRPs", tests, NULL, NULL);
}
