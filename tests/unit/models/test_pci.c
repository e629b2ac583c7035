/* SPDX-License-Identifier: MIT */
/*
 * PCI functions: configuration space, sizing and moving of BARs, interrupts by
 * line and by message, power states, the described function.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "hal/exports.h"
#include "hal/internal.h"
#include "host/host.h"
#include "host/memory.h"
#include "models/model.h"
#include "models/pci.h"
#include "nt/pcr.h"

#define COMMAND 4

static KPCR pcr __attribute__((aligned(64)));
static char message[200];

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

/* ---- what the device sends, as the linker's --wrap lets us see it ---- */

static struct {
    uint64_t address;
    ULONG data;
    unsigned count;
} sent;

void __wrap_hal_send_message(uint64_t address, ULONG data);
void __wrap_hal_send_message(uint64_t address, ULONG data)
{
    sent.address = address;
    sent.data = data;
    sent.count++;
}

static struct {
    unsigned bar, width, reads, writes, resets;
    uint64_t offset, value;
} last;

static uint64_t device_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned width)
{
    last.bar = bar;
    last.offset = offset;
    last.width = width;
    last.reads++;
    return 0x1122334455667788;
}

static void device_write(struct pci_function *f, unsigned bar, uint64_t offset, uint64_t value,
                         unsigned width)
{
    last.bar = bar;
    last.offset = offset;
    last.width = width;
    last.value = value;
    last.writes++;
}

static void device_reset(struct pci_function *f)
{
    last.resets++;
}

static const struct pci_ops ops = {device_read, device_write, device_reset};

static struct pci_function describe(void)
{
    return (struct pci_function){
        .device = 3,
        .vendor_id = 0x1234,
        .device_id = 0x5678,
        .subsystem_vendor_id = 0x9ABC,
        .subsystem_id = 0xDEF0,
        .class_code = 0x020000,
        .revision = 7,
        .interrupt_pin = 1,
        .ops = &ops,
        .bars = {{.kind = PCI_BAR_PORTS, .size = 32},
                 {.kind = PCI_BAR_REGISTERS, .size = 8192},
                 {.kind = PCI_BAR_MEMORY, .size = 1 << 20, .is_64bit = true, .prefetchable = true}}};
}

static void add(struct pci_function *f)
{
    memset(&sent, 0, sizeof(sent));
    memset(&last, 0, sizeof(last));
    if (!NT_SUCCESS(pci_add(f, message, sizeof(message))))
        fail_msg("%s", message);
}

static ULONG get(struct pci_function *f, ULONG offset, unsigned width)
{
    ULONG value = 0;

    assert_int_equal(hal_pci_read(0, f->device, f->function, offset, &value, width), width);
    return value;
}

static void put(struct pci_function *f, ULONG offset, ULONG value, unsigned width)
{
    assert_int_equal(hal_pci_write(0, f->device, f->function, offset, &value, width), width);
}

static void the_header_tells_who_it_is(void **state)
{
    struct pci_function f = describe();
    UCHAR config[64];

    add(&f);
    assert_int_equal(HalGetBusData(PCIConfiguration, 0, 3, config, sizeof(config)), sizeof(config));
    assert_memory_equal(config, "\x34\x12\x78\x56", 4);
    assert_memory_equal(config + 8, "\7\0\0\2", 4); /* revision and class */
    assert_int_equal(config[0xE], 0);
    assert_memory_equal(config + 0x2C, "\xBC\x9A\xF0\xDE", 4);
    assert_int_equal(config[0x3D], 1);
    assert_int_equal(config[0x3C], 19); /* INTA of device 3 */
    assert_int_equal(config[4], 3);     /* firmware has enabled both spaces */
    put(&f, 0, 0xFFFFFFFF, 4);
    put(&f, 8, 0xFFFFFFFF, 4);
    assert_int_equal(get(&f, 0, 4), 0x56781234);
    assert_int_equal(get(&f, 8, 4), 0x02000007);
    put(&f, 0x3C, 0x2A, 1);
    assert_int_equal(get(&f, 0x3C, 2), 0x12A);
    put(&f, COMMAND, 0xFFFF, 2);
    assert_int_equal(get(&f, COMMAND, 2), 0x547);
    pci_remove(&f);
    assert_int_equal(HalGetBusData(PCIConfiguration, 0, 3, config, sizeof(config)), 2);
    assert_memory_equal(config, "\xFF\xFF", 2);
}

