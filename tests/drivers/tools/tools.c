/* SPDX-License-Identifier: MIT */
/*
 * What tools and monitors ask for: event providers, what lies in user memory,
 * blocks of processes and threads, whether the verifier looks.
 */
#include <ntifs.h>
#include "rltest.h"

/* Not in every version of the headers. */
typedef struct _INFO {
    PVOID base, allocation;
    ULONG allocation_protect, partition;
    SIZE_T size;
    ULONG state, protect, type;
} INFO;
NTSYSAPI NTSTATUS NTAPI ZwQueryVirtualMemory(HANDLE, PVOID, ULONG, PVOID, SIZE_T, PSIZE_T);
NTKERNELAPI PVOID NTAPI PsGetProcessPeb(PEPROCESS);
NTKERNELAPI PVOID NTAPI PsGetProcessWow64Process(PEPROCESS);
NTKERNELAPI PVOID NTAPI PsGetCurrentProcessWow64Process(VOID);
NTKERNELAPI PVOID NTAPI PsGetProcessSectionBaseAddress(PEPROCESS);
NTKERNELAPI BOOLEAN NTAPI PsIsProtectedProcess(PEPROCESS);
NTKERNELAPI PVOID NTAPI PsGetThreadTeb(PETHREAD);
__declspec(dllimport) extern ULONG_PTR KiBugCheckData[5];

static const GUID provider_id = {0x12345678, 0x1234, 0x5678, {1, 2, 3, 4, 5, 6, 7, 8}};
static BOOLEAN enabled;

static VOID NTAPI on_enable(LPCGUID source, ULONG control, UCHAR level, ULONGLONG any, ULONGLONG all,
                            PEVENT_FILTER_DESCRIPTOR filter, PVOID context)
{
    enabled = TRUE;
}

