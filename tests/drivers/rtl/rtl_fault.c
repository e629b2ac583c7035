/* SPDX-License-Identifier: MIT */
/* A bad user pointer that the run-time library touches is the driver's own exception: its handler gets it. */
#include "../rltest.h"
#include <string.h>

#define BAD ((PVOID)0x10)

#define EXPECT(id, wanted, statement)                                                                        \
    do {                                                                                                     \
        NTSTATUS status_ = STATUS_SUCCESS;                                                                   \
        __try {                                                                                              \
            statement;                                                                                       \
        } __except (EXCEPTION_EXECUTE_HANDLER) {                                                             \
            status_ = GetExceptionCode();                                                                    \
        }                                                                                                    \
        CHECK_STATUS(id, status_, wanted);                                                                   \
    } while (0)
#define EXPECT_VIOLATION(id, statement) EXPECT(id, STATUS_ACCESS_VIOLATION, statement)

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING string, copy = {0, 0, NULL};
    CHAR buffer[16];
    ULONG value;
    EXPECT_VIOLATION("RTL-FAULT", RtlInitUnicodeString(&string, BAD));
    EXPECT_VIOLATION("RTL-FAULT", strcpy(buffer, BAD));
    EXPECT_VIOLATION("RTL-FAULT", RtlUnicodeStringToInteger(BAD, 10, &value));
    EXPECT_VIOLATION("RTL-FAULT", RtlUpcaseUnicodeString(&copy, BAD, TRUE));
    EXPECT_VIOLATION("RTL-FAULT", value = (ULONG)RtlCompareMemory(BAD, buffer, 4));
    EXPECT_VIOLATION("RTL-FAULT", DbgPrint("%s\n", BAD));
    EXPECT("RTL-BREAK", STATUS_BREAKPOINT, DbgBreakPoint());
    EXPECT("RTL-BREAK", STATUS_BREAKPOINT, RtlAssert("a == b", "rtl_fault.c", 1, NULL));
    DriverObject->DriverUnload = unload;
    return STATUS_SUCCESS;
}
