/* SPDX-License-Identifier: MIT */
/*
 * The base types of the NT driver interface, with fixed widths (a native Linux
 * `long` is 64 bits, so nothing here may be written as long). Names are
 * Microsoft's; WCHAR is char16_t, so u"text" is an NT wide string.
 */
#ifndef NT_TYPES_H
#define NT_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* The Microsoft x64 calling convention: every export, every callback. */
#define NTAPI __attribute__((ms_abi))

#define VOID void
#define TRUE 1
#define FALSE 0
#define ANYSIZE_ARRAY 1
#define CONST const
#define DECLSPEC_ALIGN_16 __attribute__((aligned(16)))
#define POINTER_ALIGNMENT __attribute__((aligned(8)))

typedef void *PVOID, *HANDLE, **PHANDLE, *LPVOID;
typedef char CHAR, CCHAR, *PCHAR, *PSZ, *PSTR;
typedef const char *PCSTR, *PCSZ;
typedef signed char SCHAR;
typedef uint8_t UCHAR, *PUCHAR, BOOLEAN, *PBOOLEAN, BYTE, UINT8;
typedef int16_t SHORT, *PSHORT, CSHORT;
typedef uint16_t USHORT, *PUSHORT, WORD, UINT16;
typedef int32_t LONG, *PLONG, INT, INT32, BOOL;
typedef uint32_t ULONG, *PULONG, DWORD, UINT, UINT32, LOGICAL;
typedef int64_t LONGLONG, *PLONGLONG, LONG64, INT64, LONG_PTR, INT_PTR, SSIZE_T;
typedef uint64_t ULONGLONG, *PULONGLONG, ULONG64, *PULONG64, DWORD64, UINT64, ULONG_PTR, *PULONG_PTR, UINT_PTR,
    DWORD_PTR, SIZE_T, *PSIZE_T, ULONGLONG_T;
typedef __CHAR16_TYPE__ WCHAR, *PWCHAR, *PWSTR, *PWCH;
typedef const __CHAR16_TYPE__ *PCWSTR, *PCWCH;
typedef const void *PCVOID;

typedef LONG NTSTATUS, *PNTSTATUS;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;
typedef LONG KPRIORITY;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;
typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG DEVICE_TYPE;
typedef ULONG CLONG;
typedef USHORT SECURITY_DESCRIPTOR_CONTROL;

enum { KernelMode = 0, UserMode = 1, MaximumMode = 2 };

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct _UNICODE_STRING {
    USHORT Length;        /* bytes, without a terminator */
    USHORT MaximumLength; /* bytes of Buffer */
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING, UTF8_STRING, *PUTF8_STRING;
typedef const STRING *PCANSI_STRING;

typedef struct _GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID, *LPGUID;
typedef const GUID *LPCGUID;
typedef GUID CLSID;

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CMCI_LEVEL 5
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15

#define NT_SUCCESS(Status) ((NTSTATUS)(Status) >= 0)
#define NT_INFORMATION(Status) (((ULONG)(Status) >> 30) == 1)
#define NT_WARNING(Status) (((ULONG)(Status) >> 30) == 2)
#define NT_ERROR(Status) (((ULONG)(Status) >> 30) == 3)

#endif
