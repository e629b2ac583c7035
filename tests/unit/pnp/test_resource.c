/* SPDX-License-Identifier: MIT */
/*
 * From requirements to resources: alternatives, preference, sharing, alignment,
 * places that are taken, forms of large memory, translation.
 */
#include "../io/io_test.h"

#include <stdio.h>
#include <string.h>

#include "hal/hal.h"
#include "pnp/resource.h"
#include "rtl/exports.h"

#define MOST 64

/* A requirements list under construction. */
static struct {
    ULONG64 room[MOST * 8];
    PIO_RESOURCE_LIST list;
} made;

static PIO_RESOURCE_REQUIREMENTS_LIST wanted(void)
{
    return (PIO_RESOURCE_REQUIREMENTS_LIST)made.room;
}

static void measure(void)
{
    const IO_RESOURCE_LIST *end = resource_next_alternative(made.list);
    wanted()->ListSize = (ULONG)((const char *)end - (const char *)made.room);
}

static void begin(void)
{
    memset(&made, 0, sizeof(made));
    wanted()->InterfaceType = PCIBus;
    wanted()->AlternativeLists = 1;
    made.list = wanted()->List;
    made.list->Version = made.list->Revision = 1;
    measure();
}

static void next_list(void)
{
    made.list = (PIO_RESOURCE_LIST)resource_next_alternative(made.list);
    made.list->Version = made.list->Revision = 1;
    wanted()->AlternativeLists++;
    measure();
}

static PIO_RESOURCE_DESCRIPTOR add(UCHAR type, UCHAR option, UCHAR share, USHORT flags)
{
    PIO_RESOURCE_DESCRIPTOR d = made.list->Descriptors + made.list->Count++;
    d->Type = type;
    d->Option = option;
    d->ShareDisposition = share;
    d->Flags = flags;
    measure();
    return d;
}

static void add_ports(UCHAR option, ULONG length, ULONG alignment, ULONG low, ULONG high)
{
    PIO_RESOURCE_DESCRIPTOR d =
        add(CmResourceTypePort, option, CmResourceShareDeviceExclusive, CM_RESOURCE_PORT_IO);
    RtlIoEncodeMemIoResource(d, CmResourceTypePort, length, alignment, low, high);
}

static void add_memory(ULONGLONG length, ULONGLONG low, ULONGLONG high)
{
    PIO_RESOURCE_DESCRIPTOR d = add(CmResourceTypeMemory, 0, CmResourceShareDeviceExclusive, 0);
    CHECK_STATUS(RtlIoEncodeMemIoResource(d, CmResourceTypeMemory, length, length, low, high), 0);
}

static void add_line(UCHAR option, UCHAR share, USHORT flags, ULONG low, ULONG high)
{
    PIO_RESOURCE_DESCRIPTOR d = add(CmResourceTypeInterrupt, option, share, flags);
    d->u.Interrupt.MinimumVector = low;
    d->u.Interrupt.MaximumVector = high;
}

static PIO_RESOURCE_DESCRIPTOR add_messages(ULONG count)
{
    PIO_RESOURCE_DESCRIPTOR d = add(CmResourceTypeInterrupt, 0, CmResourceShareShared,
                                    CM_RESOURCE_INTERRUPT_LATCHED | CM_RESOURCE_INTERRUPT_MESSAGE);
    d->u.Interrupt.MaximumVector = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN;
    d->u.Interrupt.MinimumVector = CM_RESOURCE_INTERRUPT_MESSAGE_TOKEN - count + 1;
    return d;
}

static struct resource_solution solutions[6];

static NTSTATUS solve(unsigned device)
{
    return resource_solve(wanted(), NULL, &solutions[device], &solutions[device]);
}

static const CM_PARTIAL_RESOURCE_DESCRIPTOR *got(unsigned device, unsigned index)
{
    PCM_PARTIAL_RESOURCE_DESCRIPTOR descriptors =
        solutions[device].list->List[0].PartialResourceList.PartialDescriptors;
    return descriptors + index;
}

