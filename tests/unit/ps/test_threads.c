/* SPDX-License-Identifier: MIT */
/* Processes and threads: ids, life, handles, attaching, host threads, tokens. */
#include <stdio.h>
#include <string.h>
#include "world.h"
#include "ob/routines.h"
#include "ps/routines.h"

void world_run_thread(struct ps_thread *thread);

static HANDLE seen_process, seen_thread;
static int exits;
static SHORT seen_disable;

static VOID NTAPI note_and_return(PVOID context)
{
    seen_process = PsGetCurrentProcessId();
    seen_thread = PsGetCurrentThreadId();
    seen_disable = world_thread->tcb.kernel_apc_disable;
    assert_ptr_equal(context, &exits);
}

static VOID NTAPI terminate(PVOID context)
{
    PsTerminateSystemThread(STATUS_CANCELLED);
    fail();
}

static void note_exit(struct ps_thread *thread)
{
    exits++;
    assert_true(PsIsThreadTerminating((PETHREAD)thread));
}

static struct ps_thread *create(PKSTART_ROUTINE routine, HANDLE *handle, CLIENT_ID *id)
{
    void *body;
    assert_status(PsCreateSystemThread(handle, THREAD_ALL_ACCESS, NULL, NULL, id, routine, &exits),
                  STATUS_SUCCESS);
    assert_status(ob_reference_by_handle(*handle, 0, ps_thread_type, KernelMode, &body, NULL),
                  STATUS_SUCCESS);
    return body;
}

static void a_system_thread_lives_and_ends(void **state)
{
    HANDLE handle;
    CLIENT_ID id;
    exits = 0;
    ps_callouts.thread_exiting = note_exit;
    struct ps_thread *thread = create(note_and_return, &handle, &id);
    assert_true((LONG64)handle < 0); /* a kernel handle */
    assert_true(PsIsSystemThread((PETHREAD)thread));
    assert_status(PsGetThreadExitStatus((PETHREAD)thread), STATUS_PENDING);
    world_run_thread(thread);
    assert_int_equal(seen_disable, -1); /* inside a critical region */
    assert_int_equal(thread->tcb.kernel_apc_disable, 0);
    assert_ptr_equal(seen_process, (HANDLE)4);
    assert_ptr_equal(seen_thread, id.UniqueThread);
    assert_int_equal(exits, 1);
    assert_status(PsGetThreadExitStatus((PETHREAD)thread), STATUS_SUCCESS);
    assert_int_equal(ob_pointer_count(thread), 2); /* ours and the handle's */
    ZwClose(handle);
    ob_dereference(thread);
    PETHREAD gone;
    assert_status(PsLookupThreadByThreadId(id.UniqueThread, &gone), STATUS_INVALID_PARAMETER);
}

static void terminating_keeps_the_status(void **state)
{
    HANDLE handle;
    struct ps_thread *thread = create(terminate, &handle, NULL);
    world_run_thread(thread);
    assert_status(PsGetThreadExitStatus((PETHREAD)thread), STATUS_CANCELLED);
}

static void only_system_threads_terminate_themselves(void **state)
{
    world_thread->system_thread = false;
    assert_status(PsTerminateSystemThread(0), STATUS_INVALID_PARAMETER);
}

static void thread_attributes_are_checked(void **state)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, OBJ_PERMANENT);
    assert_status(PsCreateSystemThread(&handle, 0, &attributes, NULL, NULL, terminate, NULL),
                  STATUS_INVALID_PARAMETER);
    assert_status(PsCreateSystemThread(&handle, 0, NULL, (HANDLE)0x7770, NULL, terminate, NULL),
                  STATUS_INVALID_HANDLE);
    LONG threads = ps_system_process()->thread_count;
    world_out_of_memory = true;
    assert_status(PsCreateSystemThread(&handle, 0, NULL, NULL, NULL, terminate, NULL),
                  STATUS_INSUFFICIENT_RESOURCES);
    assert_int_equal(ps_system_process()->thread_count, threads);
}

