/* SPDX-License-Identifier: MIT */
/* What the Rtl registry routines share. */
#ifndef CM_RTL_REGISTRY_H
#define CM_RTL_REGISTRY_H

#include "cm/store.h"
#include "nt/rtl.h"

/* The key that RelativeTo and Path name. Close it with cm_rtl_close. With create, the last key is made if
 * missing. */
NTSTATUS cm_rtl_open(ULONG relative_to, PCWSTR path, ACCESS_MASK access, bool create, HANDLE *key);
void cm_rtl_close(ULONG relative_to,
                  HANDLE key); /* leaves the caller's own handle (RTL_REGISTRY_HANDLE) open */

NTSTATUS NTAPI ZwOpenKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes);
NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                           ULONG TitleIndex, PUNICODE_STRING Class, ULONG CreateOptions, PULONG Disposition);
NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex, ULONG Type,
                             PVOID Data, ULONG DataSize);
NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName);
NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
                               KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                               PVOID KeyValueInformation, ULONG Length, PULONG ResultLength);
NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
                                   KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass,
                                   PVOID KeyValueInformation, ULONG Length, PULONG ResultLength);
NTSTATUS NTAPI ZwClose(HANDLE Handle);

#endif