static ULONGLONG start_of(unsigned device, unsigned index)
{
    return (ULONGLONG)got(device, index)->u.Generic.Start.QuadPart;
}

static void start(void)
{
    resource_arbiter_reset();
    resource_boot_owner = NULL;
}

static void finish(void)
{
    for (size_t i = 0; i < countof(solutions); i++)
        if (solutions[i].list)
            resource_discard(&solutions[i]);
}

NT_TEST(one_resource_for_each_requirement)
{
    start();
    begin();
    add_ports(0, 8, 8, 0x3F8, 0x3FF);
    add_memory(0x1000, 0xD0000000, 0xD000FFFF);
    add_line(0, CmResourceShareShared, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, 17, 17);
    add(CmResourceTypeDevicePrivate, 0, 0, 0)->u.DevicePrivate.Data[1] = 77;
    PIO_RESOURCE_DESCRIPTOR dma =
        add(CmResourceTypeDma, 0, CmResourceShareDeviceExclusive, CM_RESOURCE_DMA_8);
    dma->u.Dma.MinimumChannel = 3;
    dma->u.Dma.MaximumChannel = 7;
    PIO_RESOURCE_DESCRIPTOR bus = add(CmResourceTypeBusNumber, 0, CmResourceShareDeviceExclusive, 0);
    bus->u.BusNumber.Length = 2;
    bus->u.BusNumber.MinBusNumber = 5;
    bus->u.BusNumber.MaxBusNumber = 9;
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK(solutions[0].list->Count == 1 && solutions[0].list->List[0].InterfaceType == PCIBus);
    CHECK(solutions[0].list->List[0].PartialResourceList.Count == 6);
    CHECK(got(0, 0)->Type == CmResourceTypePort && start_of(0, 0) == 0x3F8 && got(0, 0)->u.Port.Length == 8);
    CHECK(got(0, 1)->Type == CmResourceTypeMemory && start_of(0, 1) == 0xD0000000);
    CHECK(got(0, 2)->u.Interrupt.Level == 17 && got(0, 2)->u.Interrupt.Vector == 17);
    CHECK(got(0, 3)->Type == CmResourceTypeDevicePrivate && got(0, 3)->u.DevicePrivate.Data[1] == 77);
    CHECK(got(0, 4)->u.Dma.Channel == 3);
    CHECK(got(0, 5)->u.BusNumber.Start == 5 && got(0, 5)->u.BusNumber.Length == 2);
    CHECK_STATUS(solve(1), STATUS_CONFLICTING_ADDRESSES);
    resource_discard(&solutions[0]);
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    finish();
}

NT_TEST(alternatives_are_tried_in_the_order_of_preference)
{
    start();
    begin();
    add_line(0, CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_LATCHED, 5, 5);
    add_line(IO_RESOURCE_ALTERNATIVE, CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_LATCHED, 7, 7);
    add_line(IO_RESOURCE_ALTERNATIVE | IO_RESOURCE_PREFERRED, CmResourceShareDeviceExclusive,
             CM_RESOURCE_INTERRUPT_LATCHED, 3, 3);
    add_ports(0, 4, 4, 0x300, 0x303);
    add_ports(IO_RESOURCE_ALTERNATIVE, 4, 4, 0x310, 0x313);
    add_ports(IO_RESOURCE_ALTERNATIVE, 4, 4, 0x320, 0x323);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    CHECK_STATUS(solve(2), STATUS_SUCCESS);
    CHECK_STATUS(solve(3), STATUS_CONFLICTING_ADDRESSES);
    CHECK(got(0, 0)->u.Interrupt.Vector == 3 && start_of(0, 1) == 0x300);
    CHECK(got(1, 0)->u.Interrupt.Vector == 5 && start_of(1, 1) == 0x310);
    CHECK(got(2, 0)->u.Interrupt.Vector == 7 && start_of(2, 1) == 0x320);
    finish();
}

