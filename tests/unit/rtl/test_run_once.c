/* SPDX-License-Identifier: MIT */
/* One-time initialisation; resource descriptors; processor features. */
#include "rtl_test.h"

static RTL_RUN_ONCE once;
static int data __attribute__((aligned(8)));

static int setup(void **state)
{
    RtlRunOnceInitialize(&once);
    return 0;
}

static void begin_and_complete(void **state)
{
    PVOID context = NULL;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, &context),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlRunOnceComplete(&once, 0, (char *)&data + 1), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED, &data), STATUS_INVALID_PARAMETER_3);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED | RTL_RUN_ONCE_ASYNC, NULL),
                     STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    assert_int_equal(RtlRunOnceComplete(&once, 0, &data), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, &data);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_CHECK_ONLY, NULL), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 8, &context), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 3, &context), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlRunOnceComplete(&once, 0, NULL), STATUS_UNSUCCESSFUL);
}

static void parallel_attempts(void **state)
{
    PVOID context;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context), STATUS_PENDING);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_INVALID_PARAMETER_2);
    assert_int_equal(RtlRunOnceComplete(&once, 0, &data), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_ASYNC, &data), STATUS_SUCCESS);
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_ASYNC, NULL), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, RTL_RUN_ONCE_ASYNC, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, &data);
}

static void other_thread_succeeds(void)
{
    assert_int_equal(RtlRunOnceComplete(&once, 0, &data), STATUS_SUCCESS);
}

static void other_thread_fails(void)
{
    assert_int_equal(RtlRunOnceComplete(&once, RTL_RUN_ONCE_INIT_FAILED, NULL), STATUS_SUCCESS);
}

/* Waits, too, and so leaves two waiters behind the first attempt. */
static void another_waiter(void)
{
    PVOID context;
    fake_while_waiting = other_thread_succeeds;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_SUCCESS);
}

static void waiting_for_another_thread(void **state)
{
    PVOID context;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    fake_while_waiting = another_waiter;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, &data);
    RtlRunOnceInitialize(&once);
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
    fake_while_waiting = other_thread_fails;
    assert_int_equal(RtlRunOnceBeginInitialize(&once, 0, &context), STATUS_PENDING);
}

static int calls;

static ULONG NTAPI init(PRTL_RUN_ONCE run_once, PVOID parameter, PVOID *context)
{
    assert_ptr_equal(run_once, &once);
    assert_int_equal(fake_critical_regions, 1);
    calls++;
    *context = &data;
    return parameter != NULL;
}

static void execute(void **state)
{
    PVOID context = NULL;
    calls = 0;
    assert_int_equal(RtlRunOnceExecuteOnce(&once, init, NULL, &context), STATUS_UNSUCCESSFUL);
    assert_null(context);
    assert_int_equal(RtlRunOnceExecuteOnce(&once, init, &data, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, &data);
    context = NULL;
    assert_int_equal(RtlRunOnceExecuteOnce(&once, init, &data, &context), STATUS_SUCCESS);
    assert_ptr_equal(context, &data);
    assert_int_equal(calls, 2);
    assert_int_equal(fake_critical_regions, 0);
}

static void partial_descriptors(void **state)
{
    CM_PARTIAL_RESOURCE_DESCRIPTOR d = {0};
    ULONGLONG start;
    enum { MEMORY = CmResourceTypeMemory, LARGE = CmResourceTypeMemoryLarge, PORT = CmResourceTypePort };
    assert_int_equal(RtlCmEncodeMemIoResource(&d, PORT, 8, 0x3F8), STATUS_SUCCESS);
    assert_int_equal(d.Type, PORT);
    assert_int_equal(RtlCmDecodeMemIoResource(&d, &start), 8);
    assert_int_equal(start, 0x3F8);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, MEMORY, 0x123456700, 0x100000000), STATUS_SUCCESS);
    assert_int_equal(d.Type, LARGE);
    assert_int_equal(d.Flags, CM_RESOURCE_MEMORY_LARGE_40);
    assert_int_equal(d.u.Memory40.Length, 0x1234567);
    assert_int_equal(RtlCmDecodeMemIoResource(&d, NULL), 0x123456700);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, LARGE, 0x123456700000, 0), STATUS_SUCCESS);
    assert_int_equal(d.Flags, CM_RESOURCE_MEMORY_LARGE_48);
    assert_int_equal(RtlCmDecodeMemIoResource(&d, NULL), 0x123456700000);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, LARGE, 0x1234567000000000, 0), STATUS_SUCCESS);
    assert_int_equal(RtlCmDecodeMemIoResource(&d, NULL), 0x1234567000000000);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, LARGE, 0x1000, 0), STATUS_SUCCESS);
    assert_int_equal(d.Type, MEMORY);
    assert_int_equal(d.Flags, 0);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, MEMORY, 0x123456701, 0), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, PORT, 0x100000000, 0), STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlCmEncodeMemIoResource(&d, CmResourceTypeDma, 1, 0), STATUS_INVALID_PARAMETER);
}

