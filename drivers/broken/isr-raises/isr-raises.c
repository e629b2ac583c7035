/* SPDX-License-Identifier: MIT */
/*
 * isr-raises: a mistake on purpose. The service routine raises an exception, which the code that it interrupted
 * does not get to see, although that is inside a __try.
 */
#include "../interrupt.h"

static BOOLEAN NTAPI isr(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    hush();
    ExRaiseStatus(STATUS_DEVICE_BUSY); /* the mistake */
    return TRUE;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = begin(DriverObject, isr, LevelSensitive);

    __try {
        if (NT_SUCCESS(status))
            ring();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        DbgPrint("caught 0x%08X\n", GetExceptionCode());
    }
    return status;
}
