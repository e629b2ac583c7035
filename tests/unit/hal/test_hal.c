/* SPDX-License-Identifier: MIT */
/*
 * The machine around the CPU: ports, device memory, MSRs, clock, PCI, firmware.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hal/exports.h"
#include "hal/internal.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/pcr.h"

static KPCR pcr __attribute__((aligned(64)));

static int set_up(void **state)
{
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 64 << 20};

    if (!NT_SUCCESS(host_init(&config)) || !NT_SUCCESS(hmem_init(config.ram_bytes)))
        return -1;
    pcr.Self = &pcr;
    arch_set_gs(&pcr);
    return NT_SUCCESS(hal_init()) ? 0 : -1;
}

static int tear_down(void **state)
{
    hal_fini();
    hmem_fini();
    host_fini();
    return 0;
}

struct log {
    ULONG value;
    USHORT offset;
    unsigned width;
};

static ULONG log_read(void *context, USHORT offset, unsigned width)
{
    struct log *log = context;

    log->offset = offset;
    log->width = width;
    return 0x89ABCDEF;
}

static void log_write(void *context, USHORT offset, ULONG value, unsigned width)
{
    *(struct log *)context = (struct log){value, offset, width};
}

static void ports_reach_their_range(void **state)
{
    struct log log = {0};
    struct hal_port_range range = {
        .first = 0x3F8, .count = 8, .context = &log, .read = log_read, .write = log_write};
    struct hal_port_range overlapping = {.first = 0x3FF, .count = 1}, beyond = {.first = 0xFFFF, .count = 2};

    assert_int_equal(hal_add_ports(&range), STATUS_SUCCESS);
    assert_int_equal(hal_add_ports(&overlapping), STATUS_CONFLICTING_ADDRESSES);
    assert_int_equal(hal_add_ports(&beyond), STATUS_INVALID_PARAMETER);
    assert_int_equal(hal_port_read(0x3F9, 1), 0xEF);
    assert_int_equal(log.offset, 1);
    assert_int_equal(hal_port_read(0x3FC, 2), 0xCDEF);
    assert_int_equal(hal_port_read(0x3F8, 4), 0x89ABCDEF);
    assert_int_equal(log.width, 4);
    hal_port_write(0x3FF, 0x12345678, 1);
    assert_int_equal(log.value, 0x78);
    assert_int_equal(log.offset, 7);
    assert_int_equal(READ_PORT_USHORT((PUSHORT)0x3F8), 0xCDEF);
    hal_remove_ports(&range);
    assert_int_equal(hal_port_read(0x3F9, 1), 0xFF);
    assert_int_equal(hal_port_read(0x3F9, 2), 0xFFFF);
    assert_int_equal(hal_port_read(0x3F9, 4), 0xFFFFFFFF);
    hal_port_write(0x3F9, 1, 1); /* into the void */
}

static void mmio_read(void *context, uint64_t offset, void *value, unsigned width)
{
    memset(value, (int)(offset & 0xFF), width);
}

static void mmio_write(void *context, uint64_t offset, const void *value, unsigned width)
{
    memcpy((UCHAR *)context + offset % 64, value, width);
}