NT_TEST(an_earlier_choice_is_taken_back)
{
    start();
    begin();
    add_ports(0, 4, 4, 0x300, 0x303);
    add_ports(IO_RESOURCE_ALTERNATIVE, 4, 4, 0x310, 0x313);
    add_ports(0, 4, 4, 0x300, 0x303);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK(start_of(0, 0) == 0x310 && start_of(0, 1) == 0x300);
    finish();
}

NT_TEST(lists_are_tried_by_priority)
{
    start();
    begin();
    add(CmResourceTypeConfigData, 0, 0, 0)->u.ConfigData.Priority = 0x4000;
    add_ports(0, 4, 4, 0x300, 0x303);
    next_list();
    add(CmResourceTypeConfigData, 0, 0, 0)->u.ConfigData.Priority = 0x2000;
    add_ports(0, 4, 4, 0x310, 0x313);
    next_list();
    add_ports(0, 4, 4, 0x320, 0x323);
    CHECK(resource_requirements_are_sound(wanted(), wanted()->ListSize));
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    CHECK_STATUS(solve(2), STATUS_SUCCESS);
    CHECK(start_of(0, 0) == 0x310 && start_of(1, 0) == 0x320 && start_of(2, 0) == 0x300);
    CHECK(solutions[0].list->List[0].PartialResourceList.Count == 1);
    finish();
}

NT_TEST(sharing_is_for_those_who_agree)
{
    start();
    begin();
    add_line(0, CmResourceShareShared, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, 10, 10);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    begin();
    add_line(0, CmResourceShareShared, CM_RESOURCE_INTERRUPT_LATCHED, 10, 10);
    CHECK_STATUS(solve(2), STATUS_CONFLICTING_ADDRESSES);
    begin();
    add_line(0, CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, 10, 10);
    CHECK_STATUS(solve(2), STATUS_CONFLICTING_ADDRESSES);
    finish();
}

static ULONG nobody(void *context, USHORT offset, unsigned width)
{
    return 0;
}

NT_TEST(a_choice_keeps_away_from_the_machine)
{
    struct hal_port_range model = {.first = 0xC000, .count = 0x20, .read = nobody};
    start();
    CHECK_STATUS(hal_add_ports(&model), STATUS_SUCCESS);
    begin();
    add_ports(0, 0x10, 0x10, 0, 0xFFFF);
    add_memory(0x1000, 0, ~0ull);
    add_line(0, CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_LATCHED, 0, 15);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK(start_of(0, 0) == 0xC020);
    CHECK(start_of(0, 1) >= hmem_ram_bytes());
    CHECK(got(0, 2)->u.Interrupt.Vector == 1);
    begin();
    add_ports(0, 0x20, 0x10, 0xC000, 0xC01F); /* who names it gets it */
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    begin();
    add_memory(0x1000, 0x10000, 0x10FFF); /* but never RAM */
    CHECK_STATUS(solve(2), STATUS_CONFLICTING_ADDRESSES);
    begin();
    add_line(0, CmResourceShareDeviceExclusive, CM_RESOURCE_INTERRUPT_LATCHED, 0, 0);
    CHECK_STATUS(solve(2), STATUS_SUCCESS);
    hal_remove_ports(&model);
    finish();
}

NT_TEST(large_memory_keeps_its_form)
{
    ULONGLONG start_address;
    start();
    begin();
    add_memory(1ull << 36, 1ull << 36, ~0ull);
    CHECK(made.list->Descriptors[0].Type == CmResourceTypeMemoryLarge);
    add_memory(1ull << 33, 1ull << 33, ~0ull);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK(got(0, 0)->Type == CmResourceTypeMemoryLarge && (got(0, 0)->Flags & CM_RESOURCE_MEMORY_LARGE));
    CHECK(RtlCmDecodeMemIoResource((PCM_PARTIAL_RESOURCE_DESCRIPTOR)got(0, 0), &start_address) == 1ull << 36);
    CHECK(start_address == 1ull << 36);
    CHECK(RtlCmDecodeMemIoResource((PCM_PARTIAL_RESOURCE_DESCRIPTOR)got(0, 1), &start_address) == 1ull << 33);
    CHECK(start_address == 1ull << 33);
    finish();
}

