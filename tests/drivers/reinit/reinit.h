/* SPDX-License-Identifier: MIT */
/*
 * A log that the drivers of this folder share: the device of the first of them
 * keeps it, the others find it when they are reinitialized. A read gives it.
 */
#ifndef REINIT_TEST_H
#define REINIT_TEST_H

#include "../rltest.h"

NTKERNELAPI BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread);

struct log {
    ULONG length;
    CHAR text[200];
};

static struct log *log;

static __attribute__((unused)) VOID note(CHAR who, ULONG count)
{
    log->text[log->length++] = who;
    log->text[log->length++] = (CHAR)('0' + count);
}

/* Fails while the driver that keeps it has not been loaded. */
static __attribute__((unused)) NTSTATUS find_log(void)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\ReinitLog");
    PFILE_OBJECT file;
    PDEVICE_OBJECT device;
    NTSTATUS status = IoGetDeviceObjectPointer(&name, FILE_READ_DATA, &file, &device);
    if (!NT_SUCCESS(status))
        return status;
    log = device->DeviceExtension;
    ObDereferenceObject(file);
    return status;
}

static __attribute__((unused)) VOID check_call(ULONG count)
{
    CHECK_EQ("SR-02", KeGetCurrentIrql(), PASSIVE_LEVEL);
    CHECK("SR-02", PsIsSystemThread((PETHREAD)KeGetCurrentThread()));
    CHECK("SR-02", count > 0);
}

#endif