static void device_memory_reaches_its_range(void **state)
{
    UCHAR bytes[64] = {0};
    uint64_t value = 0;
    struct hal_mmio_range range = {
        .first = 0xFEB00000, .length = 0x2000, .context = bytes, .read = mmio_read, .write = mmio_write};
    struct hal_mmio_range overlapping = {.first = 0xFEB01000, .length = 0x1000};
    struct hal_mmio_range in_ram = {.first = 0x100000, .length = 0x1000},
                          odd = {.first = 0xFEC00008, .length = 0x1000};
    volatile ULONG *va = hmem_reserve(HMEM_SYSTEM, 1, 1, 0);

    assert_int_equal(hal_add_mmio(&range), STATUS_SUCCESS);
    assert_int_equal(hal_add_mmio(&overlapping), STATUS_CONFLICTING_ADDRESSES);
    assert_int_equal(hal_add_mmio(&in_ram), STATUS_INVALID_PARAMETER);
    assert_int_equal(hal_add_mmio(&odd), STATUS_INVALID_PARAMETER);
    assert_true(hal_mmio_read(0xFEB00004, &value, 4));
    assert_int_equal(value, 0x04040404);
    assert_true(hal_mmio_read(0xFEB00006, &value, 8)); /* 2, 4 and 2 bytes */
    assert_int_equal(value, 0x0C0C080808080606);
    value = 0;
    assert_true(hal_mmio_read(0xFEB01FFE, &value, 4)); /* half of it answers */
    assert_int_equal(value, 0xFFFFFEFE);
    assert_false(hal_mmio_read(0xFEB02000, &value, 1));
    assert_int_equal(hmem_map_run((void *)va, 0xFEB00, 1, HMEM_RW), STATUS_SUCCESS);
    assert_int_equal(READ_REGISTER_ULONG(va + 2), 0x08080808);
    WRITE_REGISTER_ULONG(va + 1, 0x11223344);
    assert_memory_equal(bytes + 4, "\x44\x33\x22\x11", 4);
    hal_remove_mmio(&range);
    assert_int_equal(READ_REGISTER_ULONG(va), 0xFFFFFFFF);
    hmem_unmap((void *)va, 1);
    hmem_release((void *)va, 1);
}

static void registers_in_ram_are_memory(void **state)
{
    USHORT words[4] = {1, 2, 3, 4}, copy[4] = {0};

    READ_REGISTER_BUFFER_USHORT(words, copy, 4);
    assert_memory_equal(words, copy, sizeof(words));
    WRITE_REGISTER_UCHAR((volatile UCHAR *)words, 9);
    assert_int_equal(words[0], 9);
    WRITE_REGISTER_ULONG64((volatile ULONG64 *)words, 0x1111222233334444);
    assert_int_equal(READ_REGISTER_ULONG64((volatile ULONG64 *)words), 0x1111222233334444);
}

static void msrs_are_known_or_refused(void **state)
{
    uint64_t value;

    assert_true(hal_msr_read(0x1B, &value));
    assert_int_equal(value, 0xFEE00900);
    assert_true(hal_msr_read(0xC0000080, &value));
    assert_int_equal(value & 0x500, 0x500);
    assert_true(hal_msr_read(0x19C, &value));
    assert_int_equal(value >> 31 & 1, 1);
    assert_true(hal_msr_read(0x35, &value));
    assert_int_equal(value, 0x10001); /* one core, one thread */
    assert_false(hal_msr_write(0x35, 0));
    assert_false(hal_msr_read(0x12345, &value));
    assert_false(hal_msr_write(0x12345, 0));
    assert_false(hal_msr_write(0x3A, 0)); /* locked */
    assert_true(hal_msr_write(0x174, 0x10));
    assert_true(hal_msr_read(0x174, &value));
    assert_int_equal(value, 0x10);
    assert_true(hal_msr_read(0x175, &value));
    assert_int_equal(value, 0);
    assert_true(hal_msr_read(0xC0000101, &value));
    assert_int_equal(value, (uintptr_t)&pcr);
    assert_false(hal_msr_write(0xC0000101, 0));
    assert_true(hal_msr_write(0xC0000101, (uintptr_t)&pcr));
}

static void an_msr_of_ones_own(void **state)
{
    uint64_t value;

    hal_set_msr(0x12346, 7);
    assert_true(hal_msr_read(0x12346, &value));
    assert_int_equal(value, 7);
    assert_true(hal_msr_write(0x12346, 8));
    hal_set_msr(0x1A2, 90u << 16);
    assert_true(hal_msr_read(0x1A2, &value));
    assert_int_equal(value >> 16, 90);
}

static void the_counter_follows_the_clock(void **state)
{
    uint64_t before = hal_tsc(), value;

    host_advance(10000); /* 1 ms */
    assert_int_equal(hal_tsc() - before, 3000000);
    assert_true(hal_msr_read(0x10, &value));
    assert_int_equal(value, hal_tsc());
}