static void ids_find_their_objects(void **state)
{
    PEPROCESS process;
    PETHREAD thread;
    HANDLE handle;
    CLIENT_ID id;
    assert_status(PsLookupProcessByProcessId((HANDLE)4, &process), STATUS_SUCCESS);
    assert_ptr_equal(process, PsInitialSystemProcess);
    ob_dereference(process);
    assert_status(PsLookupProcessByProcessId((HANDLE)0x7FFC, &process), STATUS_INVALID_CID);
    assert_status(PsLookupProcessByProcessId((HANDLE)5, &process), STATUS_INVALID_CID);
    create(terminate, &handle, &id);
    assert_status(PsLookupProcessByProcessId(id.UniqueThread, &process), STATUS_INVALID_CID);
    assert_status(PsLookupThreadByThreadId(id.UniqueThread, &thread), STATUS_SUCCESS);
    assert_status(PsLookupProcessThreadByCid(&id, &process, &thread), STATUS_SUCCESS);
    id.UniqueProcess = (HANDLE)8;
    assert_status(PsLookupProcessThreadByCid(&id, &process, &thread), STATUS_INVALID_CID);
}

static void many_ids(void **state)
{
    enum { COUNT = 600 };
    HANDLE handle;
    CLIENT_ID ids[COUNT];
    for (int i = 0; i < COUNT; i++)
        create(terminate, &handle, &ids[i]);
    for (int i = 1; i < COUNT; i++) {
        PETHREAD thread;
        assert_true(ids[i].UniqueThread > ids[i - 1].UniqueThread);
        assert_status(PsLookupThreadByThreadId(ids[i].UniqueThread, &thread), STATUS_SUCCESS);
        assert_ptr_equal(((struct ps_thread *)thread)->id, ids[i].UniqueThread);
    }
}

static void attaching_changes_the_current_process(void **state)
{
    KAPC_STATE outer, inner;
    PRKPROCESS api = (PRKPROCESS)ps_api_process(), system = (PRKPROCESS)ps_system_process();
    KeStackAttachProcess(api, &outer);
    assert_ptr_equal(IoGetCurrentProcess(), api);
    assert_ptr_equal(PsGetCurrentProcessId(), (HANDLE)4); /* the thread's own */
    KeStackAttachProcess(api, &inner);
    KeUnstackDetachProcess(&inner);
    assert_ptr_equal(IoGetCurrentProcess(), api);
    assert_bugcheck(KeAttachProcess(system), INVALID_PROCESS_ATTACH_ATTEMPT);
    KeUnstackDetachProcess(&outer);
    assert_ptr_equal(IoGetCurrentProcess(), system);
    KeAttachProcess(api);
    assert_ptr_equal(IoGetCurrentProcess(), api);
    KeDetachProcess();
    assert_ptr_equal(IoGetCurrentProcess(), system);
    world_set_irql(DISPATCH_LEVEL);
    assert_bugcheck(KeStackAttachProcess(api, &outer), INVALID_PROCESS_ATTACH_ATTEMPT);
    world_set_irql(PASSIVE_LEVEL);
}

static void host_threads_belong_to_the_api_process(void **state)
{
    exits = 0;
    ps_callouts.thread_exiting = note_exit;
    struct ps_thread *thread = ps_host_thread();
    assert_ptr_equal(ps_host_thread(), thread);
    assert_ptr_equal(thread->process, ps_api_process());
    assert_false(thread->system_thread);
    HANDLE id = thread->id;
    ps_host_thread_detach();
    assert_int_equal(exits, 1);
    struct ps_thread *next = ps_host_thread(); /* frees the ended one */
    assert_ptr_not_equal(next->id, id);
    assert_null(ps_lookup_thread(id));
    ps_host_thread_detach();
}

