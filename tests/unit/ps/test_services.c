/* SPDX-License-Identifier: MIT */
/* Handles to processes, threads and tokens; duplication; what the system says about itself. */
#include <string.h>
#include "ob/handles.h"
#include "ps/query.h"
#include "world.h"
#include "ob/routines.h"
#include "ps/routines.h"
#include "se/routines.h"

#define SELF   ((HANDLE)-1)
#define THREAD ((HANDLE)-2)

static HANDLE open_api_process(void)
{
    HANDLE handle = NULL;
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, OBJ_KERNEL_HANDLE);
    CLIENT_ID id = {ps_api_process()->id, NULL};
    assert_status(ZwOpenProcess(&handle, PROCESS_ALL_ACCESS, &attributes, &id), STATUS_SUCCESS);
    return handle;
}

static void processes_are_opened_by_id(void **state)
{
    HANDLE handle;
    void *body;
    UNICODE_STRING name = world_string(u"\\x");
    OBJECT_ATTRIBUTES attributes = world_attributes(NULL, 0), named = world_attributes(&name, 0);
    CLIENT_ID id = {(HANDLE)4, NULL}, nobody = {(HANDLE)0x7000, NULL};
    assert_status(ob_reference_by_handle(open_api_process(), 0, ps_process_type, KernelMode, &body, NULL),
                  STATUS_SUCCESS);
    assert_ptr_equal(body, ps_api_process());
    assert_status(ZwOpenProcess(&handle, 1, &attributes, &nobody), STATUS_INVALID_CID);
    assert_status(ZwOpenProcess(&handle, 1, &named, &id), STATUS_INVALID_PARAMETER_MIX);
    assert_status(ZwOpenProcess(&handle, 1, &attributes, NULL), STATUS_INVALID_PARAMETER_MIX);
    assert_status(ZwOpenProcess(&handle, 1, &named, NULL), STATUS_OBJECT_NAME_NOT_FOUND);
    id = (CLIENT_ID){(HANDLE)4, ps_host_thread()->id};
    assert_status(ZwOpenThread(&handle, 1, &attributes, &id), STATUS_INVALID_CID); /* another process's */
    id.UniqueProcess = NULL;
    assert_status(ZwOpenThread(&handle, 1, &attributes, &id), STATUS_SUCCESS);
    ps_host_thread_detach();
}

static void tokens_are_opened(void **state)
{
    HANDLE token;
    ULONG value, length;
    assert_status(ZwOpenProcessTokenEx(open_api_process(), TOKEN_QUERY, OBJ_KERNEL_HANDLE, &token),
                  STATUS_SUCCESS);
    assert_status(ZwQueryInformationToken(token, TokenSessionId, &value, sizeof(value), &length),
                  STATUS_SUCCESS);
    assert_int_equal(value, 1);
    assert_status(ZwQueryInformationToken(token, TokenUser, &value, sizeof(value), &length),
                  STATUS_BUFFER_TOO_SMALL);
    assert_true(length > 16);
    assert_status(ZwOpenThreadTokenEx(THREAD, TOKEN_QUERY, TRUE, 0, &token), STATUS_NO_TOKEN);
    assert_status(ZwOpenProcessTokenEx(open_api_process(), TOKEN_IMPERSONATE, 0, &token), STATUS_SUCCESS);
    assert_status(ZwSetInformationThread(THREAD, ThreadImpersonationToken, &token, sizeof(token)),
                  STATUS_SUCCESS);
    assert_ptr_equal(se_current_token(), se_administrator_token());
    assert_status(ZwOpenThreadTokenEx(THREAD, TOKEN_QUERY, TRUE, 0, &token), STATUS_SUCCESS);
    token = NULL;
    assert_status(ZwSetInformationThread(THREAD, ThreadImpersonationToken, &token, sizeof(token)),
                  STATUS_SUCCESS);
    assert_ptr_equal(se_current_token(), se_system_token());
}

