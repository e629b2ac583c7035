/* SPDX-License-Identifier: MIT */
/*
 * The dma-engine by its registers, and the system's DMA controller by its
 * ports, in a machine of 256 KiB whose clock the test turns by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hal/dma.h"
#include "models/dma_engine.h"
#include "nt/status.h"

/* ---- the machine ---- */

static UCHAR ram[256 << 10];
static struct hal_port_range *port_ranges[4];
static unsigned port_range_count, terminals;
static struct hal_timer *timer;
static bool line;

bool hal_memory_read(uint64_t pa, void *to, size_t length)
{
    if (pa > sizeof(ram) || length > sizeof(ram) - pa)
        return false;
    memcpy(to, ram + pa, length);
    return true;
}

bool hal_memory_write(uint64_t pa, const void *from, size_t length)
{
    if (pa > sizeof(ram) || length > sizeof(ram) - pa)
        return false;
    memcpy(ram + pa, from, length);
    return true;
}

NTSTATUS hal_add_ports(struct hal_port_range *range)
{
    port_ranges[port_range_count++] = range;
    return STATUS_SUCCESS;
}

void hal_remove_ports(struct hal_port_range *range)
{
    port_range_count--;
}

void hal_timer_init(struct hal_timer *it, void (*fn)(void *), void *context)
{
    *it = (struct hal_timer){.fn = fn, .context = context};
    timer = it;
}

void hal_timer_start(struct hal_timer *it, uint64_t delay_ns)
{
    it->armed = true;
}

void hal_timer_stop(struct hal_timer *it)
{
    it->armed = false;
}

void dma_system_terminal(ULONG channel)
{
    terminals++;
}

static void strike(void)
{
    assert_true(timer->armed);
    timer->armed = false;
    timer->fn(timer->context);
}

static void out(USHORT port, UCHAR value)
{
    for (unsigned i = 0; i < port_range_count; i++)
        if ((USHORT)(port - port_ranges[i]->first) < port_ranges[i]->count)
            port_ranges[i]->write(port_ranges[i]->context, (USHORT)(port - port_ranges[i]->first), value, 1);
}

static UCHAR in(USHORT port)
{
    for (unsigned i = 0; i < port_range_count; i++)
        if ((USHORT)(port - port_ranges[i]->first) < port_ranges[i]->count)
            return (UCHAR)port_ranges[i]->read(port_ranges[i]->context,
                                               (USHORT)(port - port_ranges[i]->first), 1);
    return 0xFF;
}

static void set_line(void *context, bool asserted)
{
    line = asserted;
}

static struct dma_engine engine;

static int set_up(void **state)
{
    memset(ram, 0, sizeof(ram));
    memset(&engine, 0, sizeof(engine));
    engine.set_interrupt = set_line;
    engine.address_mask = ~0ull;
    engine.channel = 1;
    dma_engine_init(&engine, 4096);
    terminals = 0;
    dma8237_init();
    return 0;
}

static int tear_down(void **state)
{
    dma_engine_fini(&engine);
    dma8237_fini();
    return 0;
}

/* To the end of a command: the status. */
static ULONG command(ULONG control, ULONG address, ULONG length, ULONG offset)
{
    dma_engine_write(&engine, DMA_ENGINE_ADDRESS, address);
    dma_engine_write(&engine, DMA_ENGINE_LENGTH, length);
    dma_engine_write(&engine, DMA_ENGINE_OFFSET, offset);
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, control | DMA_ENGINE_START);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_STATUS), DMA_ENGINE_BUSY);
    strike();
    return dma_engine_read(&engine, DMA_ENGINE_STATUS);
}

/* ---- the engine ---- */

static void registers_by_themselves(void **state)
{
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_ID), DMA_ENGINE_IDENTITY);
    dma_engine_write(&engine, DMA_ENGINE_ADDRESS, 0x12345678);
    dma_engine_write(&engine, DMA_ENGINE_LENGTH, 77);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_ADDRESS), 0x12345678);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_LENGTH), 77);
    dma_engine_write(&engine, DMA_ENGINE_ID, 5);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_ID), DMA_ENGINE_IDENTITY);
    assert_int_equal(dma_engine_read(&engine, 0x40), ~0u);
}

static void there_and_back(void **state)
{
    memset(ram + 0x1000, 0xAB, 100);
    assert_int_equal(command(DMA_ENGINE_TO_DEVICE, 0x1000, 100, 4000), DMA_ENGINE_DONE);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_COUNT), 100);
    assert_int_equal(engine.memory[4095], 0xAB);
    assert_int_equal(engine.memory[3], 0xAB); /* it wrapped */
    assert_int_equal(engine.memory[4], 0);
    assert_int_equal(command(0, 0x2000, 100, 4000), DMA_ENGINE_DONE);
    assert_memory_equal(ram + 0x1000, ram + 0x2000, 100);
    assert_int_equal(command(0, sizeof(ram) - 10, 100, 0), DMA_ENGINE_DONE | DMA_ENGINE_ERROR);
}

static void a_table(void **state)
{
    const struct dma_engine_descriptor table[] = {{0x4000, 3, 0}, {0x5000, 0, 0}, {0x6000, 5, 0}};

    memcpy(ram + 0x100, table, sizeof(table));
    memcpy(ram + 0x4000, "abc", 3);
    memcpy(ram + 0x6000, "defgh", 5);
    assert_int_equal(command(DMA_ENGINE_TABLE | DMA_ENGINE_TO_DEVICE, 0x100, 3, 0), DMA_ENGINE_DONE);
    assert_memory_equal(engine.memory, "abcdefgh", 8);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_COUNT), 8);
    assert_int_equal(command(DMA_ENGINE_TABLE, 0x100, 5000, 0), DMA_ENGINE_DONE | DMA_ENGINE_ERROR);
}

