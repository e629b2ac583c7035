/* SPDX-License-Identifier: MIT */
/* System error codes for statuses, as user mode would see them. The table is in dos_error_table.c. */
#include "rtl/rtl.h"
#include "rtl/dos_error.h"
#include "rtl/exports.h"

#define ERROR_MR_MID_NOT_FOUND 317
#define CUSTOMER_BIT           0x20000000u
#define WIN32_IN_STATUS        0xC007u /* FACILITY_NTWIN32: the error is in the low half */
#define WIN32_IN_HRESULT       0x8007u

EXPORT(ntoskrnl, RtlNtStatusToDosErrorNoTeb, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Status)
{
    ULONG status = (ULONG)Status, low = 0, high = rtl_dos_error_count;
    if (status & CUSTOMER_BIT)
        return status;
    if ((status & 0xF0000000u) == 0xD0000000u) /* a status in an HRESULT */
        status &= ~0x10000000u;
    while (low < high) {
        ULONG middle = (low + high) / 2;
        if (rtl_dos_errors[middle].status < status)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < rtl_dos_error_count && rtl_dos_errors[low].status == status)
        return rtl_dos_errors[low].error;
    if (status >> 16 == WIN32_IN_STATUS || status >> 16 == WIN32_IN_HRESULT)
        return status & 0xFFFF;
    return ERROR_MR_MID_NOT_FOUND;
}

/* The kernel has no last status to remember: the same. */
EXPORT(ntoskrnl, RtlNtStatusToDosError, PASSIVE_LEVEL, APC_LEVEL, X_PLAIN)
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
    return RtlNtStatusToDosErrorNoTeb(Status);
}
