/* SPDX-License-Identifier: MIT */
/* What needs threads: work items, callback objects, contended resources and fast mutexes, rundown. */
#include "executive.h"
#include "rtl/rtl.h"
#include "ex/routines.h"

static LONG ran;
static KIRQL ran_at;
static struct ke_thread *ran_on;

static VOID NTAPI count_run(PVOID Parameter)
{
    ran_at = ke_irql();
    ran_on = ke_thread();
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
    if (Parameter != NULL)
        KeSetEvent(Parameter, 0, FALSE);
}

static void count_own(void *context)
{
    ++*(LONG *)context;
}

EXECUTIVE_TEST(work_items_run_on_system_threads, true, 1)
{
    KEVENT done;
    WORK_QUEUE_ITEM item = {.WorkerRoutine = count_run, .Parameter = &done};
    KeInitializeEvent(&done, SynchronizationEvent, FALSE);
    ran = 0;
    for (int type = CriticalWorkQueue; type <= HyperCriticalWorkQueue; type++) {
        KIRQL old = ke_raise_irql(DISPATCH_LEVEL);
        ExQueueWorkItem(&item, type);
        ke_lower_irql(old);
        KeWaitForSingleObject(&done, Executive, KernelMode, FALSE, NULL);
        assert_int_equal(ran_at, PASSIVE_LEVEL);
        assert_ptr_not_equal(ran_on, ke_thread());
        assert_null(item.List.Flink); /* the item may be queued again */
    }
    assert_int_equal(ran, 3);
    struct ex_work work[20];
    LONG count = 0;
    for (int i = 0; i < 20; i++)
        ex_queue_work(&work[i], count_own, &count);
    ex_drain_work();
    assert_int_equal(count, 20);
    ex_drain_work(); /* nothing to wait for */
    return STATUS_SUCCESS;
}

static VOID NTAPI free_itself(PVOID Parameter)
{
    mm_pool_free(Parameter, 0, NULL);
    ran++;
}

EXECUTIVE_TEST(a_work_item_may_free_itself, true, 2)
{
    ran = 0;
    for (int i = 0; i < 50; i++) {
        PWORK_QUEUE_ITEM item = mm_pool_allocate(NonPagedPoolNx, sizeof *item, 1, true, NULL);
        item->WorkerRoutine = free_itself;
        item->Parameter = item;
        ExQueueWorkItem(item, DelayedWorkQueue);
    }
    ex_drain_work();
    assert_int_equal(ran, 50);
    return STATUS_SUCCESS;
}

static NTSTATUS create(PCALLBACK_OBJECT *object, const WCHAR *path, bool make, bool multiple)
{
    UNICODE_STRING name;
    rtl_init_string(&name, path);
    OBJECT_ATTRIBUTES attributes = {
        .Length = sizeof attributes, .ObjectName = &name, .Attributes = OBJ_CASE_INSENSITIVE | OBJ_PERMANENT};
    return ExCreateCallback(object, &attributes, make, multiple);
}

static char calls[32];

static VOID NTAPI note(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    size_t at = strlen(calls);
    calls[at] = *(char *)CallbackContext;
    assert_ptr_equal(Argument1, &calls);
    assert_ptr_equal(Argument2, NULL);
}

EXECUTIVE_TEST(callback_objects, true, 1)
{
    PCALLBACK_OBJECT one, many, again, system;
    assert_status(create(&one, u"\\Callback\\Nobody", false, true), STATUS_OBJECT_NAME_NOT_FOUND);
    assert_status(create(&one, u"", true, true), STATUS_UNSUCCESSFUL);
    assert_status(create(&system, u"\\Callback\\PowerState", false, false), STATUS_SUCCESS);
    assert_status(create(&one, u"\\Callback\\One", true, false), STATUS_SUCCESS);
    assert_status(create(&many, u"\\Callback\\Many", true, true), STATUS_SUCCESS);
    assert_status(create(&again, u"\\Callback\\many", false, false), STATUS_SUCCESS);
    assert_ptr_equal(again, many);
    ob_dereference(again);
    void *first = ExRegisterCallback(one, note, "x");
    assert_null(ExRegisterCallback(one, note, "y"));
    ExUnregisterCallback(first);
    memset(calls, 0, sizeof calls);
    void *a = ExRegisterCallback(many, note, "a"), *b = ExRegisterCallback(many, note, "b");
    void *c = ExRegisterCallback(many, note, "c");
    ExNotifyCallback(many, &calls, NULL);
    ExUnregisterCallback(b);
    ExNotifyCallback(many, &calls, NULL);
    assert_string_equal(calls, "abcac");
    ExUnregisterCallback(a);
    ExUnregisterCallback(c);
    ExNotifyCallback(many, &calls, NULL);
    assert_string_equal(calls, "abcac");
    return STATUS_SUCCESS;
}

static KEVENT entered, leave;
static bool still_inside;

