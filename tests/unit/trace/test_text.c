/* SPDX-License-Identifier: MIT */
/* The text trace: a story line by line, the same for the same events, whole lines whatever their length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "story.h"

static char got[1 << 20];
static size_t length;
static unsigned calls;

static void collect(void *context, const char *bytes, size_t count)
{
    assert_true(length + count < sizeof(got));
    memcpy(got + length, bytes, count);
    length += count;
    got[length] = '\0';
    calls++;
}

static void start(enum trace_format format, bool verbose)
{
    length = calls = 0;
    got[0] = '\0';
    assert_int_equal(trace_start(format, verbose, collect, NULL), STATUS_SUCCESS);
}

static void a_request_as_a_story(void **state)
{
    start(TRACE_FORMAT_TEXT, false);
    story_tell();
    trace_stop();
    assert_string_equal(
        got,
        "  0.000000 vp0 t3  switch from t1 (idle) to t3 (API)\n"
        "  0.000000 vp0 t3  driver serial loaded\n"
        "  0.000000 vp0 t3  serial: DriverEntry called\n"
        "  0.000000 vp0 t3    serial.sys prints: hello \"there\"\\\n"
        "  0.000000 vp0 t3    device #1 (serial) created\n"
        "  0.000000 vp0 t3    device #2 (serial) created\n"
        "  0.000000 vp0 t3    device #2 (serial) attached to device #1 (serial)\n"
        "  0.000000 vp0 t3  serial: DriverEntry returned STATUS_SUCCESS\n"
        "  0.000012 vp0 t3  IRP #4 READ sent to device #2 (serial)\n"
        "  0.000012 vp0 t3    IRP #4 READ sent to device #1 (serial)\n"
        "  0.000012 vp0 t3      IRP #4 StartIo serial.sys!SerialDpc called for device #1 (serial)\n"
        "  0.000012 vp0 t3        DPC #1 serial.sys!SerialDpc queued to vp0\n"
        "  0.000012 vp0 t3      IRP #4 pending in device #1 (serial)\n"
        "  0.000012 vp0 t3    IRP #4 pending in device #2 (serial)\n"
        "  0.000012 vp0 t3  waits for time\n"
        "  0.000012 vp0 t3  switch from t3 (API) to t1 (idle)\n"
        "  0.000012 vp0 t1  interrupt, vector 0x62: ISR serial.sys!SerialDpc called\n"
        "  0.000012 vp0 t1  ISR serial.sys!SerialDpc returned TRUE: it was its device\n"
        "  0.000012 vp0 t1  DPC #1 serial.sys!SerialDpc runs\n"
        "  0.000014 vp0 t1    IRP #4 completed STATUS_SUCCESS, Information 16\n"
        "  0.000014 vp0 t1    IRP #4 completion routine filter.sys!FilterDone called for device #2 (serial)\n"
        "  0.000014 vp0 t1    IRP #4 completion routine returned STATUS_SUCCESS\n"
        "  0.000014 vp0 t1    IRP #4 finished STATUS_SUCCESS, Information 16\n"
        "  0.000014 vp0 t1  DPC #1 done\n"
        "  0.000014 vp0 t1  switch from t1 (idle) to t3 (API)\n"
        "  0.000014 vp0 t3  timer #1 expired\n"
        "  0.000014 vp0 t3  exception STATUS_ACCESS_VIOLATION at serial.sys!SerialDpc\n"
        "  0.000014 vp0 t3  bug check 0x000000D1 DRIVER_IRQL_NOT_LESS_OR_EQUAL\n");
}

static void verbose_has_more(void **state)
{
    start(TRACE_FORMAT_TEXT, true);
    TRACE(TRACE_IRP_ALLOCATED, &story->irp);
    TRACE(TRACE_IRQL, NULL, .a = PASSIVE_LEVEL, .b = DISPATCH_LEVEL);
    TRACE(TRACE_IRQL, NULL, .a = DISPATCH_LEVEL, .b = DISPATCH_LEVEL);
    trace_stop();
    assert_null(strstr(got, "IRQL 2 (DISPATCH_LEVEL) to 2"));
    assert_non_null(strstr(got, "IRP #4 allocated\n"));
    assert_non_null(strstr(got, "IRQL 0 (PASSIVE_LEVEL) to 2 (DISPATCH_LEVEL)\n"));
}

static void a_packet_as_a_story(void **state)
{
    start(TRACE_FORMAT_TEXT, true);
    TRACE(TRACE_START_IO, &story->irp, .a = (uintptr_t)&story->device, .b = (uintptr_t)STORY_SERIAL);
    TRACE(TRACE_PORT, NULL, .a = 0x3F8, .b = 'a', .c = 1);
    TRACE(TRACE_PORT, NULL, .a = 0x3FD, .b = 0x60, .c = 0);
    TRACE(TRACE_REGISTER, NULL, .a = 0xC0000010, .b = 0x1F, .c = 4 * 2 + 1);
    TRACE(TRACE_REGISTER, NULL, .a = 0xC0000014, .b = 0x2, .c = 1 * 2);
    story_irp_is_known = false; /* StartIo may have completed it */
    TRACE(TRACE_START_IO_RETURN, &story->irp);
    story_irp_is_known = true;
    TRACE(TRACE_IRP_QUEUED, &story->irp, .a = (uintptr_t)&story->device);
    TRACE(TRACE_DEVICE_IDLE, &story->device);
    trace_stop();
    assert_non_null(strstr(got, "t3  IRP #4 StartIo serial.sys!SerialDpc called for device #1 (serial)\n"));
    assert_non_null(strstr(got, "t3    port 0x3F8: 0x61 written\n"));
    assert_non_null(strstr(got, "t3    port 0x3FD: 0x60 read\n"));
    assert_non_null(strstr(got, "t3    register 0xC0000010: 0x0000001F written\n"));
    assert_non_null(strstr(got, "t3    register 0xC0000014: 0x02 read\n"));
    assert_non_null(strstr(got, "t3  IRP #4 StartIo returned\n"));
    assert_non_null(strstr(got, "t3  IRP #4 waits in the queue of device #1 (serial)\n"));
    assert_non_null(strstr(got, "t3  device #1 (serial) has no next packet\n"));
    start(TRACE_FORMAT_TEXT, false);
    TRACE(TRACE_PORT, NULL, .a = 0x3F8, .b = 'a', .c = 1);
    trace_stop();
    assert_string_equal(got, "");
}

