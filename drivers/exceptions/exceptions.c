/* SPDX-License-Identifier: MIT */
/*
 * exceptions: structured exception handling in a driver. Built with clang, for
 * gcc has no __try.
 *
 * METHOD_NEITHER hands a driver raw user addresses: it must probe them and
 * touch them inside __try, for the caller may pass anything. The other IOCTLs
 * show a raised status, a division by zero, and that __finally runs while an
 * exception passes through it.
 */
#include <ntddk.h>

#define IOCTL_SUM_BYTES   CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)
#define IOCTL_RAISE       CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_DIVIDE      CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_BAD_POINTER CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_NEITHER, FILE_ANY_ACCESS)

/* clang attributes only calls to a __try block, so what may fault is in functions of its own. */
static __attribute__((noinline)) ULONG sum_bytes(const volatile UCHAR *bytes, ULONG length)
{
    ULONG sum = 0;

    while (length-- != 0)
        sum += *bytes++;
    return sum;
}

static __attribute__((noinline)) LONG divide(volatile LONG a, volatile LONG b)
{
    return a / b;
}

static NTSTATUS sum_user_bytes(PVOID address, ULONG length, ULONG *sum)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        ProbeForRead(address, length, 1);
        *sum = sum_bytes(address, length);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        status = GetExceptionCode();
    }
    return status;
}

static NTSTATUS raise_through_finally(NTSTATUS what)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        __try {
            ExRaiseStatus(what);
        } __finally {
            DbgPrint("__finally runs while the exception passes\n");
        }
    } __except (GetExceptionCode() == what ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        status = GetExceptionCode();
    }
    return status;
}

static NTSTATUS divide_by(LONG divisor, LONG *quotient)
{
    NTSTATUS status = STATUS_SUCCESS;

    __try {
        *quotient = divide(1000, divisor);
    } __except (GetExceptionCode() == STATUS_INTEGER_DIVIDE_BY_ZERO ? EXCEPTION_EXECUTE_HANDLER
                                                                    : EXCEPTION_CONTINUE_SEARCH) {
        status = STATUS_INTEGER_DIVIDE_BY_ZERO;
    }
    return status;
}

static NTSTATUS control(PIRP Irp, PIO_STACK_LOCATION location, ULONG_PTR *information)
{
    ULONG in = location->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = location->Parameters.DeviceIoControl.OutputBufferLength;
    LONG *number = Irp->AssociatedIrp.SystemBuffer;
    NTSTATUS status;
    ULONG sum = 0;

    switch (location->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SUM_BYTES:
        status = sum_user_bytes(location->Parameters.DeviceIoControl.Type3InputBuffer, in, &sum);
        DbgPrint("the sum is %lu\n", sum);
        return status;
    case IOCTL_BAD_POINTER: /* an address that no process has */
        return sum_user_bytes((PVOID)(ULONG_PTR)0x1000, 16, &sum);
    case IOCTL_RAISE:
        return in >= sizeof(*number) ? raise_through_finally(*number) : STATUS_BUFFER_TOO_SMALL;
    case IOCTL_DIVIDE:
        if (in < sizeof(*number) || out < sizeof(*number))
            return STATUS_BUFFER_TOO_SMALL;
        status = divide_by(*number, number);
        *information = NT_SUCCESS(status) ? sizeof(*number) : 0;
        return status;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

static NTSTATUS NTAPI dispatch(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(Irp);
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_SUCCESS;

    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL)
        status = control(Irp, location, &information);
    Irp->IoStatus.Status = status;
    Irp->IoStatus.Information = information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return status;
}

static VOID NTAPI unload(PDRIVER_OBJECT DriverObject)
{
    IoDeleteDevice(DriverObject->DeviceObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Exceptions");
    PDEVICE_OBJECT DeviceObject;

    DriverObject->MajorFunction[IRP_MJ_CREATE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = dispatch;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch;
    DriverObject->DriverUnload = unload;
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                          &DeviceObject);
}