static void the_ports_of_mechanism_1_reach_it(void **state)
{
    struct pci_function f = describe();

    add(&f);
    hal_port_write(0xCF8, 0x80000000 | 3 << 11 | 0x2C, 4);
    assert_int_equal(hal_port_read(0xCFC, 4), 0xDEF09ABC);
    assert_int_equal(hal_port_read(0xCFE, 2), 0xDEF0);
    assert_int_equal(hal_port_read(0xCFD, 1), 0x9A);
    hal_port_write(0xCF8, 0x80000000 | 3 << 11 | 0x3C, 4);
    hal_port_write(0xCFC, 0x55, 1);
    assert_int_equal(get(&f, 0x3C, 1), 0x55);
    hal_port_write(0xCF8, 3 << 11, 4); /* not enabled */
    assert_int_equal(hal_port_read(0xCFC, 4), 0xFFFFFFFF);
    pci_remove(&f);
}

static void bars_tell_their_size(void **state)
{
    struct pci_function f = describe();

    add(&f);
    assert_int_equal(get(&f, 0x10, 4) & 0xFF03, 0xC001 & 0xFF03);
    put(&f, 0x10, 0xFFFFFFFF, 4);
    assert_int_equal(get(&f, 0x10, 4), 0xFFFFFFE1);
    put(&f, 0x14, 0xFFFFFFFF, 4);
    assert_int_equal(get(&f, 0x14, 4), 0xFFFFE000);
    put(&f, 0x18, 0xFFFFFFFF, 4);
    put(&f, 0x1C, 0xFFFFFFFF, 4);
    assert_int_equal(get(&f, 0x18, 4), 0xFFF0000C);
    assert_int_equal(get(&f, 0x1C, 4), 0xFFFFFFFF);
    put(&f, 0x20, 0xFFFFFFFF, 4);
    put(&f, 0x24, 0xFFFFFFFF, 4);
    put(&f, 0x30, 0xFFFFFFFF, 4);
    assert_int_equal(get(&f, 0x20, 4), 0); /* no such BARs, no ROM */
    assert_int_equal(get(&f, 0x24, 4), 0);
    assert_int_equal(get(&f, 0x30, 4), 0);
    pci_remove(&f);
}

static void bars_answer_where_they_are_put(void **state)
{
    struct pci_function f = describe();
    uint64_t value = 0, old;

    add(&f);
    old = f.bars[1].decoded;
    assert_int_equal(old, get(&f, 0x14, 4));
    assert_true(hal_mmio_read(old + 0x1004, &value, 4));
    assert_int_equal(value, 0x55667788);
    assert_int_equal(last.bar, 1);
    assert_int_equal(last.offset, 0x1004);
    assert_int_equal(last.width, 4);
    put(&f, 0x14, 0xE1000000, 4); /* moved while it answers */
    assert_false(hal_mmio_read(old, &value, 4));
    assert_int_equal(value & 0xFFFFFFFF, 0xFFFFFFFF);
    value = 0xCAFE;
    assert_true(hal_mmio_write(0xE1001FFE, &value, 2));
    assert_int_equal(last.offset, 0x1FFE);
    assert_int_equal(last.value, 0xCAFE);
    put(&f, COMMAND, 1, 2); /* memory space off */
    assert_false(hal_mmio_read(0xE1000000, &value, 4));
    put(&f, 0x10, 0xD000, 4);
    assert_int_equal(hal_port_read(0xD004, 2), 0x7788);
    assert_int_equal(last.bar, 0);
    assert_int_equal(hal_port_read(0xD01F, 4), 0xFFFFFF88); /* its last port, and three of nobody */
    put(&f, COMMAND, 0, 2);
    assert_int_equal(hal_port_read(0xD004, 2), 0xFFFF);
    put(&f, COMMAND, 2, 2);
    put(&f, 0x14, 0x100000, 4); /* RAM is there: it answers nowhere */
    assert_int_equal(f.bars[1].decoded, 0);
    put(&f, 0x14, 0xE1000000, 4);
    assert_int_equal(f.bars[1].decoded, 0xE1000000);
    pci_remove(&f);
    assert_false(hal_mmio_read(0xE1000000, &value, 4));
}