static VOID NTAPI slow(PVOID CallbackContext, PVOID Argument1, PVOID Argument2)
{
    still_inside = true;
    KeSetEvent(&entered, 0, FALSE);
    KeWaitForSingleObject(&leave, Executive, KernelMode, FALSE, NULL);
    still_inside = false;
}

static void notify_slow(void *object)
{
    ExNotifyCallback(object, NULL, NULL);
}

static void let_go(void *context)
{
    executive_sleep(5);
    KeSetEvent(&leave, 0, FALSE);
}

EXECUTIVE_TEST(unregistering_waits_for_the_call, true, 1)
{
    PCALLBACK_OBJECT object;
    struct ex_work notify, release;
    KeInitializeEvent(&entered, SynchronizationEvent, FALSE);
    KeInitializeEvent(&leave, SynchronizationEvent, FALSE);
    assert_status(create(&object, u"\\Callback\\Slow", true, true), STATUS_SUCCESS);
    void *registration = ExRegisterCallback(object, slow, NULL);
    ex_queue_work(&notify, notify_slow, object);
    KeWaitForSingleObject(&entered, Executive, KernelMode, FALSE, NULL);
    ex_queue_work(&release, let_go, NULL);
    assert_true(still_inside);
    ExUnregisterCallback(registration);
    assert_false(still_inside);
    ex_drain_work();
    return STATUS_SUCCESS;
}

static ERESOURCE resource;
static LONG readers, writers;
static bool mixed;

static void read_and_write(void *context)
{
    unsigned random = (unsigned)(uintptr_t)context;
    for (int i = 0; i < 40; i++) {
        random = random * 1103515245 + 12345;
        KeEnterCriticalRegion();
        if (random >> 16 & 3) {
            ExAcquireResourceSharedLite(&resource, TRUE);
            __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
            mixed |= writers != 0;
            if (random >> 20 & 1)
                executive_sleep(1);
            __atomic_sub_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        } else {
            ExAcquireResourceExclusiveLite(&resource, TRUE);
            mixed |= __atomic_add_fetch(&writers, 1, __ATOMIC_SEQ_CST) != 1 || readers != 0;
            if (random >> 20 & 1)
                executive_sleep(1);
            __atomic_sub_fetch(&writers, 1, __ATOMIC_SEQ_CST);
        }
        ExReleaseResourceLite(&resource);
        KeLeaveCriticalRegion();
    }
    ke_thread_exit(STATUS_SUCCESS);
}

static void run_threads(void (*fn)(void *), unsigned count)
{
    struct ps_thread *threads[8];
    for (unsigned i = 0; i < count; i++)
        assert_status(ps_create_system_thread(&threads[i], fn, (void *)(uintptr_t)(i + 1), "test"),
                      STATUS_SUCCESS);
    for (unsigned i = 0; i < count; i++) {
        KeWaitForSingleObject(&threads[i]->tcb.header, Executive, KernelMode, FALSE, NULL);
        ob_dereference(threads[i]);
    }
}

static NTSTATUS contend_for_the_resource(void)
{
    mixed = false;
    ExInitializeResourceLite(&resource);
    run_threads(read_and_write, 6);
    assert_false(mixed);
    assert_true(resource.ContentionCount > 0 && resource.ActiveEntries == 0);
    ExDeleteResourceLite(&resource);
    return STATUS_SUCCESS;
}

EXECUTIVE_TEST(readers_and_writers_never_meet_simulated, true, 2)
{
    return contend_for_the_resource();
}

EXECUTIVE_TEST(readers_and_writers_never_meet_real, false, 2)
{
    return contend_for_the_resource();
}

static FAST_MUTEX mutex;
static LONG holders;

static void lock_and_unlock(void *context)
{
    for (int i = 0; i < 200; i++) {
        ExAcquireFastMutex(&mutex);
        mixed |= ++holders != 1 || ke_irql() != APC_LEVEL;
        if (i % 32 == 0)
            executive_sleep(1);
        holders--;
        ExReleaseFastMutex(&mutex);
    }
    ke_thread_exit(STATUS_SUCCESS);
}

EXECUTIVE_TEST(one_holder_of_a_fast_mutex, false, 2)
{
    mixed = false;
    mutex = (FAST_MUTEX){.Count = 1};
    KeInitializeEvent(&mutex.Event, SynchronizationEvent, FALSE);
    run_threads(lock_and_unlock, 4);
    assert_false(mixed);
    assert_int_equal(mutex.Count, 1);
    return STATUS_SUCCESS;
}

const struct CMUnitTest executive_tests[] = {
    cmocka_unit_test(work_items_run_on_system_threads),
    cmocka_unit_test(a_work_item_may_free_itself),
    cmocka_unit_test(callback_objects),
    cmocka_unit_test(unregistering_waits_for_the_call),
    cmocka_unit_test(readers_and_writers_never_meet_simulated),
    cmocka_unit_test(readers_and_writers_never_meet_real),
    cmocka_unit_test(one_holder_of_a_fast_mutex),
};
const size_t executive_test_count = countof(executive_tests);