NT_TEST(messages_get_vectors_of_their_own)
{
    start();
    begin();
    add_messages(4);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    CHECK(got(0, 0)->u.MessageInterrupt.Raw.MessageCount == 4);
    ULONG first = got(0, 0)->u.MessageInterrupt.Raw.Vector;
    CHECK(first % 4 == 0 && first >= HAL_VECTOR_FIRST);
    begin();
    for (unsigned i = 0; i < 3; i++)
        add_messages(1);
    add_messages(1)->u.Interrupt.PriorityPolicy = IrqPriorityHigh;
    (made.list->Descriptors + 3)->Flags |= CM_RESOURCE_INTERRUPT_POLICY_INCLUDED;
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    for (unsigned i = 0; i < 4; i++) {
        ULONG vector = got(1, i)->u.MessageInterrupt.Raw.Vector;
        CHECK(got(1, i)->u.MessageInterrupt.Raw.MessageCount == 1);
        CHECK(vector < first || vector >= first + 4);
        CHECK(hal_line_of_vector(vector) == HAL_NO_LINE);
    }
    CHECK(got(1, 3)->u.MessageInterrupt.Raw.Vector >= 0x90);
    begin();
    for (unsigned i = 0; i < MOST - 10; i++)
        add_messages(1);
    CHECK_STATUS(solve(2), STATUS_SUCCESS);
    CHECK_STATUS(solve(3), STATUS_SUCCESS);
    CHECK_STATUS(solve(4), STATUS_CONFLICTING_ADDRESSES);
    finish();
}

NT_TEST(translated_lists_have_the_same_shape)
{
    NTSTATUS status;
    start();
    begin();
    add_ports(0, 8, 8, 0x3F8, 0x3FF);
    add_line(0, CmResourceShareShared, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, 17, 17);
    add_messages(1);
    add_memory(0x1000, 0xD0000000, 0xD000FFFF);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    PCM_RESOURCE_LIST translated = resource_translate(solutions[0].list, &status);
    CHECK_STATUS(status, STATUS_SUCCESS);
    PCM_PARTIAL_RESOURCE_LIST list = &translated->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR each = list->PartialDescriptors;
    CHECK(resource_list_bytes(translated) == resource_list_bytes(solutions[0].list));
    CHECK(list->Count == 4);
    for (unsigned i = 0; i < 4; i++)
        CHECK(each[i].Type == got(0, i)->Type && each[i].Flags == got(0, i)->Flags);
    CHECK(each[0].u.Port.Start.QuadPart == 0x3F8);
    CHECK(each[1].u.Interrupt.Vector == hal_vector_of_line(17));
    CHECK(each[1].u.Interrupt.Level == hal_vector_irql(hal_vector_of_line(17)));
    CHECK(each[1].u.Interrupt.Affinity == KeQueryActiveProcessors());
    ULONG vector = got(0, 2)->u.MessageInterrupt.Raw.Vector;
    CHECK(each[2].u.MessageInterrupt.Translated.Vector == vector);
    CHECK(each[2].u.MessageInterrupt.Translated.Level == hal_vector_irql(vector));
    CHECK(each[2].u.MessageInterrupt.Translated.Affinity == KeQueryActiveProcessors());
    resource_free(translated);
    finish();
}

/* The first device has something at boot that the second could have too. */
static const void *boot_of_first(enum resource_space space, uint64_t first, uint64_t last, const void *owner)
{
    return owner != &solutions[0] && space == RESOURCE_PORTS && first <= 0xD007 && last >= 0xD000
               ? &solutions[0]
               : NULL;
}

