/* SPDX-License-Identifier: MIT */
/*
 * The keyboard controller by its ports: its commands, the keyboard's and the
 * mouse's, scan codes, packets, and what a user's text means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fake_hal.h"
#include "models/i8042.h"

#define MS 1000000ull

/* The next byte of the output buffer, as a driver that polls gets it. */
static UCHAR next(void)
{
    for (unsigned n = 0; n < 2000 && !(in(0x64) & 1); n++)
        pass(MS / 10);
    if (!(in(0x64) & 1))
        fail_msg("nothing comes");
    return in(0x60);
}

static UCHAR next_of_mouse(void)
{
    for (unsigned n = 0; n < 2000 && !(in(0x64) & 1); n++)
        pass(MS / 10);
    assert_int_equal(in(0x64) & 0x21, 0x21);
    return in(0x60);
}

static void nothing_comes(void)
{
    pass(100 * MS);
    assert_int_equal(in(0x64) & 1, 0);
}

static void command(UCHAR value)
{
    out(0x64, value);
}

static void mode(UCHAR value)
{
    command(0x60);
    out(0x60, value);
}

static void keyboard(UCHAR value)
{
    out(0x60, value);
    assert_int_equal(next(), 0xFA);
}

static void to_mouse(UCHAR value)
{
    command(0xD4);
    out(0x60, value);
    assert_int_equal(next_of_mouse(), 0xFA);
}

static void user(const char *text)
{
    if (!NT_SUCCESS(model_input("i8042", text, strlen(text), fake_message, sizeof(fake_message))))
        fail_msg("%s", fake_message);
}

static void comes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        UCHAR byte = next();
        if (byte != (UCHAR)bytes[i])
            fail_msg("byte %u is 0x%02x, not 0x%02x", (unsigned)i, byte, (UCHAR)bytes[i]);
    }
    nothing_comes();
}
#define COMES(bytes) comes(bytes, sizeof(bytes) - 1)

static int set_up(void **state)
{
    memset(fake_edges, 0, sizeof(fake_edges));
    make(&model_i8042, "i8042");
    return 0;
}

static int tear_down(void **state)
{
    model_destroy_all();
    return 0;
}

static void the_controller_answers_its_commands(void **state)
{
    assert_int_equal(in(0x64), 0x14);
    command(0x20);
    assert_int_equal(in(0x64) & 0x2F, 0x0D); /* a command was written last, and is answered at once */
    assert_int_equal(in(0x60), 0x47);
    command(0xAA);
    assert_int_equal(next(), 0x55);
    command(0x20);
    assert_int_equal(next(), 0x74); /* both interfaces off */
    command(0xAE);
    command(0xA8);
    command(0x20);
    assert_int_equal(next(), 0x44);
    command(0xAB);
    assert_int_equal(next(), 0);
    command(0xA9);
    assert_int_equal(next(), 0);
    command(0xA4);
    assert_int_equal(next(), 0xF1);
    command(0xC0);
    assert_int_equal(next(), 0x80);
    command(0x65); /* a byte of its memory */
    out(0x60, 0x99);
    command(0x25);
    assert_int_equal(next(), 0x99);
    command(0xD1);
    out(0x60, 0xDD);
    command(0xD0);
    assert_int_equal(next() & 0x0F, 1);
    command(0xD2);
    out(0x60, 0x5A);
    assert_int_equal(in(0x64) & 0x21, 1);
    assert_int_equal(in(0x60), 0x5A);
    command(0xD3);
    out(0x60, 0xA5);
    assert_int_equal(in(0x64) & 0x21, 0x21);
    assert_int_equal(in(0x60), 0xA5);
    assert_int_equal(in(0x60), 0xA5); /* an empty buffer shows its last byte */
}

static void a_key_interrupts_and_takes_its_time(void **state)
{
    user("a");
    assert_int_equal(in(0x64) & 1, 0);
    pass(MS / 2);
    assert_int_equal(in(0x64) & 0x21, 1);
    assert_true(fake_lines[1]);
    assert_int_equal(in(0x60), 0x1E);
    assert_false(fake_lines[1]);
    pass(MS / 2);
    assert_true(fake_lines[1]);
    assert_int_equal(in(0x60), 0x9E);
    assert_int_equal(fake_edges[1], 2);
    mode(0x46); /* no interrupts of the keyboard */
    user("b");
    pass(MS);
    assert_false(fake_lines[1]);
    assert_int_equal(next(), 0x30);
    command(0xAD); /* its clock is held */
    pass(10 * MS);
    assert_int_equal(in(0x64) & 1, 0);
    command(0xAE);
    assert_int_equal(next(), 0xB0);
}

