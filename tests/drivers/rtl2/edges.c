/* SPDX-License-Identifier: MIT */
/*
 * The run-time library at its boundaries: what is cut off, what is refused,
 * which status says so, what is left in the destination.
 */
#include "../rltest.h"
#include <ntifs.h>

#define TAG 'egdE'

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

#define WIDE(text) ((UNICODE_STRING){sizeof(text) - 2, sizeof(text), (PWCH)text})

static void copy_and_append(void)
{
    WCHAR room[4] = {'x', 'x', 'x', 'x'};
    UNICODE_STRING to = {2, 6, room}, from = WIDE(L"abcdef"), two = WIDE(L"ab");
    RtlCopyUnicodeString(&to, &from);
    CHECK_EQ("RTL-COPY", to.Length, 6);
    CHECK("RTL-COPY", room[2] == 'c' && room[3] == 'x');
    RtlCopyUnicodeString(&to, &two);
    CHECK("RTL-COPY", to.Length == 4 && room[1] == 'b' && room[2] == 0);
    RtlCopyUnicodeString(&to, NULL);
    CHECK_EQ("RTL-COPY", to.Length, 0);
    CHECK_STATUS("RTL-APPEND", RtlAppendUnicodeToString(&to, L"abcd"), STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ("RTL-APPEND", to.Length, 0);
    CHECK_STATUS("RTL-APPEND", RtlAppendUnicodeToString(&to, L"abc"), STATUS_SUCCESS);
    CHECK("RTL-APPEND", to.Length == 6 && room[2] == 'c' && room[3] == 'x');
    CHECK_STATUS("RTL-APPEND", RtlAppendUnicodeToString(&to, NULL), STATUS_SUCCESS);
    CHECK_STATUS("RTL-APPEND", RtlAppendUnicodeStringToString(&to, &two), STATUS_BUFFER_TOO_SMALL);
    to.Length = 2;
    room[2] = 'x';
    to.MaximumLength = 8;
    CHECK_STATUS("RTL-APPEND", RtlAppendUnicodeStringToString(&to, &two), STATUS_SUCCESS);
    CHECK("RTL-APPEND", to.Length == 6 && room[1] == 'a' && room[3] == 0);
}

static void init_strings(void)
{
    UNICODE_STRING text = {1, 1, (PWCH)1};
    ANSI_STRING narrow = {1, 1, (PCHAR)1};
    RtlInitUnicodeString(&text, NULL);
    CHECK("RTL-INIT", text.Length == 0 && text.MaximumLength == 0 && text.Buffer == NULL);
    RtlInitUnicodeString(&text, L"");
    CHECK("RTL-INIT", text.Length == 0 && text.MaximumLength == 2 && text.Buffer != NULL);
    RtlInitAnsiString(&narrow, "abc");
    CHECK("RTL-INIT", narrow.Length == 3 && narrow.MaximumLength == 4);
    PWCHAR big = ExAllocatePoolWithTag(PagedPool, 0x20002, TAG);
    for (ULONG i = 0; i < 0x10000; i++)
        big[i] = 'a';
    big[0x10000] = 0;
    RtlInitUnicodeString(&text, big);
    CHECK("RTL-INIT", text.Length == 0xFFFC && text.MaximumLength == 0xFFFE);
    ExFreePoolWithTag(big, TAG);
}

static void integers(void)
{
    WCHAR room[40];
    ULONG value = 77;
    UNICODE_STRING to = {0, sizeof(room), room};
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(0xabc, 16, &to), STATUS_SUCCESS);
    CHECK("RTL-INT", to.Length == 6 && room[0] == 'A' && room[3] == 0);
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(5, 2, &to), STATUS_SUCCESS);
    CHECK("RTL-INT", to.Length == 6 && room[1] == '0');
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(4294967295u, 0, &to), STATUS_SUCCESS);
    CHECK("RTL-INT", to.Length == 20 && room[0] == '4');
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(1, 3, &to), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(0, 10, &to), STATUS_SUCCESS);
    CHECK("RTL-INT", to.Length == 2 && room[0] == '0');
    to.MaximumLength = 4;
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(100, 10, &to), STATUS_BUFFER_OVERFLOW);
    to.MaximumLength = 6;
    CHECK_STATUS("RTL-INT", RtlIntegerToUnicodeString(100, 10, &to), STATUS_SUCCESS);
    to.MaximumLength = sizeof(room);
    CHECK_STATUS("RTL-INT", RtlInt64ToUnicodeString(0xFFFFFFFFFFFFFFFFull, 16, &to), STATUS_SUCCESS);
    CHECK_EQ("RTL-INT", to.Length, 32);
    static const struct {
        PCWSTR text;
        ULONG base, value;
    } cases[] = {
        {L"0x1F", 0, 31},          {L"0o17", 0, 15},       {L"0b101", 0, 5}, {L" \t12", 0, 12},
        {L"-1", 0, 0xFFFFFFFF},    {L"+5", 0, 5},          {L"12z", 10, 12}, {L"ff", 16, 255},
        {L"FF", 16, 255},          {L"777", 8, 511},       {L"9", 8, 0},     {L"0x10", 16, 0},
        {L"-0x10", 0, (ULONG)-16}, {L"4294967297", 10, 1}, {L"0X10", 0, 0},  {L"- 5", 0, 0},
    };
    for (ULONG i = 0; i < RTL_NUMBER_OF(cases); i++) {
        UNICODE_STRING text;
        RtlInitUnicodeString(&text, cases[i].text);
        value = 77;
        NTSTATUS status = RtlUnicodeStringToInteger(&text, cases[i].base, &value);
        if (!NT_SUCCESS(status) || value != cases[i].value)
            DbgPrint("case %u: %ws base %u\n", i, cases[i].text, cases[i].base);
        CHECK_STATUS("RTL-INT", status, STATUS_SUCCESS);
        CHECK_EQ("RTL-INT", value, cases[i].value);
    }
    UNICODE_STRING one = WIDE(L"1");
    CHECK_STATUS("RTL-INT", RtlUnicodeStringToInteger(&one, 7, &value), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("RTL-INT", RtlCharToInteger("0x1f", 0, &value), STATUS_SUCCESS);
    CHECK_EQ("RTL-INT", value, 31);
    CHECK_STATUS("RTL-INT", RtlCharToInteger("1", 9, &value), STATUS_INVALID_PARAMETER);
}

