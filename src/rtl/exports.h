/* SPDX-License-Identifier: MIT */
/*
 * Prototypes of the exports of the run-time library, written by tools/make-exports.py from their definitions.
 * Names that clash with the C library have the prefix crt_ here and their own name in the export table.
 */
#ifndef RTL_EXPORTS_H
#define RTL_EXPORTS_H

/* clang-format off */
#include "nt/nt.h"
#include "nt/rtl.h"

/* altitude.c */
LONG NTAPI RtlCompareAltitudes(PCUNICODE_STRING Altitude1, PCUNICODE_STRING Altitude2);

/* avl_table.c */
VOID NTAPI RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table, PRTL_AVL_COMPARE_ROUTINE CompareRoutine, PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine, PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext);
PVOID NTAPI RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement, PVOID NodeOrParent, TABLE_SEARCH_RESULT SearchResult);
PVOID NTAPI RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement);
BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult);
PVOID NTAPI RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer);
PVOID NTAPI RtlLookupFirstMatchingElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, PVOID *RestartKey);
PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey);
PVOID NTAPI RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart);
PVOID NTAPI RtlEnumerateGenericTableLikeADirectory(PRTL_AVL_TABLE Table, PRTL_AVL_MATCH_FUNCTION MatchFunction, PVOID MatchData, ULONG NextFlag, PVOID *RestartKey, PULONG DeleteCount, PVOID Buffer);
PVOID NTAPI RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I);
ULONG NTAPI RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table);
BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table);

/* bitmap.c */
VOID NTAPI RtlInitializeBitMap(PRTL_BITMAP BitMapHeader, PULONG BitMapBuffer, ULONG SizeOfBitMap);
VOID NTAPI RtlSetBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID NTAPI RtlClearBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
BOOLEAN NTAPI RtlTestBit(PRTL_BITMAP BitMapHeader, ULONG BitNumber);
VOID NTAPI RtlSetBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToSet);
VOID NTAPI RtlClearBits(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG NumberToClear);
VOID NTAPI RtlSetAllBits(PRTL_BITMAP BitMapHeader);
VOID NTAPI RtlClearAllBits(PRTL_BITMAP BitMapHeader);
BOOLEAN NTAPI RtlAreBitsSet(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
BOOLEAN NTAPI RtlAreBitsClear(PRTL_BITMAP BitMapHeader, ULONG StartingIndex, ULONG Length);
ULONG NTAPI RtlNumberOfSetBits(PRTL_BITMAP BitMapHeader);
ULONG NTAPI RtlNumberOfClearBits(PRTL_BITMAP BitMapHeader);
ULONG NTAPI RtlNumberOfSetBitsUlongPtr(ULONG_PTR Target);
CCHAR NTAPI RtlFindLeastSignificantBit(ULONGLONG Set);
CCHAR NTAPI RtlFindMostSignificantBit(ULONGLONG Set);

/* bitmap_runs.c */
ULONG NTAPI RtlFindClearBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlFindSetBits(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP BitMapHeader, ULONG NumberToFind, ULONG HintIndex);
ULONG NTAPI RtlFindNextForwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex);
ULONG NTAPI RtlFindFirstRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
ULONG NTAPI RtlFindLastBackwardRunClear(PRTL_BITMAP BitMapHeader, ULONG FromIndex, PULONG StartingRunIndex);
ULONG NTAPI RtlFindLongestRunClear(PRTL_BITMAP BitMapHeader, PULONG StartingIndex);
ULONG NTAPI RtlFindClearRuns(PRTL_BITMAP BitMapHeader, PRTL_BITMAP_RUN RunArray, ULONG SizeOfRunArray, BOOLEAN LocateLongestRuns);

/* chkstk.c */
void rtl_chkstk(void);