static void too_few_lines(void **state)
{
    engine.address_mask = 0xFFFF;
    ram[0x1234] = 0x42;
    assert_int_equal(command(DMA_ENGINE_TO_DEVICE, 0x21234, 1, 0), DMA_ENGINE_DONE);
    assert_int_equal(engine.memory[0], 0x42);
}

static void the_line(void **state)
{
    command(0, 0, 16, 0);
    assert_false(line);
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, DMA_ENGINE_INTERRUPTS);
    assert_true(line);
    dma_engine_write(&engine, DMA_ENGINE_STATUS, DMA_ENGINE_DONE);
    assert_false(line);
    command(DMA_ENGINE_INTERRUPTS, 0, 16, 0);
    assert_true(line);
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, DMA_ENGINE_RESET);
    assert_false(line);
}

static void busy(void **state)
{
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, DMA_ENGINE_START);
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, DMA_ENGINE_START | DMA_ENGINE_INTERRUPTS);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_CONTROL), 0);
    dma_engine_write(&engine, DMA_ENGINE_CONTROL, DMA_ENGINE_RESET);
    strike();
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_STATUS), 0); /* the command went with the reset */
}

/* ---- the system's controller ---- */

static void by_the_controller(void **state)
{
    memset(ram + 0x18000, 0x77, 256);
    dma8237_program(1, 0x18000, 256, DMA8237_SINGLE | DMA8237_FROM_MEMORY);
    assert_int_equal(dma8237_left(1), 256);
    assert_int_equal(command(DMA_ENGINE_SLAVE | DMA_ENGINE_TO_DEVICE, 0, 100, 0), DMA_ENGINE_DONE);
    assert_int_equal(dma8237_left(1), 156);
    assert_int_equal(terminals, 0);
    assert_int_equal(command(DMA_ENGINE_SLAVE | DMA_ENGINE_TO_DEVICE, 0, 200, 100),
                     DMA_ENGINE_DONE | DMA_ENGINE_ERROR);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_COUNT), 156);
    assert_int_equal(dma8237_left(1), 0);
    assert_int_equal(terminals, 1);
    assert_int_equal(engine.memory[255], 0x77);
    assert_int_equal(in(0x08) & 0x02, 0x02); /* terminal count of channel 1, until it is read */
    assert_int_equal(in(0x08) & 0x02, 0);
    assert_int_equal(in(0x0F) & 0x02, 0x02); /* masked again */
}

/* The address counts, the page does not: 0x1FFFF is followed by 0x10000. */
static void wraps_in_its_page(void **state)
{
    dma8237_program(1, 0x1FFFE, 4, DMA8237_DEMAND | DMA8237_TO_MEMORY);
    memcpy(engine.memory, "wxyz", 4);
    command(DMA_ENGINE_SLAVE, 0, 4, 0);
    assert_memory_equal(ram + 0x1FFFE, "wx", 2);
    assert_memory_equal(ram + 0x10000, "yz", 2);
}

static void around_and_around(void **state)
{
    dma8237_program(1, 0x8000, 16, DMA8237_SINGLE | DMA8237_TO_MEMORY | DMA8237_AUTO_INITIALIZE);
    for (unsigned i = 0; i < 40; i++)
        engine.memory[i] = (UCHAR)i;
    assert_int_equal(command(DMA_ENGINE_SLAVE, 0, 40, 0), DMA_ENGINE_DONE);
    assert_int_equal(terminals, 2);
    assert_int_equal(ram[0x8000], 32);
    assert_int_equal(ram[0x800F], 31);
    assert_int_equal(dma8237_left(1), 8);
}

/* A channel that moves words: addresses and counts are in words. */
static void words(void **state)
{
    engine.channel = 5;
    memcpy(ram + 0x12340, "hello word", 10);
    dma8237_program(5, 0x12340, 10, DMA8237_BLOCK | DMA8237_FROM_MEMORY);
    assert_int_equal(dma8237_left(5), 10);
    /* Block mode does not stop when the device has enough. */
    command(DMA_ENGINE_SLAVE | DMA_ENGINE_TO_DEVICE, 0, 2, 0);
    assert_int_equal(dma_engine_read(&engine, DMA_ENGINE_COUNT), 10);
    assert_memory_equal(engine.memory, "hello word", 10);
}

/* As a driver that knows the chip would program it. */
static void by_ports(void **state)
{
    out(0x0A, 4 | 2);
    out(0x0C, 0);
    out(0x0B, DMA8237_SINGLE | DMA8237_TO_MEMORY | 2);
    out(0x04, 0x10);
    out(0x04, 0x32);
    out(0x81, 0x01);
    out(0x05, 7);
    out(0x05, 0);
    out(0x0A, 2);
    engine.channel = 2;
    memcpy(engine.memory, "12345678", 8);
    assert_int_equal(command(DMA_ENGINE_SLAVE, 0, 5, 0), DMA_ENGINE_DONE);
    assert_memory_equal(ram + 0x13210, "12345", 5);
    out(0x0C, 0);
    assert_int_equal(in(0x04), 0x15);
    assert_int_equal(in(0x04), 0x32);
    assert_int_equal(in(0x05), 2);
    assert_int_equal(in(0x05), 0);
    assert_int_equal(in(0x81), 0x01);
    out(0x0D, 0);
    assert_int_equal(in(0x0F), 0xFF);
    assert_int_equal(command(DMA_ENGINE_SLAVE, 0, 5, 0), DMA_ENGINE_DONE | DMA_ENGINE_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(registers_by_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_few_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_the_controller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wraps_in_its_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(around_and_around, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_ports, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("dma-engine", tests, NULL, NULL);
}
