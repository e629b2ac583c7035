/* SPDX-License-Identifier: MIT */
/*
 * The timer by its ports: six modes, latches, BCD, the speaker's gate, and IRQ 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fake_hal.h"
#include "models/timer8254.h"

#define MS 1000000ull

static int set_up(void **state)
{
    fake_now = 0;
    memset(fake_edges, 0, sizeof(fake_edges));
    make(&model_timer8254, "timer8254");
    return 0;
}

static int tear_down(void **state)
{
    model_destroy_all();
    return 0;
}

static void program(unsigned counter, UCHAR mode, USHORT count)
{
    out(0x43, (UCHAR)(counter << 6 | 0x30 | mode << 1));
    out((USHORT)(0x40 + counter), (UCHAR)count);
    out((USHORT)(0x40 + counter), (UCHAR)(count >> 8));
}

/* To the begin of a tick, counted from now on; rounded up, so that it has begun. */
static void pass_ticks(uint64_t ticks)
{
    uint64_t tick = (uint64_t)((unsigned __int128)fake_now * TIMER_HZ / 1000000000u) + ticks;
    uint64_t at = (uint64_t)(((unsigned __int128)tick * 1000000000u + TIMER_HZ - 1) / TIMER_HZ);

    pass(at - fake_now);
}

static USHORT count_of(unsigned counter)
{
    UCHAR low;

    out(0x43, (UCHAR)(counter << 6));
    low = in((USHORT)(0x40 + counter));
    return (USHORT)(low | in((USHORT)(0x40 + counter)) << 8);
}

static UCHAR status_of(unsigned counter)
{
    out(0x43, (UCHAR)(0xE0 | 2 << counter));
    return in((USHORT)(0x40 + counter));
}

static bool output_of(unsigned counter)
{
    return status_of(counter) & 0x80;
}

static void the_clock_ticks_as_a_bios_leaves_it(void **state)
{
    pass(10000 * MS);
    assert_in_range(fake_edges[0], 182, 183);
    assert_int_equal(status_of(0) & 0x3F, 0x36);
}

static void a_rate_generator_interrupts(void **state)
{
    program(0, 2, 11932); /* 100 a second */
    fake_edges[0] = 0;
    pass(1000 * MS);
    assert_in_range(fake_edges[0], 99, 100);
    program(0, 2, 100);
    assert_int_equal(count_of(0), 100);
    pass_ticks(99);
    assert_int_equal(count_of(0), 1);
    assert_false(output_of(0));
    pass_ticks(1);
    assert_int_equal(count_of(0), 100);
    assert_true(output_of(0));
    pass_ticks(30);
    out(0x40, 50); /* from the next period on */
    out(0x40, 0);
    pass_ticks(1);
    assert_int_equal(status_of(0) & 0x40, 0);
}

static void one_shots_interrupt_once(void **state)
{
    program(0, 0, 1000);
    assert_false(output_of(0));
    assert_false(fake_lines[0]);
    fake_edges[0] = 0;
    pass_ticks(999);
    assert_false(fake_lines[0]);
    pass_ticks(1);
    assert_true(fake_lines[0]);
    assert_true(output_of(0));
    pass_ticks(10);
    assert_int_equal(count_of(0), 0xFFF6); /* it counts on */
    pass(1000 * MS);
    assert_int_equal(fake_edges[0], 1);
    program(0, 4, 10); /* a strobe: low for one tick */
    assert_true(output_of(0));
    pass_ticks(10);
    assert_false(output_of(0));
    pass_ticks(1);
    assert_true(output_of(0));
}

static void square_waves_are_even(void **state)
{
    program(2, 3, 8);
    out(0x61, 0); /* the gate is closed: high, standing */
    assert_int_equal(in(0x61) & 0x20, 0x20);
    out(0x61, 1);
    assert_int_equal(count_of(2), 8);
    pass_ticks(3);
    assert_int_equal(count_of(2), 2);
    assert_int_equal(in(0x61) & 0x21, 0x21);
    pass_ticks(1);
    assert_int_equal(count_of(2), 8);
    assert_int_equal(in(0x61) & 0x21, 0x01);
    program(2, 3, 5); /* odd: three high, two low */
    assert_int_equal(count_of(2), 4);
    pass_ticks(2);
    assert_true(output_of(2));
    pass_ticks(1);
    assert_false(output_of(2));
    assert_int_equal(count_of(2), 4);
    pass_ticks(2);
    assert_true(output_of(2));
}

static void the_gate_triggers_and_holds(void **state)
{
    program(2, 1, 100);
    pass_ticks(500);
    assert_true(output_of(2));
    out(0x61, 1); /* the edge starts it */
    pass_ticks(60);
    assert_false(output_of(2));
    assert_int_equal(count_of(2), 40);
    out(0x61, 0);
    out(0x61, 1); /* again */
    pass_ticks(60);
    assert_false(output_of(2));
    pass_ticks(40);
    assert_true(output_of(2));
    out(0x61, 1);
    program(2, 0, 100);
    pass_ticks(30);
    out(0x61, 0);
    pass_ticks(1000);
    assert_int_equal(count_of(2), 70); /* it waits */
    out(0x61, 1);
    pass_ticks(30);
    assert_int_equal(count_of(2), 40);
}

static void counts_are_latched_and_read_in_parts(void **state)
{
    program(2, 2, 0x1234);
    out(0x61, 1);
    out(0x43, 0x80); /* latch */
    pass_ticks(100);
    out(0x43, 0x80); /* latched already: the first stays */
    assert_int_equal(in(0x42), 0x34);
    assert_int_equal(in(0x42), 0x12);
    assert_int_equal(in(0x42), (0x1234 - 100) & 0xFF); /* as it counts */
    in(0x42);
    out(0x43, 0xC8); /* read back status and count of counter 2 */
    assert_int_equal(in(0x42), 0xB4);
    assert_int_equal(in(0x42), (0x1234 - 100) & 0xFF);
    assert_int_equal(in(0x42), (0x1234 - 100) >> 8);
    out(0x43, 0x94);                      /* low byte only */
    assert_int_equal(status_of(2), 0xD4); /* no count yet */
    out(0x42, 9);
    assert_int_equal(in(0x42), 9);
    out(0x43, 0xA4); /* high byte only */
    out(0x42, 2);
    assert_int_equal(in(0x42), 2);
    assert_int_equal(in(0x43), 0xFF);
    out(0x43, 0xB5); /* both bytes, rate, BCD */
    out(0x42, 0x00);
    out(0x42, 0x10);
    pass_ticks(1);
    assert_int_equal(count_of(2), 0x0999);
}

static void the_refresh_bit_toggles(void **state)
{
    UCHAR before = in(0x61) & 0x10;

    pass(15085);
    assert_int_not_equal(in(0x61) & 0x10, before);
    assert_int_equal(try_to_make(&model_timer8254, "timer8254,rate=2"), STATUS_INVALID_PARAMETER);
    assert_int_equal(try_to_make(&model_timer8254, "timer8254"), STATUS_CONFLICTING_ADDRESSES);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_clock_ticks_as_a_bios_leaves_it),
        TEST(a_rate_generator_interrupts),
        TEST(one_shots_interrupt_once),
        TEST(square_waves_are_even),
        TEST(the_gate_triggers_and_holds),
        TEST(counts_are_latched_and_read_in_parts),
        TEST(the_refresh_bit_toggles),
    };

    return cmocka_run_group_tests_name("timer8254", tests, NULL, NULL);
}