static void keys_have_codes_in_each_set(void **state)
{
    user("A{ctrl+alt+delete}");
    COMES("\x2A\x1E\x9E\xAA\x1D\x38\xE0\x53\xE0\xD3\xB8\x9D");
    user("{f7}{kp/}{pause}");
    COMES("\x41\xC1\xE0\x35\xE0\xB5\xE1\x1D\x45\xE1\x9D\xC5");
    user("{printscreen}\n");
    COMES("\xE0\x2A\xE0\x37\xE0\xB7\xE0\xAA\x1C\x9C");
    mode(0x05); /* not translated */
    user("a{right}{pause}");
    COMES("\x1C\xF0\x1C\xE0\x74\xE0\xF0\x74\xE1\x14\x77\xE1\xF0\x14\xF0\x77");
    keyboard(0xF0);
    keyboard(1);
    user("a{right}");
    COMES("\x1E\x9E\xE0\x4D\xE0\xCD");
    keyboard(0xF0);
    keyboard(0);
    assert_int_equal(next(), 1);
    keyboard(0xF6); /* defaults: set 2 again */
    user("a");
    COMES("\x1C\xF0\x1C");
}

static void the_keyboard_answers_its_commands(void **state)
{
    mode(0x05);
    keyboard(0xED);
    keyboard(7);
    keyboard(0xF2);
    assert_int_equal(next(), 0xAB);
    assert_int_equal(next(), 0x83);
    out(0x60, 0xEE);
    assert_int_equal(next(), 0xEE);
    out(0x60, 0xFE); /* again */
    assert_int_equal(next(), 0xEE);
    keyboard(0xF3);
    out(0x60, 0x80);
    assert_int_equal(next(), 0xFE); /* no rate has bit 7: it waits for another */
    keyboard(0x20);
    keyboard(0xED);
    keyboard(0xF4); /* instead of the parameter */
    out(0x60, 0xEB);
    assert_int_equal(next(), 0xFE);
    keyboard(0xF5);
    user("a");
    nothing_comes();
    keyboard(0xF4);
    user("a");
    COMES("\x1C\xF0\x1C");
    out(0x60, 0xFF);
    assert_int_equal(next(), 0xFA);
    pass(90 * MS);
    assert_int_equal(in(0x64) & 1, 0);
    assert_int_equal(next(), 0xAA);
}

static void a_held_key_repeats(void **state)
{
    unsigned repeats = 0;

    user("{+a}");
    assert_int_equal(next(), 0x1E);
    pass(490 * MS);
    assert_int_equal(in(0x64) & 1, 0);
    for (unsigned i = 0; i < 1000; i++) {
        pass(MS);
        if (in(0x64) & 1) {
            assert_int_equal(in(0x60), 0x1E);
            repeats++;
        }
    }
    assert_in_range(repeats, 10, 11);
    user("{-a}");
    COMES("\x9E");
    nothing_comes();
    pass(1000 * MS);
    nothing_comes();
}

static void typing_waits_for_a_slow_driver(void **state)
{
    static char text[201];

    memset(text, 'x', 200);
    user(text);
    pass(5000 * MS);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(next(), 0x2D);
        assert_int_equal(next(), 0xAD);
    }
    nothing_comes();
}

static void the_mouse_answers_its_commands(void **state)
{
    to_mouse(0xFF);
    assert_int_equal(next_of_mouse(), 0xAA);
    assert_int_equal(next_of_mouse(), 0x00);
    to_mouse(0xF2);
    assert_int_equal(next_of_mouse(), 0x00);
    to_mouse(0xE8);
    to_mouse(3);
    to_mouse(0xF3);
    to_mouse(200);
    to_mouse(0xE7);
    to_mouse(0xF4);
    to_mouse(0xE9);
    assert_int_equal(next_of_mouse(), 0x30);
    assert_int_equal(next_of_mouse(), 3);
    assert_int_equal(next_of_mouse(), 200);
    to_mouse(0xF3);
    command(0xD4);
    out(0x60, 55); /* no such rate */
    assert_int_equal(next_of_mouse(), 0xFE);
    to_mouse(100);
    command(0xD4);
    out(0x60, 0xE1);
    assert_int_equal(next_of_mouse(), 0xFE);
    to_mouse(0xEE); /* wrap */
    command(0xD4);
    out(0x60, 0x12);
    assert_int_equal(next_of_mouse(), 0x12);
    to_mouse(0xEC);
    to_mouse(0xF6);
    to_mouse(0xE9);
    assert_int_equal(next_of_mouse(), 0);
    assert_int_equal(next_of_mouse(), 2);
    assert_int_equal(next_of_mouse(), 100);
}