static void compare(void)
{
    UNICODE_STRING a = WIDE(L"abc"), b = WIDE(L"ABD"), ab = WIDE(L"ab"), upper = WIDE(L"ABC"), none = {0};
    CHECK("RTL-CMP", RtlCompareUnicodeString(&a, &upper, TRUE) == 0);
    CHECK("RTL-CMP", RtlCompareUnicodeString(&a, &upper, FALSE) > 0);
    CHECK("RTL-CMP", RtlCompareUnicodeString(&a, &b, TRUE) == -1);
    CHECK("RTL-CMP", RtlCompareUnicodeString(&a, &ab, FALSE) > 0);
    CHECK("RTL-CMP", RtlCompareUnicodeString(&none, &ab, FALSE) < 0);
    CHECK("RTL-CMP", RtlEqualUnicodeString(&a, &upper, TRUE) && !RtlEqualUnicodeString(&a, &upper, FALSE));
    CHECK("RTL-CMP", RtlPrefixUnicodeString(&ab, &a, FALSE) && !RtlPrefixUnicodeString(&a, &ab, FALSE));
    CHECK("RTL-CMP", RtlPrefixUnicodeString(&none, &a, FALSE));
    ANSI_STRING na = {3, 4, "abc"}, nb = {3, 4, "ABC"};
    CHECK("RTL-CMP", RtlCompareString(&na, &nb, TRUE) == 0 && RtlCompareString(&na, &nb, FALSE) == 32);
    CHECK("RTL-CMP", RtlEqualString(&na, &nb, TRUE) && !RtlEqualString(&na, &nb, FALSE));
    ULONG hash = 0, same = 0;
    CHECK_STATUS("RTL-HASH", RtlHashUnicodeString(&ab, FALSE, HASH_STRING_ALGORITHM_DEFAULT, &hash),
                 STATUS_SUCCESS);
    CHECK_EQ("RTL-HASH", hash, 'a' * 65599u + 'b');
    RtlHashUnicodeString(&ab, TRUE, HASH_STRING_ALGORITHM_X65599, &same);
    CHECK_EQ("RTL-HASH", same, 'A' * 65599u + 'B');
    CHECK_STATUS("RTL-HASH", RtlHashUnicodeString(&ab, TRUE, HASH_STRING_ALGORITHM_INVALID, &same),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("RTL-HASH", RtlHashUnicodeString(NULL, TRUE, HASH_STRING_ALGORITHM_DEFAULT, &same),
                 STATUS_INVALID_PARAMETER);
    CHECK_STATUS("RTL-HASH", RtlHashUnicodeString(&ab, TRUE, HASH_STRING_ALGORITHM_DEFAULT, NULL),
                 STATUS_INVALID_PARAMETER);
}

static void convert(void)
{
    WCHAR wide[8] = {0};
    CHAR narrow[8] = "yyyyyyy";
    UNICODE_STRING to = {0, 6, wide}, from = WIDE(L"abcd"), made = {0};
    ANSI_STRING text = {3, 4, "abc"}, small = {0, 3, narrow};
    CHECK_STATUS("RTL-CONV", RtlAnsiStringToUnicodeString(&to, &text, FALSE), STATUS_BUFFER_OVERFLOW);
    to.MaximumLength = 8;
    CHECK_STATUS("RTL-CONV", RtlAnsiStringToUnicodeString(&to, &text, FALSE), STATUS_SUCCESS);
    CHECK("RTL-CONV", to.Length == 6 && wide[2] == 'c' && wide[3] == 0);
    CHECK_STATUS("RTL-CONV", RtlAnsiStringToUnicodeString(&made, &text, TRUE), STATUS_SUCCESS);
    CHECK("RTL-CONV", made.Length == 6 && made.MaximumLength == 8 && made.Buffer[3] == 0);
    RtlFreeUnicodeString(&made);
    CHECK("RTL-CONV", made.Buffer == NULL && made.Length == 0 && made.MaximumLength == 0);
    CHECK_STATUS("RTL-CONV", RtlUnicodeStringToAnsiString(&small, &from, FALSE), STATUS_BUFFER_OVERFLOW);
    CHECK("RTL-CONV", small.Length == 2 && narrow[0] == 'a' && narrow[1] == 'b' && narrow[2] == 0);
    small.MaximumLength = 5;
    CHECK_STATUS("RTL-CONV", RtlUnicodeStringToAnsiString(&small, &from, FALSE), STATUS_SUCCESS);
    CHECK("RTL-CONV", small.Length == 4 && narrow[4] == 0);
    CHECK_EQ("RTL-SIZE", RtlxUnicodeStringToAnsiSize(&from), 5);
    CHECK_EQ("RTL-SIZE", RtlxAnsiStringToUnicodeSize(&text), 8);
    to.MaximumLength = 6;
    CHECK_STATUS("RTL-CONV", RtlUpcaseUnicodeString(&to, &from, FALSE), STATUS_BUFFER_OVERFLOW);
    to.MaximumLength = 8;
    CHECK_STATUS("RTL-CONV", RtlUpcaseUnicodeString(&to, &from, FALSE), STATUS_SUCCESS);
    CHECK("RTL-CONV", to.Length == 8 && wide[3] == 'D');
    CHECK("RTL-CASE", RtlUpcaseUnicodeChar(0xFF) == 0x178);
    CHECK("RTL-CASE", RtlUpcaseUnicodeChar(L'z') == 'Z' && RtlDowncaseUnicodeChar(L'Z') == 'z');
    CHECK("RTL-CASE", RtlUpperChar('a') == 'A' && RtlUpperChar('1') == '1');
    ULONG bytes = 99;
    CHECK_STATUS("RTL-CONV", RtlMultiByteToUnicodeN(wide, 4, &bytes, "abc", 3), STATUS_SUCCESS);
    CHECK_EQ("RTL-CONV", bytes, 4);
    CHECK_STATUS("RTL-CONV", RtlUnicodeToMultiByteN(narrow, 2, &bytes, L"abc", 6), STATUS_SUCCESS);
    CHECK_EQ("RTL-CONV", bytes, 2);
    CHECK_STATUS("RTL-CONV", RtlUnicodeToMultiByteSize(&bytes, L"abc", 6), STATUS_SUCCESS);
    CHECK_EQ("RTL-CONV", bytes, 3);
}

static void guids(void)
{
    UNICODE_STRING text, good = WIDE(L"{01020304-0506-0708-090a-0B0C0D0E0F10}"),
                         bad = WIDE(L"{01020304-0506-0708-090a-0B0C0D0E0F1}");
    GUID guid = {0};
    CHECK_STATUS("RTL-GUID", RtlGUIDFromString(&good, &guid), STATUS_SUCCESS);
    CHECK("RTL-GUID", guid.Data1 == 0x01020304 && guid.Data3 == 0x0708 && guid.Data4[7] == 0x10);
    CHECK_STATUS("RTL-GUID", RtlGUIDFromString(&bad, &guid), STATUS_INVALID_PARAMETER);
    CHECK_STATUS("RTL-GUID", RtlStringFromGUID(&guid, &text), STATUS_SUCCESS);
    CHECK("RTL-GUID", text.Length == 76 && text.MaximumLength == 78 && text.Buffer[38] == 0);
    RtlFreeUnicodeString(&text);
}

static void times(void)
{
    LARGE_INTEGER time = {.QuadPart = 0};
    TIME_FIELDS fields = {0};
    ULONG seconds = 1;
    RtlTimeToTimeFields(&time, &fields);
    CHECK("RTL-TIME", fields.Year == 1601 && fields.Month == 1 && fields.Day == 1 && fields.Weekday == 1);
    CHECK("RTL-TIME", !RtlTimeToSecondsSince1970(&time, &seconds));
    RtlSecondsSince1970ToTime(0, &time);
    CHECK("RTL-TIME", time.QuadPart == 116444736000000000ll);
    CHECK("RTL-TIME", RtlTimeToSecondsSince1970(&time, &seconds) && seconds == 0);
    fields = (TIME_FIELDS){1900, 2, 29, 0, 0, 0, 0, 0};
    CHECK("RTL-TIME", !RtlTimeFieldsToTime(&fields, &time));
    fields = (TIME_FIELDS){2000, 2, 29, 23, 59, 59, 999, 0};
    CHECK("RTL-TIME", RtlTimeFieldsToTime(&fields, &time));
    fields.Year = 1600;
    CHECK("RTL-TIME", !RtlTimeFieldsToTime(&fields, &time));
    fields = (TIME_FIELDS){2000, 13, 1, 0, 0, 0, 0, 0};
    CHECK("RTL-TIME", !RtlTimeFieldsToTime(&fields, &time));
    fields = (TIME_FIELDS){2000, 1, 1, 24, 0, 0, 0, 0};
    CHECK("RTL-TIME", !RtlTimeFieldsToTime(&fields, &time));
}

static void bits(void)
{
    ULONG buffer[3] = {0, 0, 0xFFFFFFFF}, start = 0;
    RTL_BITMAP map;
    RTL_BITMAP_RUN runs[4];
    RtlInitializeBitMap(&map, buffer, 70);
    CHECK("RTL-BIT", map.SizeOfBitMap == 70 && map.Buffer == buffer);
    CHECK_EQ("RTL-BIT", RtlNumberOfSetBits(&map), 6);
    CHECK_EQ("RTL-BIT", RtlNumberOfClearBits(&map), 64);
    CHECK_EQ("RTL-BIT", RtlFindClearBits(&map, 64, 0), 0);
    CHECK_EQ("RTL-BIT", RtlFindClearBits(&map, 65, 0), 0xFFFFFFFF);
    CHECK_EQ("RTL-BIT", RtlFindSetBits(&map, 6, 0), 64);
    CHECK_EQ("RTL-BIT", RtlFindSetBits(&map, 7, 0), 0xFFFFFFFF);
    CHECK_EQ("RTL-BIT", RtlFindClearBits(&map, 1, 500), 0);
    CHECK_EQ("RTL-BIT", RtlFindClearBitsAndSet(&map, 3, 10), 10);
    CHECK_EQ("RTL-BIT", buffer[0], 0x1C00);
    CHECK("RTL-BIT",
          RtlAreBitsSet(&map, 10, 3) && !RtlAreBitsSet(&map, 10, 4) && !RtlAreBitsSet(&map, 10, 0));
    CHECK("RTL-BIT",
          RtlAreBitsClear(&map, 0, 10) && !RtlAreBitsClear(&map, 0, 11) && !RtlAreBitsClear(&map, 60, 20));
    CHECK("RTL-BIT", !RtlAreBitsSet(&map, 69, 2) && RtlAreBitsSet(&map, 69, 1));
    CHECK_EQ("RTL-BIT", RtlFindLongestRunClear(&map, &start), 51);
    CHECK_EQ("RTL-BIT", start, 13);
    CHECK_EQ("RTL-BIT", RtlFindFirstRunClear(&map, &start), 10);
    CHECK_EQ("RTL-BIT", start, 0);
    CHECK_EQ("RTL-BIT", RtlFindNextForwardRunClear(&map, 5, &start), 5);
    CHECK_EQ("RTL-BIT", start, 5);
    CHECK_EQ("RTL-BIT", RtlFindNextForwardRunClear(&map, 64, &start), 0);
    CHECK_EQ("RTL-BIT", RtlFindLastBackwardRunClear(&map, 69, &start), 51);
    CHECK_EQ("RTL-BIT", start, 13);
    CHECK_EQ("RTL-BIT", RtlFindClearRuns(&map, runs, 4, TRUE), 2);
    CHECK("RTL-BIT", runs[0].NumberOfBits == 51 && runs[0].StartingIndex == 13 && runs[1].NumberOfBits == 10);
    CHECK("RTL-BIT", RtlFindMostSignificantBit(0) == -1 && RtlFindLeastSignificantBit(0) == -1);
    CHECK("RTL-BIT",
          RtlFindMostSignificantBit(0x8000000000000001ull) == 63 && RtlFindLeastSignificantBit(0x10) == 4);
    RtlClearAllBits(&map);
    CHECK("RTL-BIT", buffer[0] == 0 && buffer[1] == 0 && buffer[2] == 0);
    RtlSetAllBits(&map);
    CHECK("RTL-BIT", buffer[0] == 0xFFFFFFFF && buffer[2] == 0xFFFFFFFF);
    CHECK_EQ("RTL-BIT", RtlNumberOfSetBits(&map), 70);
}

static void memory(void)
{
    UCHAR a[16] = {1, 2, 3, 4, 5}, b[16] = {1, 2, 3, 9, 5};
    ULONG u[4] = {7, 7, 8, 7};
    CHECK_EQ("RTL-MEM", RtlCompareMemory(a, b, 16), 3);
    CHECK_EQ("RTL-MEM", RtlCompareMemory(a, a, 16), 16);
    CHECK_EQ("RTL-MEM", RtlCompareMemory(a, b, 0), 0);
    CHECK_EQ("RTL-MEM", RtlCompareMemoryUlong(u, 16, 7), 8);
    CHECK_EQ("RTL-MEM", RtlCompareMemoryUlong(u, 7, 7), 0);
    CHECK_EQ("RTL-MEM", RtlCompareMemoryUlong(u, 3, 7), 0);
    RtlFillMemoryUlong(u, 8, 9);
    CHECK("RTL-MEM", u[0] == 9 && u[1] == 9 && u[2] == 8);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare_ulong(PRTL_GENERIC_TABLE Table, PVOID First, PVOID Second)
{
    ULONG a = *(ULONG *)First, b = *(ULONG *)Second;
    return a < b ? GenericLessThan : a > b ? GenericGreaterThan : GenericEqual;
}

static PVOID NTAPI allocate(PRTL_GENERIC_TABLE Table, CLONG ByteSize)
{
    return ExAllocatePoolWithTag(PagedPool, ByteSize, TAG);
}

static VOID NTAPI release(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    ExFreePoolWithTag(Buffer, TAG);
}

static void generic_table(void)
{
    RTL_GENERIC_TABLE table;
    static const ULONG values[] = {50, 20, 70, 10};
    ULONG missing = 99;
    BOOLEAN fresh = FALSE;
    RtlInitializeGenericTable(&table, compare_ulong, allocate, release, &missing);
    CHECK("RTL-TABLE",
          table.TableRoot == NULL && table.NumberGenericTableElements == 0 && table.TableContext == &missing);
    CHECK("RTL-TABLE", table.OrderedPointer == &table.InsertOrderList && table.WhichOrderedElement == 0);
    CHECK("RTL-TABLE",
          table.InsertOrderList.Flink == &table.InsertOrderList && RtlIsGenericTableEmpty(&table));
    for (ULONG i = 0; i < 4; i++)
        CHECK("RTL-TABLE", *(ULONG *)RtlInsertElementGenericTable(&table, (PVOID)&values[i], sizeof(ULONG),
                                                                  &fresh) == values[i] &&
                               fresh);
    RtlInsertElementGenericTable(&table, (PVOID)&values[1], sizeof(ULONG), &fresh);
    CHECK("RTL-TABLE", !fresh && RtlNumberGenericTableElements(&table) == 4);
    for (ULONG i = 0; i < 4; i++)
        CHECK_EQ("RTL-TABLE", *(ULONG *)RtlGetElementGenericTable(&table, i), values[i]);
    CHECK("RTL-TABLE", RtlGetElementGenericTable(&table, 4) == NULL);
    CHECK("RTL-TABLE", table.WhichOrderedElement == 4);
    ULONG last = 0, count = 0;
    for (ULONG *p = RtlEnumerateGenericTable(&table, TRUE); p;
         p = RtlEnumerateGenericTable(&table, FALSE), count++) {
        CHECK("RTL-TABLE", *p > last);
        last = *p;
    }
    CHECK_EQ("RTL-TABLE", count, 4);
    CHECK("RTL-TABLE", RtlLookupElementGenericTable(&table, &missing) == NULL);
    CHECK("RTL-TABLE", !RtlDeleteElementGenericTable(&table, &missing));
    for (ULONG i = 0; i < 4; i++)
        CHECK("RTL-TABLE", RtlDeleteElementGenericTable(&table, (PVOID)&values[i]));
    CHECK("RTL-TABLE", RtlIsGenericTableEmpty(&table));
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    copy_and_append();
    init_strings();
    integers();
    compare();
    convert();
    guids();
    times();
    bits();
    memory();
    generic_table();
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