static void handles_are_duplicated(void **state)
{
    HANDLE event, api = open_api_process(), copy, back;
    ACCESS_MASK granted;
    void *body;
    assert_status(ZwCreateEvent(&event, EVENT_QUERY_STATE, NULL, NotificationEvent, FALSE), STATUS_SUCCESS);
    assert_status(ZwDuplicateObject(SELF, event, api, &copy, 0, 0, DUPLICATE_SAME_ACCESS), STATUS_SUCCESS);
    assert_ptr_equal(copy, (HANDLE)4); /* the first in that table */
    assert_status(ZwDuplicateObject(api, copy, SELF, &back, EVENT_MODIFY_STATE, OBJ_KERNEL_HANDLE, 0),
                  STATUS_SUCCESS);
    assert_true((LONG64)back < 0);
    assert_status(ob_reference_by_handle(back, 0, ob_event_type, KernelMode, &body, &granted),
                  STATUS_SUCCESS);
    assert_int_equal(granted, EVENT_MODIFY_STATE);
    assert_int_equal(ob_handle_count(body), 3);
    assert_status(ZwDuplicateObject(api, copy, NULL, NULL, 0, 0, DUPLICATE_CLOSE_SOURCE), STATUS_SUCCESS);
    assert_int_equal(ob_handle_count(body), 2);
    assert_status(ZwDuplicateObject(api, copy, SELF, &back, 0, 0, 0), STATUS_INVALID_HANDLE);
    assert_status(ZwDuplicateObject(SELF, event, NULL, NULL, 0, 0, 0), STATUS_INVALID_PARAMETER);
    assert_status(
        ZwDuplicateObject(SELF, event, SELF, &copy, 0, 0, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE),
        STATUS_SUCCESS);
    assert_status(ZwClose(event), STATUS_INVALID_HANDLE);
}