static void write_events(REGHANDLE handle, NTSTATUS wanted)
{
    EVENT_DESCRIPTOR event = {.Id = 1, .Level = 4};
    static EVENT_DATA_DESCRIPTOR data[129];
    KIRQL irql;
    CHECK_STATUS("EX-ETW", EtwWrite(handle, &event, NULL, 0, NULL), wanted);
    CHECK_STATUS("EX-ETW", EtwWrite(handle, &event, &provider_id, 128, data), wanted);
    CHECK_STATUS("EX-ETW", EtwWriteTransfer(handle, &event, NULL, NULL, 1, data), wanted);
    CHECK_STATUS("EX-ETW", EtwWriteString(handle, 4, 1, NULL, L"text"), wanted);
    CHECK_STATUS("EX-ETW", EtwWriteEx(handle, &event, 0, 0, NULL, NULL, 1, data), wanted);
    KeRaiseIrql(HIGH_LEVEL, &irql);
    NTSTATUS status = EtwWrite(handle, &event, NULL, 1, data);
    KeLowerIrql(irql);
    CHECK_STATUS("EX-ETW", status, wanted);
    if (!NT_SUCCESS(wanted))
        return;
    CHECK_STATUS("EX-ETW", EtwWrite(handle, &event, NULL, 129, data), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("EX-ETW", EtwWrite(handle, &event, NULL, 1, NULL), STATUS_INVALID_PARAMETER);
    CHECK("EX-ETW", !EtwEventEnabled(handle, &event) && !EtwProviderEnabled(handle, 0, 0));
}

/* As WPP's code in drivers does it: looked up by name, called with whatever handle it has. */
static void check_wpp(void)
{
    UNICODE_STRING message_name = RTL_CONSTANT_STRING(L"WmiTraceMessage"),
                   query_name = RTL_CONSTANT_STRING(L"WmiQueryTraceInformation"),
                   session = RTL_CONSTANT_STRING(L"NobodysSession");
    NTSTATUS(NTAPI * message)
    (ULONG64, ULONG, const GUID *, USHORT, ...) = MmGetSystemRoutineAddress(&message_name);
    NTSTATUS(NTAPI * query)(ULONG, PVOID, ULONG, PULONG, PVOID) = MmGetSystemRoutineAddress(&query_name);
    ULONG64 handle = 0;
    ULONG length = 1, header[12] = {0};
    CHECK_STATUS("EX-ETW", message(0, 0x2B, &provider_id, 11, &length, 4, NULL, 0), STATUS_INVALID_HANDLE);
    CHECK_STATUS("EX-ETW", query(7, &handle, sizeof(handle), &length, &session), STATUS_INVALID_PARAMETER);
    CHECK("EX-ETW", length == sizeof(handle));
    CHECK_STATUS("EX-ETW", query(7, &handle, 4, &length, &session), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS("EX-ETW", query(7, &handle, sizeof(handle), NULL, NULL), STATUS_INVALID_PARAMETER_MIX);
    CHECK_STATUS("EX-ETW", query(2, &length, sizeof(length), NULL, header), STATUS_INVALID_HANDLE);
    CHECK_STATUS("EX-ETW", query(6, &handle, sizeof(handle), &length, NULL), STATUS_SUCCESS);
    CHECK("EX-ETW", length == 0);
    CHECK_STATUS("EX-ETW", query(99, &handle, sizeof(handle), NULL, NULL), STATUS_INVALID_INFO_CLASS);
}

static void check_etw(void)
{
    REGHANDLE first = 0, second = 0;
    struct {
        USHORT size;
        char name[6];
    } traits = {sizeof(traits), "Tools"};
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"EtwSetInformation");
    NTSTATUS(NTAPI * set_information)(REGHANDLE, ULONG, PVOID, ULONG) = MmGetSystemRoutineAddress(&name);
    CHECK_STATUS("EX-ETW", EtwRegister(NULL, on_enable, NULL, &first), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("EX-ETW", EtwRegister(&provider_id, on_enable, NULL, &first), STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", EtwRegister(&provider_id, NULL, NULL, &second), STATUS_SUCCESS);
    CHECK("EX-ETW", first != 0 && second != 0 && first != second);
    write_events(first, STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", set_information(first, 2, &traits, sizeof(traits)), STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", set_information(first, 2, &traits, 1), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("EX-ETW", set_information(first, 99, NULL, 0), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("EX-ETW", EtwUnregister(first), STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", EtwUnregister(first), STATUS_INVALID_HANDLE);
    write_events(first, STATUS_INVALID_HANDLE);
    write_events(second, STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", EtwRegister(&provider_id, NULL, NULL, &first), STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", EtwUnregister(second), STATUS_SUCCESS);
    CHECK_STATUS("EX-ETW", EtwUnregister(first), STATUS_SUCCESS);
    CHECK("EX-ETW", !enabled); /* there is no session */
    check_wpp();
}

#define QUERY(address, info)                                                                                 \
    ZwQueryVirtualMemory(ZwCurrentProcess(), (address), 0, &(info), sizeof(info), &returned)

static void check_query_virtual(void)
{
    PVOID base = NULL;
    SIZE_T size = 0x10000, returned = 0, part = 0x1000;
    INFO info;
    CHECK_STATUS("MM-QUERY",
                 ZwAllocateVirtualMemory(ZwCurrentProcess(), &base, 0, &size, MEM_RESERVE, PAGE_READWRITE),
                 STATUS_SUCCESS);
    PVOID second = (char *)base + 0x1000;
    ZwAllocateVirtualMemory(ZwCurrentProcess(), &second, 0, &part, MEM_COMMIT, PAGE_READWRITE);
    CHECK_STATUS("MM-QUERY", QUERY((char *)base + 5, info), STATUS_SUCCESS);
    CHECK_EQ("MM-QUERY", returned, 48);
    CHECK("MM-QUERY", info.base == base && info.allocation == base && info.size == 0x1000);
    CHECK("MM-QUERY", info.state == MEM_RESERVE && info.protect == 0 && info.type == 0x20000);
    CHECK_STATUS("MM-QUERY", QUERY(second, info), STATUS_SUCCESS);
    CHECK("MM-QUERY", info.base == second && info.allocation == base && info.size == 0x1000);
    CHECK("MM-QUERY", info.state == MEM_COMMIT && info.protect == PAGE_READWRITE);
    CHECK_STATUS("MM-QUERY", QUERY((char *)base + 0x2000, info), STATUS_SUCCESS);
    CHECK("MM-QUERY", info.state == MEM_RESERVE && info.size == 0xE000);
    size = 0;
    ZwFreeVirtualMemory(ZwCurrentProcess(), &base, &size, MEM_RELEASE);
    CHECK_STATUS("MM-QUERY", QUERY(base, info), STATUS_SUCCESS);
    CHECK("MM-QUERY", info.state == 0x10000 && info.allocation == NULL && info.protect == PAGE_NOACCESS);
    CHECK("MM-QUERY", info.size >= 0x10000);
    CHECK_STATUS("MM-QUERY", QUERY((PVOID)&provider_id, info), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("MM-QUERY", ZwQueryVirtualMemory(ZwCurrentProcess(), base, 0, &info, 40, NULL),
                 STATUS_INFO_LENGTH_MISMATCH);
    CHECK_STATUS("MM-QUERY", ZwQueryVirtualMemory(ZwCurrentProcess(), base, 1000, &info, 48, NULL),
                 STATUS_INVALID_INFO_CLASS);
    CHECK_STATUS("MM-QUERY", ZwQueryVirtualMemory((HANDLE)0x7770, base, 0, &info, 48, NULL),
                 STATUS_INVALID_HANDLE);
}

static void check_processes(void)
{
    PEPROCESS process = PsGetCurrentProcess();
    CHECK("PS-BLOCKS", PsGetProcessPeb(process) == NULL && PsGetProcessSectionBaseAddress(process) == NULL);
    CHECK("PS-BLOCKS",
          PsGetProcessWow64Process(process) == NULL && PsGetCurrentProcessWow64Process() == NULL);
    CHECK("PS-BLOCKS", PsGetThreadTeb(PsGetCurrentThread()) == NULL);
    CHECK("PS-BLOCKS", PsIsProtectedProcess(PsInitialSystemProcess));
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
    driver->DriverUnload = unload;
    check_etw();
    check_query_virtual();
    check_processes();
    CHECK("MM-VERIFYING", MmIsDriverVerifying(driver) && MmIsDriverVerifyingByAddress((PVOID)unload));
    CHECK("MM-VERIFYING", !MmIsDriverVerifyingByAddress((PVOID)0x1000));
    CHECK("MM-VERIFYING", Mm64BitPhysicalAddress && KiBugCheckData[0] == 0);
    return STATUS_SUCCESS;
}