static void versions(void **state)
{
    ULONG major, minor, build;
    UNICODE_STRING pack;
    assert_false(PsGetVersion(&major, &minor, &build, &pack));
    assert_int_equal(major, 10);
    assert_int_equal(build, 19045);
    assert_int_equal(pack.Length, 0);
    assert_false(PsGetVersion(NULL, NULL, NULL, NULL));
}

static void primary_tokens(void **state)
{
    void *token = PsReferencePrimaryToken((PEPROCESS)ps_api_process());
    assert_ptr_equal(token, se_administrator_token());
    PsDereferencePrimaryToken(token);
    assert_ptr_equal(se_current_token(), se_system_token());
}

static int thread_notes, thread_ends, process_notes, image_notes;
static HANDLE noted_id;

static VOID NTAPI note_thread(HANDLE process, HANDLE thread, BOOLEAN created)
{
    created ? thread_notes++ : thread_ends++;
    noted_id = thread;
    assert_int_equal(world_thread->tcb.kernel_apc_disable, -1); /* a critical region */
}

static VOID NTAPI note_process(HANDLE parent, HANDLE process, BOOLEAN created)
{
    process_notes++;
    assert_ptr_equal(parent, (HANDLE)4);
    assert_ptr_equal(process, ps_api_process()->id);
    assert_true(created);
}

static VOID NTAPI note_image(PUNICODE_STRING name, HANDLE process, PIMAGE_INFO info)
{
    image_notes++;
    assert_memory_equal(name->Buffer, u"\\SystemRoot\\System32\\drivers\\x.sys", name->Length + 2);
    assert_null(process);
    assert_int_equal(info->ImageSize, 0x3000);
    assert_true(info->SystemModeImage);
}

static void notifications(void **state)
{
    HANDLE handle;
    CLIENT_ID id;
    thread_notes = thread_ends = process_notes = image_notes = 0;
    assert_status(PsSetCreateThreadNotifyRoutine(note_thread), STATUS_SUCCESS);
    assert_status(PsSetCreateProcessNotifyRoutine(note_process, FALSE), STATUS_SUCCESS);
    assert_status(PsSetCreateProcessNotifyRoutine(note_process, FALSE), STATUS_INVALID_PARAMETER);
    assert_status(PsSetLoadImageNotifyRoutine(note_image), STATUS_SUCCESS);
    struct ps_thread *thread = create(terminate, &handle, &id);
    assert_int_equal(thread_notes, 1);
    assert_ptr_equal(noted_id, id.UniqueThread);
    world_run_thread(thread);
    assert_int_equal(thread_ends, 1);
    ps_host_thread(); /* the first of its process */
    assert_int_equal(thread_notes, 2);
    assert_int_equal(process_notes, 1);
    ps_host_thread_detach();
    ps_notify_image("x.sys", (void *)0x1000, 0x3000);
    assert_int_equal(image_notes, 1);
    assert_status(PsRemoveCreateThreadNotifyRoutine(note_thread), STATUS_SUCCESS);
    assert_status(PsRemoveCreateThreadNotifyRoutine(note_thread), STATUS_PROCEDURE_NOT_FOUND);
    assert_status(PsRemoveLoadImageNotifyRoutine(note_image), STATUS_SUCCESS);
    assert_status(PsSetCreateProcessNotifyRoutine(note_process, TRUE), STATUS_SUCCESS);
    assert_status(PsSetCreateProcessNotifyRoutine(note_process, TRUE), STATUS_PROCEDURE_NOT_FOUND);
    create(terminate, &handle, &id);
    ps_notify_image("x.sys", NULL, 0);
    assert_int_equal(thread_notes, 2);
    assert_int_equal(image_notes, 1);
}

static int ends;

static VOID NTAPI note_end(PEPROCESS process, HANDLE id, PPS_CREATE_NOTIFY_INFO info)
{
    if (info)
        return;
    ends++;
    assert_ptr_equal(process, ps_api_process());
    assert_ptr_equal(id, ps_api_process()->id);
    assert_int_equal(ps_api_process()->header.SignalState, 0);
}

