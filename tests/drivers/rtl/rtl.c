/* SPDX-License-Identifier: MIT */
/*
 * The run-time library as a driver reaches it: variable arguments through the
 * import, callbacks into the driver, strings whose pool the driver frees, data
 * exports. What each routine does in detail the unit tests show.
 */
#define __USE_MINGW_ANSI_STDIO 0 /* the kernel's sprintf, not one in the driver */
#include "../rltest.h"
#include <ntstrsafe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static void formatted_output(void)
{
    /* Microsoft's sizes, which the compiler would check by its own rules. */
    static const char *volatile seven = "%d %d %d %d %d %I64x %s";
    static const WCHAR *volatile three = L"%wZ-%S-%p";
    char narrow[128];
    WCHAR wide[64];
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, L"Device");
    /* More arguments than registers: the import must not move the stack. */
    CHECK_EQ("RTL-PRINTF", sprintf(narrow, seven, 1, 2, 3, 4, 5, 0x123456789ABCULL, "end"), 26);
    CHECK("RTL-PRINTF", strcmp(narrow, "1 2 3 4 5 123456789abc end") == 0);
    CHECK_EQ("RTL-PRINTF", _snwprintf(wide, 64, three, &name, "ansi", (void *)0x1234), 28);
    CHECK("RTL-PRINTF", wcscmp(wide, L"Device-ansi-0000000000001234") == 0);
    CHECK_EQ("RTL-PRINTF", _snprintf(narrow, 4, "%s", "12345"), -1);
    CHECK_STATUS("RTL-PRINTF", RtlStringCbPrintfA(narrow, sizeof narrow, "%u%%", 42), STATUS_SUCCESS);
    CHECK("RTL-PRINTF", strcmp(narrow, "42%") == 0);
}

static void strings_that_rtl_allocates(void)
{
    UNICODE_STRING unicode, upper, text;
    ANSI_STRING ansi;
    GUID guid = {0x12345678, 0x1234, 0x5678, {1, 2, 3, 4, 5, 6, 7, 8}}, back;
    RtlInitAnsiString(&ansi, "hello");
    CHECK_STATUS("RTL-STRING", RtlAnsiStringToUnicodeString(&unicode, &ansi, TRUE), STATUS_SUCCESS);
    CHECK_EQ("RTL-STRING", unicode.Length, 10);
    CHECK_STATUS("RTL-STRING", RtlUpcaseUnicodeString(&upper, &unicode, TRUE), STATUS_SUCCESS);
    CHECK("RTL-STRING",
          RtlEqualUnicodeString(&upper, &unicode, TRUE) && !RtlEqualUnicodeString(&upper, &unicode, FALSE));
    RtlFreeUnicodeString(&upper);
    RtlFreeUnicodeString(&unicode);
    CHECK("RTL-STRING", unicode.Buffer == NULL);
    CHECK_STATUS("RTL-STRING", RtlStringFromGUID(&guid, &text), STATUS_SUCCESS);
    CHECK_STATUS("RTL-STRING", RtlGUIDFromString(&text, &back), STATUS_SUCCESS);
    CHECK("RTL-STRING", RtlCompareMemory(&guid, &back, sizeof guid) == sizeof guid);
    RtlFreeUnicodeString(&text);
}

static int __cdecl by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare(PRTL_AVL_TABLE Table, PVOID First, PVOID Second)
{
    ULONG a = *(PULONG)First, b = *(PULONG)Second;
    return a < b ? GenericLessThan : a > b ? GenericGreaterThan : GenericEqual;
}

static PVOID NTAPI allocate(PRTL_AVL_TABLE Table, CLONG ByteSize)
{
    return ExAllocatePoolWithTag(NonPagedPool, ByteSize, 'tltR');
}

static VOID NTAPI release(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    ExFreePoolWithTag(Buffer, 'tltR');
}