static void control_registers(void **state)
{
    uint64_t cr0 = hal_control_register_read(0), cr3 = hal_control_register_read(3);

    assert_int_equal(cr0 & 0x80010001, 0x80010001);
    assert_true(hal_control_register_write(0, cr0 & ~0x10000ull)); /* WP off and on: what patchers do */
    assert_int_equal(hal_control_register_read(0), cr0 & ~0x10000ull);
    assert_true(hal_control_register_write(0, cr0));
    assert_false(hal_control_register_write(0, cr0 & ~1ull));
    assert_true(hal_control_register_write(3, cr3));
    assert_false(hal_control_register_write(3, cr3 + 0x1000));
    assert_false(hal_control_register_write(4, 0));
    assert_int_not_equal(cr3, 0);
}

static unsigned bcd(UCHAR value)
{
    return (value >> 4) * 10u + (value & 15u);
}

static UCHAR cmos(UCHAR index)
{
    hal_port_write(0x70, index, 1);
    return (UCHAR)hal_port_read(0x71, 1);
}

static void set_cmos(UCHAR index, UCHAR value)
{
    hal_port_write(0x70, index, 1);
    hal_port_write(0x71, value, 1);
}

static void the_clock_runs(void **state)
{
    unsigned before = bcd(cmos(0)) + bcd(cmos(2)) * 60 + bcd(cmos(4)) * 3600, after;

    host_advance(61 * 10000000ull);
    after = bcd(cmos(0)) + bcd(cmos(2)) * 60 + bcd(cmos(4)) * 3600;
    assert_int_equal((after + 86400 - before) % 86400, 61);
    assert_int_equal(cmos(13), 0x80);
    assert_int_equal(cmos(10) & 0x80, 0);
}

static void the_clock_can_be_set(void **state)
{
    set_cmos(11, 0x82); /* SET, 24 hours, BCD */
    set_cmos(0x32, 0x20);
    set_cmos(9, 0x24);
    set_cmos(8, 0x02);
    set_cmos(7, 0x28);
    set_cmos(4, 0x23);
    set_cmos(2, 0x59);
    set_cmos(0, 0x58);
    set_cmos(11, 0x02);
    host_advance(3 * 10000000ull);
    assert_int_equal(cmos(7), 0x29); /* a leap year */
    assert_int_equal(cmos(8), 0x02);
    assert_int_equal(cmos(4), 0x00);
    assert_int_equal(cmos(0), 0x01);
    assert_int_equal(cmos(6), 5); /* Thursday */
    set_cmos(11, 0x06);           /* binary */
    host_advance(20 * 10000000ull);
    assert_int_equal(cmos(0), 21);
    set_cmos(11, 0x00); /* 12 hours */
    assert_int_equal(cmos(4), 0x12);
    host_advance(13 * 3600 * 10000000ull);
    assert_int_equal(cmos(4), 0x81);
    set_cmos(11, 0x02);
}

/* Register C: events set their flags whether they may interrupt or not, and reading it clears them. */
static void the_clock_tells_its_events(void **state)
{
    set_cmos(11, 0x02);
    set_cmos(10, 0x26); /* 1024 a second */
    cmos(12);
    assert_int_equal(cmos(12), 0);
    host_advance(9000);
    assert_int_equal(cmos(12), 0);
    host_advance(10000);
    assert_int_equal(cmos(12), 0x40);
    host_advance(10000000);
    assert_int_equal(cmos(12) & 0xD0, 0x50);
    set_cmos(10, 0x20); /* no rate */
    set_cmos(1, 0xC0);  /* the alarm: every second */
    set_cmos(3, 0xFF);
    set_cmos(5, 0xFF);
    host_advance(10000000);
    assert_int_equal(cmos(12), 0x30);
    set_cmos(1, (UCHAR)(cmos(0) == 0x30 ? 0x31 : 0x30)); /* once a minute */
    cmos(12);
    host_advance(60 * 10000000ull);
    assert_int_equal(cmos(12), 0x30);
    set_cmos(11, 0x92); /* while it is set nothing is updated, and UIE goes */
    assert_int_equal(cmos(11), 0x82);
    host_advance(100 * 10000000ull);
    assert_int_equal(cmos(12), 0);
    set_cmos(11, 0x02);
    set_cmos(10, 0x26);
}