/* code_page.c */
NTSTATUS NTAPI RtlMultiByteToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString, const CHAR *MultiByteString, ULONG BytesInMultiByteString);
NTSTATUS NTAPI RtlOemToUnicodeN(PWCH UnicodeString, ULONG MaxBytesInUnicodeString, PULONG BytesInUnicodeString, const CHAR *OemString, ULONG BytesInOemString);
NTSTATUS NTAPI RtlUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString, PULONG BytesInMultiByteString, PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTSTATUS NTAPI RtlUpcaseUnicodeToMultiByteN(PCHAR MultiByteString, ULONG MaxBytesInMultiByteString, PULONG BytesInMultiByteString, PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTSTATUS NTAPI RtlUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString, PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTSTATUS NTAPI RtlUpcaseUnicodeToOemN(PCHAR OemString, ULONG MaxBytesInOemString, PULONG BytesInOemString, PCWCH UnicodeString, ULONG BytesInUnicodeString);
NTSTATUS NTAPI RtlMultiByteToUnicodeSize(PULONG BytesInUnicodeString, const CHAR *MultiByteString, ULONG BytesInMultiByteString);
NTSTATUS NTAPI RtlUnicodeToMultiByteSize(PULONG BytesInMultiByteString, PCWCH UnicodeString, ULONG BytesInUnicodeString);
ULONG NTAPI RtlxAnsiStringToUnicodeSize(PCANSI_STRING AnsiString);
ULONG NTAPI RtlxOemStringToUnicodeSize(const OEM_STRING *OemString);
ULONG NTAPI RtlxUnicodeStringToAnsiSize(PCUNICODE_STRING UnicodeString);
ULONG NTAPI RtlxUnicodeStringToOemSize(PCUNICODE_STRING UnicodeString);

/* code_page_string.c */
NTSTATUS NTAPI RtlAnsiStringToUnicodeString(PUNICODE_STRING DestinationString, PCANSI_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlOemStringToUnicodeString(PUNICODE_STRING DestinationString, const OEM_STRING *SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlOemStringToCountedUnicodeString(PUNICODE_STRING DestinationString, const OEM_STRING *SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(PANSI_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUnicodeStringToCountedOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToCountedOemString(POEM_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);

/* counted_string.c */
VOID NTAPI RtlInitString(PSTRING DestinationString, PCSZ SourceString);
VOID NTAPI RtlInitAnsiString(PANSI_STRING DestinationString, PCSZ SourceString);
VOID NTAPI RtlInitUTF8String(PUTF8_STRING DestinationString, PCSZ SourceString);
NTSTATUS NTAPI RtlInitStringEx(PSTRING DestinationString, PCSZ SourceString);
NTSTATUS NTAPI RtlInitAnsiStringEx(PANSI_STRING DestinationString, PCSZ SourceString);
NTSTATUS NTAPI RtlInitUTF8StringEx(PUTF8_STRING DestinationString, PCSZ SourceString);
VOID NTAPI RtlCopyString(PSTRING DestinationString, const STRING *SourceString);
VOID NTAPI RtlUpperString(PSTRING DestinationString, const STRING *SourceString);
NTSTATUS NTAPI RtlAppendStringToString(PSTRING Destination, const STRING *Source);
NTSTATUS NTAPI RtlAppendAsciizToString(PSTRING Destination, PCSZ Source);
LONG NTAPI RtlCompareString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlEqualString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlPrefixString(const STRING *String1, const STRING *String2, BOOLEAN CaseInSensitive);
VOID NTAPI RtlFreeAnsiString(PANSI_STRING AnsiString);
VOID NTAPI RtlFreeOemString(POEM_STRING OemString);
VOID NTAPI RtlFreeUTF8String(PUTF8_STRING Utf8String);

/* crt_misc.c */
int NTAPI crt_isdigit(int c);
int NTAPI crt_isxdigit(int c);
int NTAPI crt_islower(int c);
int NTAPI crt_isupper(int c);
int NTAPI crt_isspace(int c);
int NTAPI crt_isprint(int c);
int NTAPI crt_isalpha(int c);
int NTAPI crt_isalnum(int c);
int NTAPI crt_tolower(int c);
int NTAPI crt_toupper(int c);
WCHAR NTAPI crt_towlower(WCHAR c);
WCHAR NTAPI crt_towupper(WCHAR c);
SIZE_T NTAPI crt_mbstowcs(PWSTR to, const CHAR *from, SIZE_T count);
SIZE_T NTAPI crt_wcstombs(PCHAR to, PCWSTR from, SIZE_T count);
int NTAPI crt_mbtowc(PWCHAR to, const CHAR *from, SIZE_T count);
int NTAPI crt_wctomb(PCHAR to, WCHAR c);
PCHAR NTAPI crt_strtok_s(PCHAR s, const CHAR *delimiters, PCHAR *context);
VOID NTAPI crt_srand(ULONG seed);
int NTAPI crt_rand(VOID);
int NTAPI _purecall(VOID);

/* crt_narrow.c */
SIZE_T NTAPI crt_strlen(const CHAR *s);
SIZE_T NTAPI crt_strnlen(const CHAR *s, SIZE_T limit);
CHAR *NTAPI crt_strcpy(CHAR *to, const CHAR *from);
CHAR *NTAPI crt_strncpy(CHAR *to, const CHAR *from, SIZE_T count);
CHAR *NTAPI crt_strcat(CHAR *to, const CHAR *from);
CHAR *NTAPI crt_strncat(CHAR *to, const CHAR *from, SIZE_T count);
int NTAPI crt_strcmp(const CHAR *a, const CHAR *b);
int NTAPI crt_strncmp(const CHAR *a, const CHAR *b, SIZE_T count);
int NTAPI crt_stricmp(const CHAR *a, const CHAR *b);
int NTAPI crt_strnicmp(const CHAR *a, const CHAR *b, SIZE_T count);
CHAR *NTAPI crt_strchr(const CHAR *s, int c);
CHAR *NTAPI crt_strrchr(const CHAR *s, int c);
CHAR *NTAPI crt_strstr(const CHAR *s, const CHAR *sought);
SIZE_T NTAPI crt_strspn(const CHAR *s, const CHAR *set);
SIZE_T NTAPI crt_strcspn(const CHAR *s, const CHAR *set);
CHAR *NTAPI crt_strlwr(CHAR *s);
CHAR *NTAPI crt_strupr(CHAR *s);
CHAR *NTAPI crt_strrev(CHAR *s);
CHAR *NTAPI crt_strnset(CHAR *s, int c, SIZE_T count);
int NTAPI crt_strcpy_s(CHAR *to, SIZE_T size, const CHAR *from);
int NTAPI crt_strncpy_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count);
int NTAPI crt_strcat_s(CHAR *to, SIZE_T size, const CHAR *from);
int NTAPI crt_strncat_s(CHAR *to, SIZE_T size, const CHAR *from, SIZE_T count);
int NTAPI crt_strset_s(CHAR *s, SIZE_T size, int c);
int NTAPI crt_strnset_s(CHAR *s, SIZE_T size, int c, SIZE_T count);

/* crt_number.c */
int NTAPI crt_atoi(const CHAR *s);
LONG NTAPI crt_atol(const CHAR *s);
LONGLONG NTAPI crt_atoi64(const CHAR *s);
int NTAPI crt_wtoi(PCWSTR s);
LONG NTAPI crt_wtol(PCWSTR s);
LONGLONG NTAPI crt_wtoi64(PCWSTR s);
LONG NTAPI crt_strtol(const CHAR *s, CHAR **end, int base);
ULONG NTAPI crt_strtoul(const CHAR *s, CHAR **end, int base);
ULONGLONG NTAPI crt_strtoui64(const CHAR *s, CHAR **end, int base);
LONG NTAPI crt_wcstol(PCWSTR s, PWSTR *end, int base);
ULONG NTAPI crt_wcstoul(PCWSTR s, PWSTR *end, int base);
PCHAR NTAPI crt_itoa(int value, PCHAR to, int base);
PWSTR NTAPI crt_itow(int value, PWSTR to, int base);
int NTAPI crt_itoa_s(int value, PCHAR to, SIZE_T size, int base);
int NTAPI crt_itow_s(int value, PWSTR to, SIZE_T size, int base);
int NTAPI crt_ltoa_s(LONG value, PCHAR to, SIZE_T size, int base);
int NTAPI crt_ltow_s(LONG value, PWSTR to, SIZE_T size, int base);
int NTAPI crt_ultoa_s(ULONG value, PCHAR to, SIZE_T size, int base);
int NTAPI crt_ultow_s(ULONG value, PWSTR to, SIZE_T size, int base);
int NTAPI crt_i64toa_s(LONGLONG value, PCHAR to, SIZE_T size, int base);
int NTAPI crt_i64tow_s(LONGLONG value, PWSTR to, SIZE_T size, int base);
int NTAPI crt_ui64toa_s(ULONGLONG value, PCHAR to, SIZE_T size, int base);
int NTAPI crt_ui64tow_s(ULONGLONG value, PWSTR to, SIZE_T size, int base);

/* crt_sort.c */
VOID NTAPI crt_qsort(PVOID base, SIZE_T count, SIZE_T width, int(NTAPI *fn)(const VOID *, const VOID *));
VOID NTAPI crt_qsort_s(PVOID base, SIZE_T count, SIZE_T width, int(NTAPI *fn)(PVOID, const VOID *, const VOID *), PVOID context);
PVOID NTAPI crt_bsearch(const VOID *key, const VOID *base, SIZE_T count, SIZE_T width, int(NTAPI *fn)(const VOID *, const VOID *));
PVOID NTAPI crt_bsearch_s(const VOID *key, const VOID *base, SIZE_T count, SIZE_T width, int(NTAPI *fn)(PVOID, const VOID *, const VOID *), PVOID context);

/* crt_wide.c */
SIZE_T NTAPI crt_wcslen(const WCHAR *s);
SIZE_T NTAPI crt_wcsnlen(const WCHAR *s, SIZE_T limit);
WCHAR *NTAPI crt_wcscpy(WCHAR *to, const WCHAR *from);
WCHAR *NTAPI crt_wcsncpy(WCHAR *to, const WCHAR *from, SIZE_T count);
WCHAR *NTAPI crt_wcscat(WCHAR *to, const WCHAR *from);
WCHAR *NTAPI crt_wcsncat(WCHAR *to, const WCHAR *from, SIZE_T count);
int NTAPI crt_wcscmp(const WCHAR *a, const WCHAR *b);
int NTAPI crt_wcsncmp(const WCHAR *a, const WCHAR *b, SIZE_T count);
int NTAPI crt_wcsicmp(const WCHAR *a, const WCHAR *b);
int NTAPI crt_wcsnicmp(const WCHAR *a, const WCHAR *b, SIZE_T count);
WCHAR *NTAPI crt_wcschr(const WCHAR *s, WCHAR c);
WCHAR *NTAPI crt_wcsrchr(const WCHAR *s, WCHAR c);
WCHAR *NTAPI crt_wcsstr(const WCHAR *s, const WCHAR *sought);
SIZE_T NTAPI crt_wcsspn(const WCHAR *s, const WCHAR *set);
SIZE_T NTAPI crt_wcscspn(const WCHAR *s, const WCHAR *set);
WCHAR *NTAPI crt_wcslwr(WCHAR *s);
WCHAR *NTAPI crt_wcsupr(WCHAR *s);
WCHAR *NTAPI crt_wcsrev(WCHAR *s);
WCHAR *NTAPI crt_wcsnset(WCHAR *s, WCHAR c, SIZE_T count);
int NTAPI crt_wcscpy_s(WCHAR *to, SIZE_T size, const WCHAR *from);
int NTAPI crt_wcsncpy_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count);
int NTAPI crt_wcscat_s(WCHAR *to, SIZE_T size, const WCHAR *from);
int NTAPI crt_wcsncat_s(WCHAR *to, SIZE_T size, const WCHAR *from, SIZE_T count);
int NTAPI crt_wcsset_s(WCHAR *s, SIZE_T size, WCHAR c);
int NTAPI crt_wcsnset_s(WCHAR *s, SIZE_T size, WCHAR c, SIZE_T count);

/* debug.c */
ULONG NTAPI DbgPrint(PCSTR Format, ...);
ULONG NTAPI DbgPrintReturnControlC(PCSTR Format, ...);
ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, __builtin_ms_va_list arglist);
ULONG NTAPI vDbgPrintExWithPrefix(PCSTR Prefix, ULONG ComponentId, ULONG Level, PCSTR Format, __builtin_ms_va_list arglist);
NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level);
NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State);
VOID NTAPI DbgBreakPoint(VOID);
VOID NTAPI DbgBreakPointWithStatus(ULONG Status);
VOID NTAPI RtlAssert(PVOID FailedAssertion, PVOID FileName, ULONG LineNumber, PSTR Message);

