/* SPDX-License-Identifier: MIT */
/*
 * Idle detection, power settings and power requests, all in DriverEntry, on a
 * device without a stack. Time is the machine's own: the play has a seed.
 */
#include "rltest.h"
#include <initguid.h>

DEFINE_GUID(ACDC_POWER_SOURCE, 0x5D3E9A59, 0xE9D5, 0x4B00, 0xA6, 0xBD, 0xFF, 0x34, 0xFF, 0x51, 0x65, 0x48);
DEFINE_GUID(NOBODYS_SETTING, 0x11111111, 0x2222, 0x3333, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66, 0x77, 0x77);

static PDEVICE_OBJECT device;
static ULONG sets, queries;
static DEVICE_POWER_STATE asked_for;

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT DeviceObject, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    if (location->MinorFunction == IRP_MN_SET_POWER && location->Parameters.Power.Type == DevicePowerState) {
        sets++;
        asked_for = location->Parameters.Power.State.DeviceState;
        PoSetPowerState(DeviceObject, DevicePowerState, location->Parameters.Power.State);
    } else
        queries++;
    irp->IoStatus.Status = STATUS_SUCCESS;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static void pass_seconds(ULONG seconds)
{
    LARGE_INTEGER time;
    time.QuadPart = -10000000LL * seconds;
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}

static void report(DEVICE_POWER_STATE state)
{
    POWER_STATE s;
    s.DeviceState = state;
    PoSetPowerState(device, DevicePowerState, s);
}

static void idles(void)
{
    PULONG idle = PoRegisterDeviceForIdleDetection(device, 100, 5, PowerDeviceD2);
    CHECK("PW-03", idle != NULL);
    report(PowerDeviceD0);
    pass_seconds(3);
    CHECK_EQ("PW-03", sets, 0);
    PoSetDeviceBusyEx(idle);
    pass_seconds(3);
    CHECK_EQ("PWR-02", sets, 0); /* the countdown began anew */
    PoSetDeviceBusy(idle);
    pass_seconds(3);
    CHECK_EQ("PWR-02", sets, 0);
    pass_seconds(4);
    CHECK_EQ("PWR-02", sets, 1);
    CHECK_EQ("PW-03", asked_for, PowerDeviceD2);
    CHECK_EQ("PW-03", queries, 0);
    pass_seconds(20);
    CHECK_EQ("PW-03", sets, 1); /* it is there already */
    report(PowerDeviceD0);
    pass_seconds(7);
    CHECK_EQ("PW-03", sets, 2);
}

static void keeps_busy(void)
{
    PULONG idle = PoRegisterDeviceForIdleDetection(device, 0, 2, PowerDeviceD3), again;
    sets = 0;
    report(PowerDeviceD0);
    PoStartDeviceBusy(idle);
    PoStartDeviceBusy(idle);
    pass_seconds(10);
    PoEndDeviceBusy(idle);
    pass_seconds(10);
    CHECK_EQ("PWR-02", sets, 0);
    PoEndDeviceBusy(idle);
    pass_seconds(1);
    CHECK_EQ("PWR-02", sets, 0);
    pass_seconds(3);
    CHECK("PWR-02", sets == 1 && asked_for == PowerDeviceD3);
    again = PoRegisterDeviceForIdleDetection(device, 0, 6, PowerDeviceD3);
    CHECK("PWR-02", again == idle); /* one for each device */
    report(PowerDeviceD0);
    pass_seconds(4);
    CHECK_EQ("PWR-02", sets, 1);
    CHECK("PWR-02", PoRegisterDeviceForIdleDetection(device, 0, 0, PowerDeviceD3) == NULL);
    pass_seconds(10);
    CHECK_EQ("PWR-02", sets, 1);
    CHECK("PWR-02", PoRegisterDeviceForIdleDetection(device, (ULONG)-1, (ULONG)-1, PowerDeviceD3) == NULL);
    device->DeviceType = FILE_DEVICE_DISK;
    CHECK("PWR-02", PoRegisterDeviceForIdleDetection(device, (ULONG)-1, (ULONG)-1, PowerDeviceD3) != NULL);
    pass_seconds(1000);
    CHECK_EQ("PWR-02", sets, 1);
    pass_seconds(300);
    CHECK_EQ("PWR-02", sets, 2);
    PoRegisterDeviceForIdleDetection(device, 0, 0, PowerDeviceD3);
    device->DeviceType = FILE_DEVICE_UNKNOWN;
}