static void requirement_descriptors(void **state)
{
    IO_RESOURCE_DESCRIPTOR d = {0};
    ULONGLONG alignment, low, high;
    assert_int_equal(RtlIoEncodeMemIoResource(&d, CmResourceTypeMemory, 0x1000, 0x1000, 1, 2),
                     STATUS_SUCCESS);
    assert_int_equal(RtlIoDecodeMemIoResource(&d, &alignment, &low, &high), 0x1000);
    assert_true(alignment == 0x1000 && low == 1 && high == 2);
    assert_int_equal(RtlIoEncodeMemIoResource(&d, CmResourceTypeMemory, 0x100000000, 0x10000000000, 0, ~0ull),
                     STATUS_SUCCESS);
    assert_int_equal(d.Flags, CM_RESOURCE_MEMORY_LARGE_48);
    assert_int_equal(RtlIoDecodeMemIoResource(&d, &alignment, NULL, NULL), 0x100000000);
    assert_int_equal(alignment, 0x10000000000);
    assert_int_equal(RtlIoEncodeMemIoResource(&d, CmResourceTypeMemory, 0x100000000, 1, 0, 0),
                     STATUS_UNSUCCESSFUL);
    assert_int_equal(RtlIoEncodeMemIoResource(&d, CmResourceTypeInterrupt, 1, 1, 0, 0),
                     STATUS_INVALID_PARAMETER);
}

static void processor_features(void **state)
{
    assert_int_equal(RtlGetEnabledExtendedFeatures(~0ull), 3);
    assert_int_equal(RtlGetEnabledExtendedFeatures(2), 2);
}

static void drive_letters(void **state)
{
    UNICODE_STRING name;
    assert_int_equal(RtlVolumeDeviceToDosName((PVOID)1, &name), STATUS_SUCCESS);
    assert_wide(name.Buffer, u"Q:");
    assert_int_equal(name.Length, 4);
    RtlFreeUnicodeString(&name);
    assert_int_equal(IoVolumeDeviceToDosName((PVOID)2, &name), STATUS_INVALID_PARAMETER);
    assert_int_equal(IoVolumeDeviceToDosName(NULL, &name), STATUS_INVALID_PARAMETER);
    fake_pool_failures = 1;
    assert_int_equal(IoVolumeDeviceToDosName((PVOID)1, &name), STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(fake_pool_blocks, 0);
}

int test_run_once(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(begin_and_complete, setup),
        cmocka_unit_test_setup(parallel_attempts, setup),
        cmocka_unit_test_setup(waiting_for_another_thread, setup),
        cmocka_unit_test_setup(execute, setup),
        cmocka_unit_test(partial_descriptors),
        cmocka_unit_test(requirement_descriptors),
        cmocka_unit_test(processor_features),
        cmocka_unit_test(drive_letters),
    };
    return cmocka_run_group_tests_name("run once, descriptors", tests, NULL, NULL);
}