/* debugger.c */
extern BOOLEAN KdDebuggerEnabled;
extern BOOLEAN KdDebuggerNotPresent;
extern ULONG_PTR KdComPortInUse;
extern ULONG InitSafeBootMode;
BOOLEAN NTAPI KdRefreshDebuggerNotPresent(VOID);
NTSTATUS NTAPI KdDisableDebugger(VOID);
NTSTATUS NTAPI KdEnableDebugger(VOID);
NTSTATUS NTAPI KdChangeOption(ULONG Option, ULONG InBufferBytes, PVOID InBuffer, ULONG OutBufferBytes, PVOID OutBuffer, PULONG OutBufferNeeded);

/* dos8dot3.c */
BOOLEAN NTAPI RtlIsNameLegalDOS8Dot3(PCUNICODE_STRING Name, POEM_STRING OemName, PBOOLEAN NameContainsSpaces);
NTSTATUS NTAPI RtlGenerate8dot3Name(PCUNICODE_STRING Name, BOOLEAN AllowExtendedCharacters, PGENERATE_NAME_CONTEXT Context, PUNICODE_STRING Name8dot3);

/* dos_error.c */
ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status);
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status);

/* features.c */
ULONG64 NTAPI RtlGetEnabledExtendedFeatures(ULONG64 FeatureMask);