static void callbacks(void)
{
    int values[] = {5, 3, 9, 1, 7}, key = 7;
    RTL_AVL_TABLE table;
    ULONG sum = 0, i;
    PULONG at;
    qsort(values, 5, sizeof values[0], by_value);
    CHECK("RTL-SORT", values[0] == 1 && values[1] == 3 && values[4] == 9);
    CHECK("RTL-SORT", bsearch(&key, values, 5, sizeof values[0], by_value) == &values[3]);
    RtlInitializeGenericTableAvl(&table, compare, allocate, release, NULL);
    for (i = 0; i < 50; i++) {
        ULONG value = i * 37 % 50;
        RtlInsertElementGenericTableAvl(&table, &value, sizeof value, NULL);
    }
    CHECK_EQ("RTL-AVL", RtlNumberGenericTableElementsAvl(&table), 50);
    for (at = RtlEnumerateGenericTableAvl(&table, TRUE), i = 0; at;
         at = RtlEnumerateGenericTableAvl(&table, FALSE), i++)
        sum += *at == i;
    CHECK_EQ("RTL-AVL", sum, 50);
    for (i = 0; i < 50; i++)
        RtlDeleteElementGenericTableAvl(&table, &i);
    CHECK("RTL-AVL", RtlIsGenericTableEmptyAvl(&table));
}

static void the_rest(void)
{
    ULONG words[4] = {0};
    RTL_BITMAP map;
    RTL_OSVERSIONINFOEXW version;
    TIME_FIELDS fields;
    LARGE_INTEGER now, again;
    version.dwOSVersionInfoSize = sizeof version;
    RtlInitializeBitMap(&map, words, 128);
    CHECK_EQ("RTL-BITMAP", RtlFindClearBitsAndSet(&map, 40, 10), 10);
    CHECK_EQ("RTL-BITMAP", RtlNumberOfSetBits(&map), 40);
    CHECK_STATUS("RTL-VERSION", RtlGetVersion((PRTL_OSVERSIONINFOW)&version), STATUS_SUCCESS);
    CHECK_EQ("RTL-VERSION", version.dwMajorVersion, 10);
    KeQuerySystemTime(&now);
    RtlTimeToTimeFields(&now, &fields);
    CHECK("RTL-TIME", fields.Year >= 2000 && RtlTimeFieldsToTime(&fields, &again));
    CHECK("RTL-TIME", now.QuadPart - again.QuadPart < 10000);
    CHECK("RTL-DATA", NlsMbCodePageTag == FALSE && KD_DEBUGGER_NOT_PRESENT);
}

static void drive_letter(PDRIVER_OBJECT driver)
{
    UNICODE_STRING name, link, dos;
    PDEVICE_OBJECT device;
    RtlInitUnicodeString(&name, L"\\Device\\RtlVolume");
    RtlInitUnicodeString(&link, L"\\??\\R:");
    CHECK_STATUS("RTL-VOLUME", IoCreateDevice(driver, 0, &name, FILE_DEVICE_DISK, 0, FALSE, &device),
                 STATUS_SUCCESS);
    CHECK("RTL-VOLUME", !NT_SUCCESS(RtlVolumeDeviceToDosName(device, &dos)));
    CHECK_STATUS("RTL-VOLUME", IoCreateSymbolicLink(&link, &name), STATUS_SUCCESS);
    CHECK_STATUS("RTL-VOLUME", RtlVolumeDeviceToDosName(device, &dos), STATUS_SUCCESS);
    CHECK("RTL-VOLUME", wcscmp(dos.Buffer, L"R:") == 0);
    ExFreePool(dos.Buffer);
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(device);
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "rtl: an error is shown\n");
    DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_TRACE_LEVEL, "rtl: a trace is not shown\n");
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    formatted_output();
    strings_that_rtl_allocates();
    callbacks();
    the_rest();
    drive_letter(DriverObject);
    DbgPrint("rtl: service key %wZ\n", RegistryPath);
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
