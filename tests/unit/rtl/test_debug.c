/* SPDX-License-Identifier: MIT */
/* DbgPrint, its filter, its sink; breakpoints and assertions. */
#include "rtl_test.h"
#include "rtl/debug.h"

static char last[2048];
static const void *last_caller;
static int messages;

static void sink(const char *text, const void *caller)
{
    strcpy(last, text);
    last_caller = caller;
    messages++;
}

static void NTAPI trace_sink(const struct trace_event *event)
{
    assert_int_equal(event->kind, TRACE_DEBUG_PRINT);
    strcpy(last, event->text);
    messages += 100;
}

static int setup(void **state)
{
    rtl_debug_sink = sink;
    messages = 0;
    last[0] = 0;
    return 0;
}

static void a_message_reaches_the_sink_and_the_trace(void **state)
{
    assert_int_equal(DbgPrint("hello %d %wZ\n", 7, U(u"world")), STATUS_SUCCESS);
    assert_string_equal(last, "hello 7 world\n");
    assert_non_null(last_caller);
    assert_int_equal(DbgPrintReturnControlC("x"), STATUS_SUCCESS);
    static const struct trace_ops ops = {trace_sink};
    seam_trace = &ops;
    DbgPrint("traced");
    seam_trace = NULL;
    assert_string_equal(last, "traced");
    assert_int_equal(messages, 103);
}

static void text_becomes_utf8(void **state)
{
    DbgPrint("%ws", u"\u00E4\u20AC");
    assert_string_equal(last, "\xC3\xA4\xE2\x82\xAC");
    DbgPrint("\xC3\xA4");
    assert_string_equal(last, "\xC3\xA4");
    DbgPrint("\xE4");
    assert_string_equal(last, "\xC3\xA4");
}

static void a_message_is_cut_at_512_bytes(void **state)
{
    char text[601];
    memset(text, 'x', 600);
    text[600] = 0;
    DbgPrint("%s", text);
    assert_int_equal(strlen(last), 512);
}

static void the_filter_decides(void **state)
{
    enum { IHVDRIVER = 77, DEFAULT = 101 };
    DbgPrintEx(IHVDRIVER, 0, "error");
    assert_int_equal(messages, 1);
    DbgPrintEx(IHVDRIVER, 3, "info");
    assert_int_equal(messages, 1);
    assert_int_equal(DbgQueryDebugFilterState(IHVDRIVER, 3), FALSE);
    assert_int_equal(DbgSetDebugFilterState(IHVDRIVER, 3, TRUE), STATUS_SUCCESS);
    assert_int_equal(DbgQueryDebugFilterState(IHVDRIVER, 3), TRUE);
    DbgPrintEx(IHVDRIVER, 3, "info");
    assert_int_equal(messages, 2);
    DbgPrintEx(IHVDRIVER, 0x80000008, "mask with the bit of level 3");
    assert_int_equal(messages, 3);
    assert_int_equal(DbgSetDebugFilterState(IHVDRIVER, 3, FALSE), STATUS_SUCCESS);
    DbgPrintEx(IHVDRIVER, 3, "info");
    assert_int_equal(messages, 3);
    DbgPrintEx(DEFAULT, 4, "beyond info");
    assert_int_equal(messages, 3);
    assert_int_equal(DbgQueryDebugFilterState(1000, 0), STATUS_INVALID_PARAMETER_1);
    assert_int_equal(DbgSetDebugFilterState(1000, 0, TRUE), STATUS_INVALID_PARAMETER_1);
}

static ULONG NTAPI print_list(BOOLEAN prefixed, const char *format, ...)
{
    __builtin_ms_va_list args;
    __builtin_ms_va_start(args, format);
    ULONG status =
        prefixed ? vDbgPrintExWithPrefix("%d: ", 101, 0, format, args) : vDbgPrintEx(101, 0, format, args);
    __builtin_ms_va_end(args);
    return status;
}

static void argument_lists_and_prefix(void **state)
{
    assert_int_equal(print_list(FALSE, "%d %s", 3, "x"), STATUS_SUCCESS);
    assert_string_equal(last, "3 x");
    assert_int_equal(print_list(TRUE, "%d", 3), STATUS_SUCCESS);
    assert_string_equal(last, "%d: 3");
}

static void breakpoints_are_exceptions(void **state)
{
    assert_int_equal(RAISED(DbgBreakPoint()), STATUS_BREAKPOINT);
    assert_int_equal(RAISED(DbgBreakPointWithStatus(5)), STATUS_BREAKPOINT);
    assert_int_equal(RAISED(RtlAssert("a == b", "file.c", 12, NULL)), STATUS_BREAKPOINT);
    assert_non_null(strstr(last, "Assertion failed: a == b\n***   Source File: file.c, line 12\n"));
    assert_true(KdDebuggerNotPresent && !KdDebuggerEnabled && KdRefreshDebuggerNotPresent());
    assert_int_equal(InitSafeBootMode, 0);
}

int test_debug(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_message_reaches_the_sink_and_the_trace, setup),
        cmocka_unit_test_setup(text_becomes_utf8, setup),
        cmocka_unit_test_setup(a_message_is_cut_at_512_bytes, setup),
        cmocka_unit_test_setup(the_filter_decides, setup),
        cmocka_unit_test_setup(argument_lists_and_prefix, setup),
        cmocka_unit_test_setup(breakpoints_are_exceptions, setup),
    };
    return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