/* fsrtl_match.c */
BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase, PWCH UpcaseTable);
BOOLEAN NTAPI FsRtlIsDbcsInExpression(PANSI_STRING Expression, PANSI_STRING Name);
BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name);
BOOLEAN NTAPI FsRtlDoesDbcsContainWildCards(PANSI_STRING Name);
BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING ConstantNameA, PCUNICODE_STRING ConstantNameB, BOOLEAN IgnoreCase, PCWCH UpcaseTable);

/* fsrtl_names.c */
extern const UCHAR *FsRtlLegalAnsiCharacterArray;
BOOLEAN NTAPI FsRtlIsFatDbcsLegal(ANSI_STRING DbcsName, BOOLEAN WildCardsPermissible, BOOLEAN PathNamePermissible, BOOLEAN LeadingBackslashPermissible);
BOOLEAN NTAPI FsRtlIsHpfsDbcsLegal(ANSI_STRING DbcsName, BOOLEAN WildCardsPermissible, BOOLEAN PathNamePermissible, BOOLEAN LeadingBackslashPermissible);
VOID NTAPI FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING FirstName, PUNICODE_STRING RemainingName);
VOID NTAPI FsRtlDissectDbcs(ANSI_STRING Path, PANSI_STRING FirstName, PANSI_STRING RemainingName);
BOOLEAN NTAPI FsRtlIsNtstatusExpected(NTSTATUS Exception);
NTSTATUS NTAPI FsRtlNormalizeNtstatus(NTSTATUS Exception, NTSTATUS GenericException);
BOOLEAN NTAPI FsRtlIsTotalDeviceFailure(NTSTATUS Status);