static void each_line_is_written_at_once(void **state)
{
    start(TRACE_FORMAT_TEXT, false);
    for (unsigned i = 1; i <= 3; i++) {
        TRACE(TRACE_LOAD, NULL, .text = "x");
        assert_int_equal(calls, i);
    }
    trace_stop();
}

static void long_messages_are_cut(void **state)
{
    static char message[5000];
    memset(message, 'm', sizeof(message) - 1);
    start(TRACE_FORMAT_TEXT, false);
    TRACE(TRACE_DEBUG_PRINT, NULL, .text = message);
    TRACE(TRACE_LOAD, NULL, .text = "next");
    trace_stop();
    assert_int_equal(strchr(got, '\n') - got, 1022);
    assert_non_null(strstr(got, "driver next loaded\n"));
}

/* An exception left a dispatch routine without a return: the next return of an outer one closes both. */
static void frames_lost_to_exceptions(void **state)
{
    story_is_on(0, 5);
    start(TRACE_FORMAT_TEXT, false);
    TRACE(TRACE_IRP_SENT, &story->irp, .a = (uintptr_t)&story->filter);
    TRACE(TRACE_IRP_SENT, (char *)&story->irp + 8, .a = (uintptr_t)&story->device);
    TRACE(TRACE_IRP_RETURNED, &story->irp, .a = (uintptr_t)&story->filter, .b = STATUS_SUCCESS);
    TRACE(TRACE_LOAD, NULL, .text = "x");
    trace_stop();
    assert_non_null(
        strstr(got, "t5  IRP #4 dispatch routine of device #1 (serial) returned STATUS_SUCCESS\n"));
    assert_non_null(strstr(got, "t5  driver x loaded\n"));
    assert_non_null(strstr(got, "IRP #own-1 "));
}