static void memory_bars_are_memory(void **state)
{
    struct pci_function f = describe();
    uint64_t value = 0x0123456789ABCDEF, back = 0;

    add(&f);
    assert_true(hal_mmio_write(f.bars[2].decoded + 0xFFFF8, &value, 8));
    assert_memory_equal(f.bars[2].memory + 0xFFFF8, &value, 8);
    put(&f, 0x1C, 1, 4); /* above 4 GiB */
    assert_true(f.bars[2].decoded > 1ull << 32);
    assert_true(hal_mmio_read(f.bars[2].decoded + 0xFFFF8, &back, 8));
    assert_int_equal(back, value);
    pci_remove(&f);
}

static void the_pin_follows_the_condition(void **state)
{
    struct pci_function f = describe();

    add(&f);
    pci_set_interrupt(&f, true);
    assert_true(f.pin.asserted);
    assert_int_equal(f.pin.line, 19);
    assert_int_equal(get(&f, 6, 1) & 8, 8);
    put(&f, COMMAND, 0x403, 2); /* INTx disabled */
    assert_false(f.pin.asserted);
    assert_int_equal(get(&f, 6, 1) & 8, 8);
    put(&f, COMMAND, 3, 2);
    assert_true(f.pin.asserted);
    pci_set_interrupt(&f, false);
    assert_false(f.pin.asserted);
    assert_false(pci_send_message(&f, 0));
    pci_remove(&f);
}

static UCHAR capability(struct pci_function *f, UCHAR id)
{
    UCHAR at = (UCHAR)get(f, 0x34, 1);

    assert_int_equal(get(f, 6, 1) & 0x10, 0x10);
    while (at != 0 && get(f, at, 1) != id)
        at = (UCHAR)get(f, at + 1, 1);
    assert_int_not_equal(at, 0);
    return at;
}

static void msi_sends_what_it_was_told(void **state)
{
    struct pci_function f = describe();
    UCHAR at;

    f.msi_vectors = 4;
    add(&f);
    at = capability(&f, 5);
    assert_int_equal(get(&f, at + 2, 2), 0x0184); /* four, 64 bits, maskable */
    put(&f, at + 4, 0xFEE00003, 4);
    assert_int_equal(get(&f, at + 4, 4), 0xFEE00000);
    put(&f, at + 0xC, 0x4050, 2);
    put(&f, at + 2, 0x21, 2); /* four vectors, enabled */
    put(&f, COMMAND, 7, 2);
    assert_true(pci_send_message(&f, 2));
    assert_int_equal(sent.address, 0xFEE00000);
    assert_int_equal(sent.data, 0x4052);
    pci_set_interrupt(&f, true);
    assert_int_equal(sent.data, 0x4050);
    assert_false(f.pin.asserted); /* by message now */
    put(&f, at + 0x10, 8, 4);     /* vector 3 masked */
    assert_true(pci_send_message(&f, 3));
    assert_int_equal(sent.count, 2);
    assert_int_equal(get(&f, at + 0x14, 4), 8);
    put(&f, at + 0x10, 0, 4);
    assert_int_equal(sent.count, 3);
    assert_int_equal(sent.data, 0x4053);
    assert_int_equal(get(&f, at + 0x14, 4), 0);
    put(&f, at + 2, 0x11, 2); /* two vectors only: they share */
    assert_true(pci_send_message(&f, 3));
    assert_int_equal(sent.data, 0x4051);
    put(&f, COMMAND, 3, 2); /* no bus master: it waits */
    assert_true(pci_send_message(&f, 0));
    assert_int_equal(sent.count, 4);
    put(&f, COMMAND, 7, 2);
    assert_int_equal(sent.count, 5);
    put(&f, at + 2, 0, 2);
    assert_true(f.pin.asserted); /* by line again */
    pci_remove(&f);
}