/* generic_table.c */
VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table, PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine, PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine, PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext);
PVOID NTAPI RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement, PVOID NodeOrParent, TABLE_SEARCH_RESULT SearchResult);
PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement);
BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer);
PVOID NTAPI RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult);
PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer);
PVOID NTAPI RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart);
PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey);
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I);
ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table);
BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table);

/* image.c */
NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID Base, ULONGLONG Size, PIMAGE_NT_HEADERS *OutHeaders);
PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID Base);
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN MappedAsImage, USHORT DirectoryEntry, PULONG Size);
PVOID NTAPI RtlFindExportedRoutineByName(PVOID DllBase, PCSTR RoutineName);

/* integer.c */
NTSTATUS NTAPI RtlCharToInteger(PCSZ String, ULONG Base, PULONG Value);
NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value);
NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String);
NTSTATUS NTAPI RtlStringFromGUID(LPCGUID Guid, PUNICODE_STRING GuidString);
NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID *Guid);

/* ip_string.c */
NTSTATUS NTAPI RtlIpv4StringToAddressA(PCSTR S, BOOLEAN Strict, PCSTR *Terminator, PULONG Addr);
NTSTATUS NTAPI RtlIpv4StringToAddressW(PCWSTR S, BOOLEAN Strict, PCWSTR *Terminator, PULONG Addr);
NTSTATUS NTAPI RtlIpv4StringToAddressExA(PCSTR AddressString, BOOLEAN Strict, PULONG Address, PUSHORT Port);
NTSTATUS NTAPI RtlIpv4StringToAddressExW(PCWSTR AddressString, BOOLEAN Strict, PULONG Address, PUSHORT Port);
PSTR NTAPI RtlIpv4AddressToStringA(const ULONG *Addr, PSTR S);
PWSTR NTAPI RtlIpv4AddressToStringW(const ULONG *Addr, PWSTR S);
NTSTATUS NTAPI RtlIpv4AddressToStringExA(const ULONG *Address, USHORT Port, PSTR AddressString, PULONG AddressStringLength);
NTSTATUS NTAPI RtlIpv4AddressToStringExW(const ULONG *Address, USHORT Port, PWSTR AddressString, PULONG AddressStringLength);