/* ---- power settings ---- */

static struct {
    ULONG calls, value, length;
    KIRQL irql;
    GUID guid;
    PVOID context;
} setting;

static PVOID handle;

static NTSTATUS NTAPI changed(LPCGUID guid, PVOID value, ULONG length, PVOID context)
{
    setting.calls++;
    setting.length = length;
    setting.value = length >= sizeof(ULONG) ? *(PULONG)value : (ULONG)-1;
    setting.irql = KeGetCurrentIrql();
    setting.guid = *guid;
    setting.context = context;
    if (setting.calls > 1)
        DbgPrint("power source %lu\n", setting.value);
    return STATUS_SUCCESS;
}

static void knows_settings(void)
{
    PVOID other;
    CHECK_STATUS("SR-35",
                 PoRegisterPowerSettingCallback(device, &ACDC_POWER_SOURCE, changed, &setting, &handle),
                 STATUS_SUCCESS);
    CHECK_EQ("SR-35", setting.calls, 1); /* told at once */
    CHECK("SR-35", setting.value == 0 && setting.length == sizeof(ULONG));
    CHECK_EQ("SR-35", setting.irql, PASSIVE_LEVEL);
    CHECK("SR-35", setting.context == &setting && IsEqualGUID(&setting.guid, &ACDC_POWER_SOURCE));
    setting.calls = 1;
    CHECK_STATUS("SR-35", PoRegisterPowerSettingCallback(NULL, &NOBODYS_SETTING, changed, NULL, &other),
                 STATUS_SUCCESS);
    CHECK_EQ("SR-35", setting.calls, 1); /* it has no value */
    CHECK_STATUS("SR-35", PoUnregisterPowerSettingCallback(other), STATUS_SUCCESS);
    CHECK_STATUS("SR-35", PoUnregisterPowerSettingCallback(other), STATUS_INVALID_PARAMETER);
}

/* ---- power requests ---- */

static void requests(void)
{
    PVOID request = (PVOID)1;
    CHECK_STATUS("PW-18", PoCreatePowerRequest(&request, NULL, NULL), STATUS_INVALID_PARAMETER);
    CHECK("PW-18", request == NULL);
    CHECK_STATUS("PW-18", PoCreatePowerRequest(&request, device, NULL), STATUS_SUCCESS);
    CHECK_STATUS("PW-18", PoSetPowerRequest(request, PowerRequestDisplayRequired), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("PW-18", PoSetPowerRequest(request, PowerRequestSystemRequired), STATUS_SUCCESS);
    CHECK_STATUS("PW-18", PoClearPowerRequest(request, (POWER_REQUEST_TYPE)99), STATUS_NOT_SUPPORTED);
    CHECK_STATUS("PW-18", PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_SUCCESS);
    CHECK_STATUS("PW-18", PoClearPowerRequest(request, PowerRequestSystemRequired), STATUS_UNSUCCESSFUL);
    PoDeletePowerRequest(request);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    CHECK_STATUS("SR-35", PoUnregisterPowerSettingCallback(handle), STATUS_SUCCESS);
    IoDeleteDevice(device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING path)
{
    NTSTATUS status = IoCreateDevice(driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    driver->MajorFunction[IRP_MJ_POWER] = dispatch_power;
    driver->DriverUnload = unload;
    idles();
    keeps_busy();
    knows_settings();
    requests();
    return STATUS_SUCCESS;
}