static void write_entry(struct pci_function *f, unsigned vector, ULONG data, ULONG control)
{
    uint64_t table = f->bars[1].decoded + 0x1000 + vector * 16;
    ULONG words[4] = {0xFEE01000, 0, data, control};

    for (unsigned i = 0; i < 4; i++)
        hal_mmio_write(table + i * 4, &words[i], 4);
}

static void msix_keeps_masked_vectors_pending(void **state)
{
    struct pci_function f = describe();
    uint64_t pending = 0;
    UCHAR at;

    f.msix = (struct pci_msix){.vectors = 8, .bar = 1, .table_offset = 0x1000, .pending_offset = 0x1800};
    add(&f);
    at = capability(&f, 0x11);
    assert_int_equal(get(&f, at + 2, 2), 7);
    assert_int_equal(get(&f, at + 4, 4), 0x1001);
    assert_int_equal(get(&f, at + 8, 4), 0x1801);
    write_entry(&f, 5, 0x61, 1);
    put(&f, COMMAND, 7, 2);
    put(&f, at + 2, 0x8000, 2);
    assert_true(pci_send_message(&f, 5));
    assert_int_equal(sent.count, 0);
    hal_mmio_read(f.bars[1].decoded + 0x1800, &pending, 8);
    assert_int_equal(pending, 1 << 5);
    assert_int_equal(last.reads, 0); /* the model sees none of it */
    write_entry(&f, 5, 0x61, 0);
    assert_int_equal(sent.count, 1);
    assert_int_equal(sent.address, 0xFEE01000);
    assert_int_equal(sent.data, 0x61);
    put(&f, at + 2, 0xC000, 2); /* all masked */
    pci_send_message(&f, 5);
    assert_int_equal(sent.count, 1);
    put(&f, at + 2, 0x8000, 2);
    assert_int_equal(sent.count, 2);
    hal_mmio_read(f.bars[1].decoded + 0x1800, &pending, 8);
    assert_int_equal(pending, 0);
    pci_remove(&f);
}

static void d3_answers_configuration_only(void **state)
{
    struct pci_function f = describe();
    uint64_t value;
    UCHAR at;

    f.power_management = f.loses_state_in_d3 = true;
    add(&f);
    at = capability(&f, 1);
    value = f.bars[1].decoded;
    pci_set_interrupt(&f, true);
    put(&f, at + 4, 3, 2);
    assert_int_equal(get(&f, at + 4, 2), 3);
    assert_false(f.pin.asserted);
    assert_int_equal(f.bars[1].decoded, 0);
    assert_int_equal(get(&f, 0x14, 4), value);
    put(&f, at + 4, 0, 2);
    assert_int_equal(last.resets, 1);
    assert_int_equal(get(&f, COMMAND, 2), 0); /* as at power on */
    assert_int_equal(get(&f, 0x14, 4), 0);
    assert_int_equal(get(&f, 0, 4), 0x56781234);
    pci_remove(&f);
}