/* lznt1.c */
NTSTATUS NTAPI RtlGetCompressionWorkSpaceSize(USHORT CompressionFormatAndEngine, PULONG CompressBufferWorkSpaceSize, PULONG CompressFragmentWorkSpaceSize);
NTSTATUS NTAPI RtlCompressBuffer(USHORT CompressionFormatAndEngine, PUCHAR UncompressedBuffer, ULONG UncompressedBufferSize, PUCHAR CompressedBuffer, ULONG CompressedBufferSize, ULONG UncompressedChunkSize, PULONG FinalCompressedSize, PVOID WorkSpace);
NTSTATUS NTAPI RtlDecompressBuffer(USHORT CompressionFormat, PUCHAR UncompressedBuffer, ULONG UncompressedBufferSize, PUCHAR CompressedBuffer, ULONG CompressedBufferSize, PULONG FinalUncompressedSize);
NTSTATUS NTAPI RtlDecompressFragment(USHORT CompressionFormat, PUCHAR UncompressedFragment, ULONG UncompressedFragmentSize, PUCHAR CompressedBuffer, ULONG CompressedBufferSize, ULONG FragmentOffset, PULONG FinalUncompressedSize, PVOID WorkSpace);

/* memory.c */
SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);
SIZE_T NTAPI RtlCompareMemoryUlong(PVOID Source, SIZE_T Length, ULONG Pattern);
VOID NTAPI RtlCopyMemory(PVOID Destination, const VOID *Source, SIZE_T Length);
VOID NTAPI RtlCopyMemoryNonTemporal(PVOID Destination, const VOID *Source, SIZE_T Length);
VOID NTAPI RtlMoveMemory(PVOID Destination, const VOID *Source, SIZE_T Length);
VOID NTAPI RtlFillMemory(PVOID Destination, SIZE_T Length, int Fill);
VOID NTAPI RtlZeroMemory(PVOID Destination, SIZE_T Length);
VOID NTAPI RtlFillMemoryUlong(PVOID Destination, SIZE_T Length, ULONG Pattern);
VOID NTAPI RtlFillMemoryUlonglong(PVOID Destination, SIZE_T Length, ULONGLONG Pattern);
VOID NTAPI RtlPrefetchMemoryNonTemporal(PVOID Source, SIZE_T Length);
USHORT NTAPI RtlUshortByteSwap(USHORT Source);
ULONG NTAPI RtlUlongByteSwap(ULONG Source);
ULONGLONG NTAPI RtlUlonglongByteSwap(ULONGLONG Source);
PVOID NTAPI crt_memcpy(PVOID to, const VOID *from, SIZE_T length);
PVOID NTAPI crt_memmove(PVOID to, const VOID *from, SIZE_T length);
PVOID NTAPI crt_memset(PVOID to, int value, SIZE_T length);
int NTAPI crt_memcmp(const VOID *a, const VOID *b, SIZE_T length);
PVOID NTAPI crt_memchr(const VOID *block, int value, SIZE_T length);
int NTAPI crt_memcpy_s(PVOID to, SIZE_T size, const VOID *from, SIZE_T length);
int NTAPI crt_memmove_s(PVOID to, SIZE_T size, const VOID *from, SIZE_T length);

/* misc.c */
ULONG NTAPI RtlComputeCrc32(ULONG PartialCrc, PVOID Buffer, ULONG Length);
VOID NTAPI RtlCopyLuid(PLUID DestinationLuid, PLUID SourceLuid);