static HANDLE open_api_process(void)
{
    HANDLE handle;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, OBJ_KERNEL_HANDLE);
    CLIENT_ID id = {ps_api_process()->id, NULL};
    assert_status(ZwOpenProcess(&handle, PROCESS_ALL_ACCESS, &attributes, &id), STATUS_SUCCESS);
    return handle;
}

/* Nobody runs in it: who terminates it sees to its end. */
static void a_process_without_threads_ends(void **state)
{
    HANDLE handle = open_api_process(), other;
    CLIENT_ID id;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, 0);
    ends = 0;
    assert_status(PsSetCreateProcessNotifyRoutineEx(note_end, FALSE), STATUS_SUCCESS);
    assert_status(ZwTerminateProcess(handle, 77), STATUS_SUCCESS);
    assert_int_equal(ends, 1);
    assert_int_equal(ps_api_process()->header.SignalState, 1);
    assert_int_equal(ps_api_process()->exit_status, 77);
    assert_status(ZwTerminateProcess(handle, 78), STATUS_PROCESS_IS_TERMINATING);
    assert_int_equal(ps_api_process()->exit_status, 77);
    assert_status(PsCreateSystemThread(&other, 0, &attributes, handle, &id, terminate, NULL),
                  STATUS_PROCESS_IS_TERMINATING);
    assert_ptr_equal(ps_host_thread()->process, ps_system_process());
    ps_host_thread_detach();
    assert_status(PsSetCreateProcessNotifyRoutineEx(note_end, TRUE), STATUS_SUCCESS);
}

/* A driver's thread cannot be ended by others, and the process waits for it. */
static void a_system_thread_keeps_its_process(void **state)
{
    HANDLE handle = open_api_process(), other;
    struct ps_thread *thread;
    CLIENT_ID id;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, 0);
    ends = 0;
    assert_status(PsSetCreateProcessNotifyRoutineEx(note_end, FALSE), STATUS_SUCCESS);
    assert_status(PsCreateSystemThread(&other, 0, &attributes, handle, &id, terminate, NULL), STATUS_SUCCESS);
    thread = ps_lookup_thread(id.UniqueThread);
    ob_dereference(thread);
    assert_status(ZwTerminateProcess(handle, 77), STATUS_SUCCESS);
    assert_false(thread->tcb.doomed);
    assert_int_equal(ends, 0);
    world_run_thread(thread);
    assert_int_equal(ends, 1);
    assert_int_equal(ps_api_process()->header.SignalState, 1);
    assert_status(PsSetCreateProcessNotifyRoutineEx(note_end, TRUE), STATUS_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_system_thread_lives_and_ends, world_start, world_stop),
        cmocka_unit_test_setup_teardown(terminating_keeps_the_status, world_start, world_stop),
        cmocka_unit_test_setup_teardown(only_system_threads_terminate_themselves, world_start, world_stop),
        cmocka_unit_test_setup_teardown(thread_attributes_are_checked, world_start, world_stop),
        cmocka_unit_test_setup_teardown(ids_find_their_objects, world_start, world_stop),
        cmocka_unit_test_setup_teardown(many_ids, world_start, world_stop),
        cmocka_unit_test_setup_teardown(attaching_changes_the_current_process, world_start, world_stop),
        cmocka_unit_test_setup_teardown(host_threads_belong_to_the_api_process, world_start, world_stop),
        cmocka_unit_test_setup_teardown(notifications, world_start, world_stop),
        cmocka_unit_test_setup_teardown(a_process_without_threads_ends, world_start, world_stop),
        cmocka_unit_test_setup_teardown(a_system_thread_keeps_its_process, world_start, world_stop),
        cmocka_unit_test_setup_teardown(versions, world_start, world_stop),
        cmocka_unit_test_setup_teardown(primary_tokens, world_start, world_stop),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (failed == 0)
        puts("rules: SR-48");
    return failed;
}
