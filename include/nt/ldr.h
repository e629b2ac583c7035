/* SPDX-License-Identifier: MIT */
/*
 * The record of a loaded image: what DRIVER_OBJECT.DriverSection points to and
 * PsLoadedModuleList links. Undocumented but stable in every x64 release, and
 * read by many drivers.
 */
#ifndef NT_LDR_H
#define NT_LDR_H

#include "nt/types.h"

typedef struct _KLDR_DATA_TABLE_ENTRY {
    LIST_ENTRY InLoadOrderLinks;
    PVOID ExceptionTable;
    ULONG ExceptionTableSize;
    PVOID GpValue;
    PVOID NonPagedDebugInfo;
    PVOID DllBase;
    PVOID EntryPoint;
    ULONG SizeOfImage;
    UNICODE_STRING FullDllName;
    UNICODE_STRING BaseDllName;
    ULONG Flags;
    USHORT LoadCount;
    USHORT SignatureInfo;
    PVOID SectionPointer;
    ULONG CheckSum;
    ULONG CoverageSectionSize;
    PVOID CoverageSection;
    PVOID LoadedImports;
    PVOID Spare;
    ULONG SizeOfImageNotRounded;
    ULONG TimeDateStamp;
} KLDR_DATA_TABLE_ENTRY, *PKLDR_DATA_TABLE_ENTRY;

_Static_assert(offsetof(KLDR_DATA_TABLE_ENTRY, DllBase) == 0x30, "DllBase");
_Static_assert(offsetof(KLDR_DATA_TABLE_ENTRY, FullDllName) == 0x48, "FullDllName");
_Static_assert(offsetof(KLDR_DATA_TABLE_ENTRY, BaseDllName) == 0x58, "BaseDllName");
_Static_assert(offsetof(KLDR_DATA_TABLE_ENTRY, Flags) == 0x68, "Flags");
_Static_assert(sizeof(KLDR_DATA_TABLE_ENTRY) == 0xA0, "KLDR_DATA_TABLE_ENTRY");

#endif