static void functions_share_a_device(void **state)
{
    struct pci_function first = describe(), second = describe(), again = describe();

    second.function = 4;
    second.interrupt_pin = 2;
    add(&first);
    assert_int_equal(get(&first, 0xE, 1), 0);
    add(&second);
    assert_int_equal(get(&first, 0xE, 1), 0x80);
    assert_int_equal(get(&second, 0xE, 1), 0);
    assert_int_equal(get(&second, 0x3C, 1), 16); /* INTB of device 3 */
    assert_int_not_equal(first.bars[1].decoded, second.bars[1].decoded);
    assert_int_equal(pci_add(&again, message, sizeof(message)), STATUS_CONFLICTING_ADDRESSES);
    pci_remove(&second);
    assert_int_equal(get(&first, 0xE, 1), 0);
    pci_remove(&first);
}

static void masters_reach_ram(void **state)
{
    struct pci_function f = describe();
    char bytes[8] = "abcdefg", back[8] = {0};

    add(&f);
    assert_false(pci_memory_write(&f, 0x200000, bytes, 8));
    put(&f, COMMAND, 7, 2);
    assert_true(pci_memory_write(&f, 0x200000, bytes, 8));
    assert_true(pci_memory_read(&f, 0x200000, back, 8));
    assert_string_equal(back, "abcdefg");
    assert_false(pci_memory_read(&f, 0xFEB00000, back, 8));
    pci_remove(&f);
}

static bool moving;

static void *look_everywhere(void *context)
{
    unsigned answers = 0;
    uint64_t value;

    while (__atomic_load_n(&moving, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < 4; i++)
            answers += hal_mmio_read(0xE1000000 + i * 0x100000 + 0x1FF8, &value, 8);
        hal_port_read(0xD010, 4);
    }
    return (void *)(uintptr_t)answers;
}

/* Looks take no lock: they find a BAR, or not, but never anything else. */
static void bars_move_under_those_who_look(void **state)
{
    struct pci_function f = describe(), other = describe();
    pthread_t looker;
    void *answers;

    other.device = 4;
    add(&f);
    add(&other);
    moving = true;
    pthread_create(&looker, NULL, look_everywhere, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        put(i % 2 ? &f : &other, 0x14, 0xE1000000 + i % 4 * 0x100000, 4);
        put(i % 2 ? &f : &other, 0x10, 0xD000 + i % 3 * 0x20, 4);
        put(&f, COMMAND, i % 3, 2);
    }
    __atomic_store_n(&moving, false, __ATOMIC_RELAXED);
    pthread_join(looker, &answers);
    pci_remove(&other);
    pci_remove(&f);
    assert_false(hal_mmio_read(0xE1000000, &(uint64_t){0}, 8));
}

static void wrong_functions_are_refused(void **state)
{
    struct pci_function f = describe();

    f.bars[1].size = 3000;
    assert_int_equal(pci_add(&f, message, sizeof(message)), STATUS_INVALID_PARAMETER);
    assert_non_null(strstr(message, "BAR 1"));
    f = describe();
    f.bars[3].kind = PCI_BAR_PORTS; /* the upper half of BAR 2 is there */
    f.bars[3].size = 8;
    assert_int_equal(pci_add(&f, message, sizeof(message)), STATUS_INVALID_PARAMETER);
    f = describe();
    f.msi_vectors = 3;
    assert_int_equal(pci_add(&f, message, sizeof(message)), STATUS_INVALID_PARAMETER);
    f = describe();
    f.msix = (struct pci_msix){.vectors = 600, .bar = 1};
    assert_int_equal(pci_add(&f, message, sizeof(message)), STATUS_INVALID_PARAMETER);
}

static void refuse(const char *description)
{
    if (NT_SUCCESS(model_add(description, message, sizeof(message))))
        fail_msg("%s", description);
    assert_int_not_equal(message[0], '\0');
}

static void type(const char *text, NTSTATUS status)
{
    assert_int_equal(model_input("pci", text, strlen(text), message, sizeof(message)), status);
}