/* nls.c */
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter);
WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter);
CHAR NTAPI RtlUpperChar(CHAR Character);
WCHAR NTAPI RtlAnsiCharToUnicodeChar(PUCHAR *SourceCharacter);
VOID NTAPI RtlGetDefaultCodePage(PUSHORT AnsiCodePage, PUSHORT OemCodePage);
BOOLEAN NTAPI RtlIsValidOemCharacter(PWCHAR Char);
extern BOOLEAN NlsMbCodePageTag;
extern BOOLEAN NlsMbOemCodePageTag;
extern USHORT NlsAnsiCodePage;
extern USHORT NlsOemCodePage;
extern PUSHORT NlsOemLeadByteInfo;

/* prefix.c */
VOID NTAPI RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable);
BOOLEAN NTAPI RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING Prefix, PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry);
VOID NTAPI RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry);
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING FullName, ULONG CaseInsensitiveIndex);
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, BOOLEAN Restart);

/* printf_exports.c */
int NTAPI crt_sprintf(char *buffer, const char *format, ...);
int NTAPI crt_vsprintf(char *buffer, const char *format, __builtin_ms_va_list args);
int NTAPI crt_swprintf(PWSTR buffer, PCWSTR format, ...);
int NTAPI crt_vswprintf(PWSTR buffer, PCWSTR format, __builtin_ms_va_list args);
int NTAPI crt_snprintf(char *buffer, SIZE_T count, const char *format, ...);
int NTAPI crt_vsnprintf(char *buffer, SIZE_T count, const char *format, __builtin_ms_va_list args);
int NTAPI crt_snwprintf(PWSTR buffer, SIZE_T count, PCWSTR format, ...);
int NTAPI crt_vsnwprintf(PWSTR buffer, SIZE_T count, PCWSTR format, __builtin_ms_va_list args);
int NTAPI crt_sprintf_s(char *buffer, SIZE_T size, const char *format, ...);
int NTAPI crt_vsprintf_s(char *buffer, SIZE_T size, const char *format, __builtin_ms_va_list args);
int NTAPI crt_swprintf_s(PWSTR buffer, SIZE_T size, PCWSTR format, ...);
int NTAPI crt_vswprintf_s(PWSTR buffer, SIZE_T size, PCWSTR format, __builtin_ms_va_list args);
int NTAPI crt_snprintf_s(char *buffer, SIZE_T size, SIZE_T count, const char *format, ...);
int NTAPI crt_vsnprintf_s(char *buffer, SIZE_T size, SIZE_T count, const char *format, __builtin_ms_va_list args);
int NTAPI crt_snwprintf_s(PWSTR buffer, SIZE_T size, SIZE_T count, PCWSTR format, ...);
int NTAPI crt_vsnwprintf_s(PWSTR buffer, SIZE_T size, SIZE_T count, PCWSTR format, __builtin_ms_va_list args);

/* random.c */
ULONG NTAPI RtlUniform(PULONG Seed);
ULONG NTAPI RtlRandom(PULONG Seed);
ULONG NTAPI RtlRandomEx(PULONG Seed);

/* resource.c */
NTSTATUS NTAPI LdrFindResource_U(PVOID DllHandle, const ULONG_PTR *ResourceInfo, ULONG Level, PIMAGE_RESOURCE_DATA_ENTRY *ResourceDataEntry);
NTSTATUS NTAPI LdrAccessResource(PVOID DllHandle, PIMAGE_RESOURCE_DATA_ENTRY ResourceDataEntry, PVOID *Address, PULONG Size);
NTSTATUS NTAPI RtlFindMessage(PVOID DllHandle, ULONG MessageTableId, ULONG MessageLanguageId, ULONG MessageId, PVOID *MessageEntry);

/* resource_descriptor.c */
NTSTATUS NTAPI RtlCmEncodeMemIoResource(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, UCHAR Type, ULONGLONG Length, ULONGLONG Start);
ULONGLONG NTAPI RtlCmDecodeMemIoResource(PCM_PARTIAL_RESOURCE_DESCRIPTOR Descriptor, PULONGLONG Start);
NTSTATUS NTAPI RtlIoEncodeMemIoResource(PIO_RESOURCE_DESCRIPTOR Descriptor, UCHAR Type, ULONGLONG Length, ULONGLONG Alignment, ULONGLONG MinimumAddress, ULONGLONG MaximumAddress);
ULONGLONG NTAPI RtlIoDecodeMemIoResource(PIO_RESOURCE_DESCRIPTOR Descriptor, PULONGLONG Alignment, PULONGLONG MinimumAddress, PULONGLONG MaximumAddress);