NT_TEST(boot_places_are_preferred_and_respected)
{
    start();
    resource_boot_owner = boot_of_first;
    begin();
    add_ports(0, 8, 8, 0xD000, 0xD007);
    CHECK_STATUS(solve(5), STATUS_SUCCESS);
    PCM_RESOURCE_LIST boot = solutions[5].list;
    solutions[5].list = NULL;
    resource_discard(&solutions[5]);
    begin();
    add_ports(0, 8, 8, 0xD000, 0xD00F);
    CHECK_STATUS(solve(1), STATUS_SUCCESS);
    CHECK(start_of(1, 0) == 0xD008);
    begin();
    add_ports(0, 8, 8, 0, 0xFFFF);
    CHECK_STATUS(resource_solve(wanted(), boot, &solutions[0], &solutions[0]), STATUS_SUCCESS);
    CHECK(start_of(0, 0) == 0xD000);
    resource_discard(&solutions[0]);
    begin();
    add_ports(0, 8, 8, 0xD000, 0xD007); /* nothing else will do */
    CHECK_STATUS(solve(2), STATUS_SUCCESS);
    resource_free(boot);
    finish();
}

NT_TEST(resources_become_requirements_for_them_alone)
{
    struct resource_solution again = {0};
    start();
    begin();
    add_ports(0, 8, 8, 0x3F8, 0x3FF);
    add_line(0, CmResourceShareShared, CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE, 17, 17);
    add_messages(2);
    add_memory(1ull << 33, 1ull << 33, ~0ull);
    CHECK_STATUS(solve(0), STATUS_SUCCESS);
    PIO_RESOURCE_REQUIREMENTS_LIST fixed = resource_requirements_from(solutions[0].list);
    CHECK(resource_requirements_are_sound(fixed, fixed->ListSize));
    CHECK_STATUS(resource_solve(fixed, NULL, &again, &again), STATUS_CONFLICTING_ADDRESSES);
    size_t bytes = resource_list_bytes(solutions[0].list);
    PCM_RESOURCE_LIST before = resource_copy(solutions[0].list, bytes);
    resource_discard(&solutions[0]);
    CHECK_STATUS(resource_solve(fixed, NULL, &again, &again), STATUS_SUCCESS);
    CHECK(resource_list_bytes(again.list) == bytes && memcmp(again.list, before, bytes) == 0);
    resource_discard(&again);
    resource_free(before);
    resource_free(fixed);
    finish();
}

NT_TEST(nonsense_is_measured_first)
{
    start();
    begin();
    add_ports(0, 8, 8, 0x3F8, 0x3FF);
    CHECK(resource_requirements_are_sound(wanted(), wanted()->ListSize));
    CHECK(!resource_requirements_are_sound(wanted(), wanted()->ListSize - 1));
    made.list->Count = 2;
    CHECK(!resource_requirements_are_sound(wanted(), wanted()->ListSize));
    made.list->Count = 0x7FFFFFFF;
    CHECK(!resource_requirements_are_sound(wanted(), wanted()->ListSize));
    begin();
    add(CmResourceTypeDeviceSpecific, 0, 0, 0); /* is none of requirements lists */
    CHECK_STATUS(solve(0), STATUS_CONFLICTING_ADDRESSES);
    begin();
    add_messages(500);
    CHECK_STATUS(solve(0), STATUS_CONFLICTING_ADDRESSES);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(one_resource_for_each_requirement),
        IO_TEST(alternatives_are_tried_in_the_order_of_preference),
        IO_TEST(an_earlier_choice_is_taken_back),
        IO_TEST(lists_are_tried_by_priority),
        IO_TEST(sharing_is_for_those_who_agree),
        IO_TEST(a_choice_keeps_away_from_the_machine),
        IO_TEST(large_memory_keeps_its_form),
        IO_TEST(messages_get_vectors_of_their_own),
        IO_TEST(translated_lists_have_the_same_shape),
        IO_TEST(boot_places_are_preferred_and_respected),
        IO_TEST(resources_become_requirements_for_them_alone),
        IO_TEST(nonsense_is_measured_first),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed == 0)
        printf("rules: PS-04 PH-27 INT-01 INT-02 INT-14\n");
    return failed;
}