static void cmos_memory(void **state)
{
    USHORT sum = 0;

    for (UCHAR i = 0x10; i < 0x2E; i++)
        sum = (USHORT)(sum + cmos(i));
    assert_int_equal(sum, cmos(0x2E) << 8 | cmos(0x2F));
    assert_int_equal(cmos(0x15) | cmos(0x16) << 8, 640);
    set_cmos(0x40, 0x5A);
    assert_int_equal(cmos(0x40), 0x5A);
    set_cmos(13, 0);
    assert_int_equal(cmos(13), 0x80);
}

static UCHAR config_space[256];

static void config_read(void *context, ULONG offset, void *buffer, ULONG length)
{
    memcpy(buffer, config_space + offset, length);
}

static void config_write(void *context, ULONG offset, const void *buffer, ULONG length)
{
    memcpy(config_space + offset, buffer, length);
}

static void an_empty_bus(void **state)
{
    UCHAR header[64];

    memset(header, 0xAA, sizeof(header));
    hal_port_write(0xCF8, 0x80000000, 4);
    assert_int_equal(hal_port_read(0xCF8, 4), 0x80000000);
    assert_int_equal(hal_port_read(0xCFC, 4), 0xFFFFFFFF);
    assert_int_equal(hal_port_read(0xCFC, 2), 0xFFFF);
    assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 0, 3, header, 0, 64), 2);
    assert_memory_equal(header, "\xFF\xFF\xAA", 3);
    assert_int_equal(HalGetBusData(PCIConfiguration, 1, 0, header, 64), 0);
    assert_int_equal(HalGetBusData(EisaConfiguration, 0, 0, header, 64), 0);
    assert_int_equal(HalSetBusDataByOffset(PCIConfiguration, 0, 3, header, 0, 64), 0);
}

static void a_function_on_the_bus(void **state)
{
    struct hal_pci_function function = {
        .device = 5, .function = 1, .read = config_read, .write = config_write};
    struct hal_pci_function same = function;
    UCHAR bytes[8];
    ULONG slot = 5 | 1 << 5;

    memcpy(config_space, "\x86\x80\x34\x12", 4);
    assert_int_equal(hal_add_pci(&function), STATUS_SUCCESS);
    assert_int_equal(hal_add_pci(&same), STATUS_CONFLICTING_ADDRESSES);
    hal_port_write(0xCF8, 0x80002900, 4);
    assert_int_equal(hal_port_read(0xCFC, 4), 0x12348086);
    assert_int_equal(hal_port_read(0xCFE, 2), 0x1234);
    hal_port_write(0xCF8, 0x80002940, 4);
    hal_port_write(0xCFD, 0x77, 1);
    assert_int_equal(config_space[0x41], 0x77);
    hal_port_write(0xCF8, 0x00002900, 4); /* not enabled */
    assert_int_equal(hal_port_read(0xCFC, 4), 0xFFFFFFFF);
    assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 0, slot, bytes, 2, 2), 2);
    assert_memory_equal(bytes, "\x34\x12", 2);
    assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 0, slot, bytes, 252, 8), 4);
    assert_int_equal(HalSetBusDataByOffset(PCIConfiguration, 0, slot, "zz", 0x60, 2), 2);
    assert_memory_equal(config_space + 0x60, "zz", 2);
    hal_remove_pci(&function);
}

static void cmos_through_bus_data(void **state)
{
    UCHAR bytes[2] = {0x11, 0x22};

    assert_int_equal(HalSetBusData(Cmos, 0, 0x50, bytes, 2), 2);
    bytes[0] = bytes[1] = 0;
    assert_int_equal(HalGetBusData(Cmos, 0, 0x50, bytes, 2), 2);
    assert_memory_equal(bytes, "\x11\x22", 2);
    assert_int_equal(HalGetBusData(Cmos, 0, 0x7F, bytes, 2), 1);
}

static void bus_addresses_are_physical(void **state)
{
    PHYSICAL_ADDRESS bus = {.QuadPart = 0xFEB00000}, out = {.QuadPart = 0};
    ULONG space = 0;

    assert_true(HalTranslateBusAddress(PCIBus, 0, bus, &space, &out));
    assert_int_equal(out.QuadPart, 0xFEB00000);
    assert_int_equal(space, 0);
    space = 1;
    assert_false(HalTranslateBusAddress(Isa, 0, bus, &space, &out));
    bus.QuadPart = 0x3F8;
    assert_true(HalTranslateBusAddress(Isa, 0, bus, &space, &out));
    assert_int_equal(space, 1);
    assert_false(HalTranslateBusAddress(PCIBus, 9, bus, &space, &out));
    assert_false(HalTranslateBusAddress(VMEBus, 0, bus, &space, &out));
}