/* run_once.c */
VOID NTAPI RtlRunOnceInitialize(PRTL_RUN_ONCE RunOnce);
NTSTATUS NTAPI RtlRunOnceBeginInitialize(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID *Context);
NTSTATUS NTAPI RtlRunOnceComplete(PRTL_RUN_ONCE RunOnce, ULONG Flags, PVOID Context);
NTSTATUS NTAPI RtlRunOnceExecuteOnce(PRTL_RUN_ONCE RunOnce, PRTL_RUN_ONCE_INIT_FN InitFn, PVOID Parameter, PVOID *Context);

/* splay.c */
PRTL_SPLAY_LINKS NTAPI RtlSplay(PRTL_SPLAY_LINKS Links);
PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links);
PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links);
PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(PRTL_SPLAY_LINKS Links);
PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(PRTL_SPLAY_LINKS Links);
PRTL_SPLAY_LINKS NTAPI RtlDelete(PRTL_SPLAY_LINKS Links);
VOID NTAPI RtlDeleteNoSplay(PRTL_SPLAY_LINKS Links, PRTL_SPLAY_LINKS *Root);

/* time.c */
VOID NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, TIME_FIELDS *TimeFields);
BOOLEAN NTAPI RtlTimeFieldsToTime(TIME_FIELDS *TimeFields, PLARGE_INTEGER Time);
BOOLEAN NTAPI RtlTimeToSecondsSince1970(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
BOOLEAN NTAPI RtlTimeToSecondsSince1980(PLARGE_INTEGER Time, PULONG ElapsedSeconds);
VOID NTAPI RtlSecondsSince1970ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);
VOID NTAPI RtlSecondsSince1980ToTime(ULONG ElapsedSeconds, PLARGE_INTEGER Time);
NTSTATUS NTAPI RtlSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime);
NTSTATUS NTAPI RtlLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime);

/* unicode_compare.c */
LONG NTAPI RtlCompareUnicodeStrings(PCWCH String1, SIZE_T String1Length, PCWCH String2, SIZE_T String2Length, BOOLEAN CaseInSensitive);
LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
BOOLEAN NTAPI RtlSuffixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2, BOOLEAN CaseInSensitive);
NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm, PULONG HashValue);

/* unicode_string.c */
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString);
NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source);
NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source);
NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString);
VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString);
NTSTATUS NTAPI RtlValidateUnicodeString(ULONG Flags, PCUNICODE_STRING SourceString);
NTSTATUS NTAPI RtlDuplicateUnicodeString(ULONG Flags, PCUNICODE_STRING StringIn, PUNICODE_STRING StringOut);

/* utf8.c */
NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount, PULONG UnicodeStringActualByteCount, PCSTR UTF8StringSource, ULONG UTF8StringByteCount);
NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount, PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource, ULONG UnicodeStringByteCount);
NTSTATUS NTAPI RtlUnicodeStringToUTF8String(PUTF8_STRING DestinationString, PCUNICODE_STRING SourceString, BOOLEAN AllocateDestinationString);
NTSTATUS NTAPI RtlUTF8StringToUnicodeString(PUNICODE_STRING DestinationString, const UTF8_STRING *SourceString, BOOLEAN AllocateDestinationString);

/* version.c */
NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation);
ULONGLONG NTAPI VerSetConditionMask(ULONGLONG ConditionMask, ULONG TypeMask, UCHAR Condition);
NTSTATUS NTAPI RtlVerifyVersionInfo(PRTL_OSVERSIONINFOEXW VersionInfo, ULONG TypeMask, ULONGLONG ConditionMask);
BOOLEAN NTAPI RtlIsNtDdiVersionAvailable(ULONG Version);
BOOLEAN NTAPI RtlIsServicePackVersionInstalled(ULONG Version);

/* volume_name.c */
NTSTATUS NTAPI IoVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName);
NTSTATUS NTAPI RtlVolumeDeviceToDosName(PVOID VolumeDeviceObject, PUNICODE_STRING DosName);

#endif