static void a_described_function_is_there(void **state)
{
    ULONG value = 0;

    if (!NT_SUCCESS(
            model_add("pci,vendor=0x10ec,device=0x8139,class=0x020000,slot=5.0,subsystem=0x1af4:0x1100,"
                      "pin=a,bar0=ports:64,bar1=registers:256@0xE2000000,bar2=memory:1M:prefetch,msi=2,pm",
                      message, sizeof(message))))
        fail_msg("%s", message);
    hal_pci_read(0, 5, 0, 0, &value, 4);
    assert_int_equal(value, 0x813910EC);
    hal_pci_read(0, 5, 0, 0x2C, &value, 4);
    assert_int_equal(value, 0x11001AF4);
    value = 0x12345678;
    assert_true(hal_mmio_write(0xE2000010, &value, 4));
    value = 0;
    assert_true(hal_mmio_read(0xE2000010, &value, 4));
    assert_int_equal(value, 0x12345678);
    type("set 1 0x14 7", STATUS_SUCCESS);
    assert_true(hal_mmio_read(0xE2000014, &value, 4));
    assert_int_equal(value, 7);
    type("raise", STATUS_SUCCESS);
    hal_pci_read(0, 5, 0, 4, &value, 4);
    assert_int_equal(value >> 16 & 8, 8);
    type("lower", STATUS_SUCCESS);
    type("message 1", STATUS_INVALID_DEVICE_STATE);
    type("set 1 0x100 7", STATUS_INVALID_PARAMETER);
    type("jump", STATUS_INVALID_PARAMETER);
    assert_int_equal(model_add("pci,vendor=1,device=2", message, sizeof(message)), STATUS_SUCCESS);
    hal_pci_read(0, 1, 0, 0, &value, 4);
    assert_int_equal(value, 0x00020001);
    model_destroy_all();
    hal_pci_read(0, 5, 0, 0, &value, 2);
    assert_int_equal(value & 0xFFFF, 0xFFFF);
}

static void wrong_descriptions_are_refused(void **state)
{
    refuse("pci");
    refuse("pci,vendor=0xFFFF,device=1");
    refuse("pci,vendor=1,device=0x10000");
    refuse("pci,vendor=1,device=1,slot=32");
    refuse("pci,vendor=1,device=1,slot=3.8");
    refuse("pci,vendor=1,device=1,pin=e");
    refuse("pci,vendor=1,device=1,bar0=ports");
    refuse("pci,vendor=1,device=1,bar0=ports:100");
    refuse("pci,vendor=1,device=1,bar0=lamps:16");
    refuse("pci,vendor=1,device=1,bar0=registers:4G");
    refuse("pci,vendor=1,device=1,bar0=memory:4K:32");
    refuse("pci,vendor=1,device=1,msi=5");
    refuse("pci,vendor=1,device=1,msix=4");
    refuse("pci,vendor=1,device=1,pm=no");
    refuse("pci,vendor=1,device=1,color=red");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_tells_who_it_is),
        cmocka_unit_test(the_ports_of_mechanism_1_reach_it),
        cmocka_unit_test(bars_tell_their_size),
        cmocka_unit_test(bars_answer_where_they_are_put),
        cmocka_unit_test(memory_bars_are_memory),
        cmocka_unit_test(the_pin_follows_the_condition),
        cmocka_unit_test(msi_sends_what_it_was_told),
        cmocka_unit_test(msix_keeps_masked_vectors_pending),
        cmocka_unit_test(d3_answers_configuration_only),
        cmocka_unit_test(functions_share_a_device),
        cmocka_unit_test(masters_reach_ram),
        cmocka_unit_test(bars_move_under_those_who_look),
        cmocka_unit_test(wrong_functions_are_refused),
        cmocka_unit_test(a_described_function_is_there),
        cmocka_unit_test(wrong_descriptions_are_refused),
    };

    return cmocka_run_group_tests_name("pci", tests, set_up, tear_down);
}