static void the_speaker(void **state)
{
    struct log timer = {0}, gate = {0};
    struct hal_port_range at_timer = {.first = 0x42, .count = 2, .context = &timer, .write = log_write};
    struct hal_port_range at_gate = {.first = 0x61, .count = 1, .context = &gate, .write = log_write};

    hal_add_ports(&at_timer);
    hal_add_ports(&at_gate);
    assert_true(HalMakeBeep(1000));
    assert_int_equal(timer.value, 1193 >> 8);
    assert_int_equal(gate.value & 3, 3);
    assert_true(HalMakeBeep(0));
    assert_int_equal(gate.value & 3, 0);
    assert_false(HalMakeBeep(10));
    assert_false(HalMakeBeep(2000000));
    hal_remove_ports(&at_timer);
    hal_remove_ports(&at_gate);
}

static UCHAR sum(const UCHAR *bytes, size_t length)
{
    UCHAR total = 0;

    while (length-- > 0)
        total = (UCHAR)(total + *bytes++);
    return total;
}

static const UCHAR *find_anchor(const char *anchor)
{
    for (uint64_t pa = 0xE0000; pa < 0x100000; pa += 16) {
        if (memcmp(hmem_physical(pa), anchor, strlen(anchor)) == 0)
            return hmem_physical(pa);
    }
    return NULL;
}

static void smbios_is_found_and_sound(void **state)
{
    const UCHAR *entry = find_anchor("_SM_"), *at;
    USHORT count, length;
    ULONG table;
    unsigned seen = 0;

    assert_non_null(entry);
    assert_int_equal(sum(entry, entry[5]), 0);
    assert_int_equal(sum(entry + 0x10, 15), 0);
    memcpy(&length, entry + 0x16, 2);
    memcpy(&table, entry + 0x18, 4);
    memcpy(&count, entry + 0x1C, 2);
    for (at = hmem_physical(table); seen < count; seen++) {
        UCHAR type = at[0];
        at += at[1];
        while (at[0] != 0 || at[1] != 0)
            at++;
        at += 2;
        assert_int_equal(type == 127, seen == count - 1u);
    }
    assert_int_equal(at - (const UCHAR *)hmem_physical(table), length);
}

static void acpi_is_found_and_sound(void **state)
{
    const UCHAR *root = find_anchor("RSD PTR ");
    ULONG rsdt, length;

    assert_non_null(root);
    assert_int_equal(sum(root, 20), 0);
    assert_int_equal(sum(root, 36), 0);
    memcpy(&rsdt, root + 16, 4);
    assert_memory_equal(hmem_physical(rsdt), "RSDT", 4);
    memcpy(&length, (const UCHAR *)hmem_physical(rsdt) + 4, 4);
    assert_int_equal(sum(hmem_physical(rsdt), length), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_reach_their_range),
        cmocka_unit_test(device_memory_reaches_its_range),
        cmocka_unit_test(registers_in_ram_are_memory),
        cmocka_unit_test(msrs_are_known_or_refused),
        cmocka_unit_test(an_msr_of_ones_own),
        cmocka_unit_test(the_counter_follows_the_clock),
        cmocka_unit_test(control_registers),
        cmocka_unit_test(the_clock_runs),
        cmocka_unit_test(the_clock_can_be_set),
        cmocka_unit_test(the_clock_tells_its_events),
        cmocka_unit_test(cmos_memory),
        cmocka_unit_test(an_empty_bus),
        cmocka_unit_test(a_function_on_the_bus),
        cmocka_unit_test(cmos_through_bus_data),
        cmocka_unit_test(bus_addresses_are_physical),
        cmocka_unit_test(the_speaker),
        cmocka_unit_test(smbios_is_found_and_sound),
        cmocka_unit_test(acpi_is_found_and_sound),
    };

    return cmocka_run_group_tests_name("hal", tests, set_up, tear_down);
}