/* More frames than are kept, more threads than there is room for, more objects than there are slots. */
static void more_than_there_is_room_for(void **state)
{
    story_is_on(0, 5);
    start(TRACE_FORMAT_TEXT, false);
    for (unsigned i = 0; i < 100; i++)
        TRACE(TRACE_IRP_SENT, &story->irp, .a = (uintptr_t)&story->device);
    for (unsigned i = 0; i < 100; i++)
        TRACE(TRACE_IRP_RETURNED, &story->irp, .a = (uintptr_t)&story->device, .b = STATUS_SUCCESS);
    length = 0;
    TRACE(TRACE_LOAD, NULL, .text = "x");
    assert_non_null(strstr(got, "t5  driver x loaded\n"));
    for (unsigned i = 0; i < 3000; i++) {
        length = 0;
        story_is_on(0, 100 + i);
        TRACE(TRACE_TIMER_EXPIRED, (void *)(0x1000 + 64ull * i));
    }
    assert_non_null(strstr(got, "timer #3000 expired\n"));
    length = 0;
    TRACE(TRACE_TIMER_EXPIRED, (void *)0x1000);
    assert_non_null(strstr(got, "timer #1 expired\n"));
    trace_stop();
    story_is_on(0, 3);
}

/* JSON is buffered: the writer gets full buffers, nothing is lost or doubled. */
static void a_full_buffer_is_written(void **state)
{
    start(TRACE_FORMAT_JSON, false);
    for (unsigned i = 0; i < 2000; i++)
        TRACE(TRACE_LOAD, NULL, .text = "driver");
    assert_true(calls >= 2 && calls < 20);
    trace_stop();
    unsigned found = 0;
    for (const char *at = got; (at = strstr(at, "driver driver loaded")) != NULL; at++)
        found++;
    assert_int_equal(found, 2000);
    assert_string_equal(got + length - 4, "\n]}\n");
}

static void one_trace_at_a_time(void **state)
{
    start(TRACE_FORMAT_TEXT, false);
    assert_int_equal(trace_start(TRACE_FORMAT_JSON, false, collect, NULL), STATUS_DEVICE_BUSY);
    trace_stop();
    trace_stop();
    TRACE(TRACE_LOAD, NULL, .text = "nobody hears");
    assert_null(strstr(got, "nobody"));
}

/* The machine stopped while an event was written: its processor holds the lock for good. */
static void die(void *context, const char *bytes, size_t count)
{
    longjmp(*(jmp_buf *)context, 1);
}

static void the_machine_stops_in_an_event(void **state)
{
    static jmp_buf dead;
    assert_int_equal(trace_start(TRACE_FORMAT_TEXT, false, die, &dead), STATUS_SUCCESS);
    if (setjmp(dead) == 0)
        TRACE(TRACE_LOAD, NULL, .text = "x");
    TRACE(TRACE_BUGCHECK, NULL, .a = 0xA); /* by the same processor: neither waits nor writes */
    trace_stop();
    start(TRACE_FORMAT_TEXT, false);
    TRACE(TRACE_LOAD, NULL, .text = "y");
    trace_stop();
    assert_non_null(strstr(got, "driver y loaded\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_as_a_story),        cmocka_unit_test(verbose_has_more),
        cmocka_unit_test(a_packet_as_a_story),         cmocka_unit_test(each_line_is_written_at_once),
        cmocka_unit_test(long_messages_are_cut),       cmocka_unit_test(frames_lost_to_exceptions),
        cmocka_unit_test(more_than_there_is_room_for), cmocka_unit_test(a_full_buffer_is_written),
        cmocka_unit_test(one_trace_at_a_time),         cmocka_unit_test(the_machine_stops_in_an_event),
    };
    story_begin();
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