static void movement_comes_in_packets(void **state)
{
    user("{mouse 5 5}");
    nothing_comes(); /* it does not report */
    to_mouse(0xF4);
    user("{mouse 10 -5}{lbutton}");
    pass(MS);
    assert_true(fake_lines[12]);
    COMES("\x28\x0A\xFB\x09\0\0\x08\0\0");
    user("{mouse -300 0}"); /* more than a packet holds */
    COMES("\x18\x01\x00\x18\xD3\x00");
    user("{+rbutton}{mouse 1 1}{-rbutton}{mbutton}");
    COMES("\x0A\0\0\x0A\1\1\x08\0\0\x0C\0\0\x08\0\0");
    to_mouse(0xE7); /* 2:1 */
    user("{mouse 3 -8}");
    COMES("\x28\x03\xF0");
    to_mouse(0xE6);
    to_mouse(0xF0); /* remote: on demand only */
    user("{mouse 3 4}{mouse 3 4}");
    nothing_comes();
    to_mouse(0xEB);
    COMES("\x08\x06\x08");
}

static void a_wheel_is_asked_for(void **state)
{
    to_mouse(0xF3);
    to_mouse(200);
    to_mouse(0xF3);
    to_mouse(100);
    to_mouse(0xF3);
    to_mouse(80);
    to_mouse(0xF2);
    assert_int_equal(next_of_mouse(), 3);
    to_mouse(0xF4);
    user("{mouse 0 0 1}{mouse 1 0 -2}");
    COMES("\x08\0\0\xFF\x08\1\0\2");
}

static void both_share_the_buffer(void **state)
{
    to_mouse(0xF4);
    user("a{mouse 1 1}");
    assert_int_equal(next(), 0x1E);
    for (unsigned i = 0; i < 4; i++) {
        while (!(in(0x64) & 1))
            pass(MS / 10);
        if (!(in(0x64) & 0x20))
            assert_int_equal(in(0x60), 0x9E);
        else
            in(0x60);
    }
    nothing_comes();
    command(0xA7); /* the mouse's clock is held */
    user("{mouse 1 1}");
    nothing_comes();
    command(0xA8);
    COMES("\x08\1\1");
}

static void refused(const char *text)
{
    assert_int_equal(model_input("i8042", text, strlen(text), fake_message, sizeof(fake_message)),
                     STATUS_INVALID_PARAMETER);
    assert_int_not_equal(fake_message[0], '\0');
}

static void wrong_text_types_nothing(void **state)
{
    refused("abc{nokey}");
    refused("{enter");
    refused("{mouse 1}");
    refused("{mouse 99999 0}");
    refused("\x01");
    refused("{+}x\xFF");
    nothing_comes();
    assert_int_equal(try_to_make(&model_i8042, "i8042,irq=1"), STATUS_INVALID_PARAMETER);
    assert_int_equal(try_to_make(&model_i8042, "i8042"), STATUS_CONFLICTING_ADDRESSES);
    user("{{}");
    COMES("\x2A\x1A\x9A\xAA\x2A\x1B\x9B\xAA");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_controller_answers_its_commands),
        TEST(a_key_interrupts_and_takes_its_time),
        TEST(keys_have_codes_in_each_set),
        TEST(the_keyboard_answers_its_commands),
        TEST(a_held_key_repeats),
        TEST(typing_waits_for_a_slow_driver),
        TEST(the_mouse_answers_its_commands),
        TEST(movement_comes_in_packets),
        TEST(a_wheel_is_asked_for),
        TEST(both_share_the_buffer),
        TEST(wrong_text_types_nothing),
    };

    return cmocka_run_group_tests_name("i8042", tests, NULL, NULL);
}