static void processes_tell(void **state)
{
    PROCESS_BASIC_INFORMATION basic;
    struct {
        UNICODE_STRING name;
        WCHAR text[64];
    } image;
    ULONG count, length;
    ULONG_PTR number = 1;
    HANDLE api = open_api_process();
    assert_status(ZwQueryInformationProcess(api, ProcessBasicInformation, &basic, sizeof(basic), &length),
                  STATUS_SUCCESS);
    assert_int_equal(basic.UniqueProcessId, (ULONG_PTR)ps_api_process()->id);
    assert_int_equal(basic.InheritedFromUniqueProcessId, 4);
    assert_status(basic.ExitStatus, STATUS_PENDING);
    assert_status(ZwQueryInformationProcess(api, ProcessBasicInformation, &basic, 4, &length),
                  STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(length, sizeof(basic));
    assert_status(ZwQueryInformationProcess(api, ProcessImageFileName, &image, sizeof(image), &length),
                  STATUS_SUCCESS);
    assert_memory_equal(image.name.Buffer, u"\\Device\\HarddiskVolume1\\Ringless\\ringless.exe",
                        image.name.Length + 2);
    assert_status(ZwQueryInformationProcess(SELF, ProcessImageFileName, &image, sizeof(image), &length),
                  STATUS_SUCCESS);
    assert_int_equal(image.name.Length, 0);
    assert_status(ZwQueryInformationProcess(SELF, ProcessHandleCount, &count, sizeof(count), &length),
                  STATUS_SUCCESS);
    assert_int_equal(count, 1);
    assert_status(ZwQueryInformationProcess(SELF, ProcessWow64Information, &number, sizeof(number), &length),
                  STATUS_SUCCESS);
    assert_int_equal(number, 0);
    assert_status(ZwQueryInformationProcess(SELF, (PROCESSINFOCLASS)200, &number, sizeof(number), &length),
                  STATUS_INVALID_INFO_CLASS);
    assert_status(ZwQueryInformationProcess(THREAD, ProcessBasicInformation, &basic, sizeof(basic), &length),
                  STATUS_OBJECT_TYPE_MISMATCH);
}

static void threads_tell_and_are_told(void **state)
{
    THREAD_BASIC_INFORMATION basic;
    ULONG number, length;
    LONG priority = 12, too_much = 40;
    assert_status(ZwQueryInformationThread(THREAD, ThreadBasicInformation, &basic, sizeof(basic), &length),
                  STATUS_SUCCESS);
    assert_ptr_equal(basic.ClientId.UniqueProcess, (HANDLE)4);
    assert_status(ZwQueryInformationThread(THREAD, ThreadIsTerminated, &number, sizeof(number), &length),
                  STATUS_SUCCESS);
    assert_int_equal(number, 0);
    assert_status(ZwQueryInformationThread(THREAD, (THREADINFOCLASS)99, &number, sizeof(number), &length),
                  STATUS_INVALID_INFO_CLASS);
    assert_status(ZwSetInformationThread(THREAD, ThreadPriority, &priority, sizeof(priority)),
                  STATUS_SUCCESS);
    assert_int_equal(world_thread->tcb.priority, 12);
    assert_status(ZwSetInformationThread(THREAD, ThreadPriority, &too_much, sizeof(too_much)),
                  STATUS_INVALID_PARAMETER);
    assert_status(ZwSetInformationThread(THREAD, ThreadPriority, &priority, 2), STATUS_INFO_LENGTH_MISMATCH);
    assert_status(ZwSetInformationThread(THREAD, ThreadHideFromDebugger, NULL, 0), STATUS_INVALID_INFO_CLASS);
}

static void the_system_tells(void **state)
{
    SYSTEM_BASIC_INFORMATION basic;
    SYSTEM_TIMEOFDAY_INFORMATION time;
    struct {
        RTL_PROCESS_MODULES list;
        char more[64];
    } modules;
    _Alignas(8) char buffer[4096];
    SYSTEM_PROCESS_INFORMATION *process = (void *)buffer;
    BOOLEAN debugger[2];
    ULONG length;
    assert_status(ZwQuerySystemInformation(0, &basic, sizeof(basic), &length), STATUS_SUCCESS);
    assert_int_equal(basic.NumberOfProcessors, 2);
    assert_int_equal(basic.NumberOfPhysicalPages, 16384);
    assert_status(ZwQuerySystemInformation(0, &basic, sizeof(basic) + 1, &length),
                  STATUS_INFO_LENGTH_MISMATCH);
    assert_status(ZwQuerySystemInformation(3, &time, 16, &length), STATUS_SUCCESS);
    assert_true(time.CurrentTime.QuadPart - time.BootTime.QuadPart == 1000);
    assert_status(ZwQuerySystemInformation(3, &time, sizeof(time) + 8, &length), STATUS_INFO_LENGTH_MISMATCH);
    assert_status(ZwQuerySystemInformation(11, NULL, 0, &length), STATUS_INFO_LENGTH_MISMATCH);
    assert_int_equal(length, 8 + 0x128);
    assert_status(ZwQuerySystemInformation(11, &modules, sizeof(modules), &length), STATUS_SUCCESS);
    assert_int_equal(modules.list.NumberOfModules, 1);
    assert_int_equal(modules.list.Modules[0].ImageSize, 0x5000);
    assert_string_equal(modules.list.Modules[0].FullPathName + modules.list.Modules[0].OffsetToFileName,
                        "some.sys");
    ps_host_thread();
    assert_status(ZwQuerySystemInformation(5, buffer, sizeof(buffer), &length), STATUS_SUCCESS);
    assert_ptr_equal(process->UniqueProcessId, (HANDLE)4);
    assert_memory_equal(process->ImageName.Buffer, u"System", 14);
    process = (void *)(buffer + process->NextEntryOffset);
    assert_ptr_equal(process->UniqueProcessId, ps_api_process()->id);
    assert_int_equal(process->NumberOfThreads, 1);
    assert_ptr_equal(process->Threads[0].ClientId.UniqueThread, ps_host_thread()->id);
    assert_int_equal(process->NextEntryOffset, 0);
    ps_host_thread_detach();
    assert_status(ZwQuerySystemInformation(35, debugger, sizeof(debugger), &length), STATUS_SUCCESS);
    assert_true(!debugger[0] && debugger[1]);
    assert_status(ZwQuerySystemInformation(9999, buffer, sizeof(buffer), &length), STATUS_INVALID_INFO_CLASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(processes_are_opened_by_id, world_start, world_stop),
        cmocka_unit_test_setup_teardown(tokens_are_opened, world_start, world_stop),
        cmocka_unit_test_setup_teardown(handles_are_duplicated, world_start, world_stop),
        cmocka_unit_test_setup_teardown(processes_tell, world_start, world_stop),
        cmocka_unit_test_setup_teardown(threads_tell_and_are_told, world_start, world_stop),
        cmocka_unit_test_setup_teardown(the_system_tells, world_start, world_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
