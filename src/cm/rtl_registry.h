/* SPDX-License-Identifier: MIT */
/* What the Rtl registry routines share. */
#ifndef CM_RTL_REGISTRY_H
#define CM_RTL_REGISTRY_H

#include "cm/store.h"
#include "nt/rtl.h"
#include "cm/routines.h"
#include "ob/routines.h"

/* The key that RelativeTo and Path name. Close it with cm_rtl_close. With create, the last key is made if
 * missing. */
NTSTATUS cm_rtl_open(ULONG relative_to, PCWSTR path, ACCESS_MASK access, bool create, HANDLE *key);
void cm_rtl_close(ULONG relative_to,
                  HANDLE key); /* leaves the caller's own handle (RTL_REGISTRY_HANDLE) open */

#endif
