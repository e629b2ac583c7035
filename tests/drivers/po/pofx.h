/* SPDX-License-Identifier: MIT */
/* What the DDK headers at hand lack of the power management framework: the device's three descriptions, and
 * the routines, found by name. */
#ifndef POFX_H
#define POFX_H

#include <ntddk.h>

#define PO_FX_FLAG_BLOCKING           1
#define PO_FX_FLAG_ASYNC_ONLY         2
#define PO_FX_COMPONENT_FLAG_F0_ON_DX 1ULL
#define PO_FX_UNKNOWN_POWER           0xFFFFFFFF
#define PO_FX_UNKNOWN_TIME            0xFFFFFFFFFFFFFFFFULL

typedef VOID(NTAPI *FX_COMPONENT)(PVOID Context, ULONG Component);
typedef VOID(NTAPI *FX_STATE)(PVOID Context, ULONG Component, ULONG State);
typedef VOID(NTAPI *FX_POWER)(PVOID Context);
typedef VOID(NTAPI *FX_DIRECTED)(PVOID Context, ULONG Flags);
typedef NTSTATUS(NTAPI *FX_CONTROL)(PVOID, LPCGUID, PVOID, SIZE_T, PVOID, SIZE_T, PSIZE_T);

#define FX_CALLBACKS                                                                                         \
    FX_COMPONENT ComponentActiveConditionCallback;                                                           \
    FX_COMPONENT ComponentIdleConditionCallback;                                                             \
    FX_STATE ComponentIdleStateCallback;                                                                     \
    FX_POWER DevicePowerRequiredCallback;                                                                    \
    FX_POWER DevicePowerNotRequiredCallback;                                                                 \
    FX_CONTROL PowerControlCallback;

typedef struct {
    ULONG Version;
    ULONG ComponentCount;
    FX_CALLBACKS
    PVOID DeviceContext;
    PO_FX_COMPONENT_V1 Components[1];
} PO_FX_DEVICE_V1;

typedef struct {
    ULONG Version;
    ULONGLONG Flags;
    FX_CALLBACKS
    PVOID DeviceContext;
    ULONG ComponentCount;
    PO_FX_COMPONENT_V2 Components[1];
} PO_FX_DEVICE_V2;

typedef struct {
    ULONG Version;
    ULONGLONG Flags;
    FX_CALLBACKS
    FX_DIRECTED DirectedPowerUpCallback;
    FX_DIRECTED DirectedPowerDownCallback;
    ULONG DirectedFxTimeoutInSeconds;
    PVOID DeviceContext;
    ULONG ComponentCount;
    PO_FX_COMPONENT_V2 Components[1];
} PO_FX_DEVICE_V3;

static struct {
    NTSTATUS(NTAPI *RegisterDevice)(PDEVICE_OBJECT, PVOID, POHANDLE *);
    VOID(NTAPI *UnregisterDevice)(POHANDLE);
    VOID(NTAPI *StartDevicePowerManagement)(POHANDLE);
    VOID(NTAPI *ActivateComponent)(POHANDLE, ULONG, ULONG);
    VOID(NTAPI *IdleComponent)(POHANDLE, ULONG, ULONG);
    VOID(NTAPI *CompleteIdleCondition)(POHANDLE, ULONG);
    VOID(NTAPI *CompleteIdleState)(POHANDLE, ULONG);
    VOID(NTAPI *CompleteDevicePowerNotRequired)(POHANDLE);
    VOID(NTAPI *ReportDevicePoweredOn)(POHANDLE);
    VOID(NTAPI *SetComponentLatency)(POHANDLE, ULONG, ULONGLONG);
    VOID(NTAPI *SetComponentResidency)(POHANDLE, ULONG, ULONGLONG);
    VOID(NTAPI *SetComponentWake)(POHANDLE, ULONG, BOOLEAN);
    VOID(NTAPI *SetDeviceIdleTimeout)(POHANDLE, ULONGLONG);
    NTSTATUS(NTAPI *PowerControl)(POHANDLE, LPCGUID, PVOID, SIZE_T, PVOID, SIZE_T, PSIZE_T);
    VOID(NTAPI *CompleteDirectedPowerDown)(POHANDLE);
} fx;

static BOOLEAN find_fx(void)
{
    static const PCWSTR names[] = {L"PoFxRegisterDevice",
                                   L"PoFxUnregisterDevice",
                                   L"PoFxStartDevicePowerManagement",
                                   L"PoFxActivateComponent",
                                   L"PoFxIdleComponent",
                                   L"PoFxCompleteIdleCondition",
                                   L"PoFxCompleteIdleState",
                                   L"PoFxCompleteDevicePowerNotRequired",
                                   L"PoFxReportDevicePoweredOn",
                                   L"PoFxSetComponentLatency",
                                   L"PoFxSetComponentResidency",
                                   L"PoFxSetComponentWake",
                                   L"PoFxSetDeviceIdleTimeout",
                                   L"PoFxPowerControl",
                                   L"PoFxCompleteDirectedPowerDown"};
    PVOID *to = (PVOID *)&fx;
    for (ULONG i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        UNICODE_STRING name;
        RtlInitUnicodeString(&name, names[i]);
        to[i] = MmGetSystemRoutineAddress(&name);
        if (!to[i])
            return FALSE;
    }
    return TRUE;
}

#endif
