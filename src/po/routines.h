/* SPDX-License-Identifier: MIT */
/*
 * Prototypes of the routines that po exports to drivers. Their contracts are
 * at their definitions.
 */
#ifndef PO_ROUTINES_H
#define PO_ROUTINES_H

#include "nt/nt.h"

/* request.c, call.c, state.c */
NTSTATUS NTAPI PoRequestPowerIrp(PDEVICE_OBJECT DeviceObject, UCHAR MinorFunction, POWER_STATE PowerState,
                                 PREQUEST_POWER_COMPLETE CompletionFunction, PVOID Context, PIRP *Irp);
NTSTATUS NTAPI PoCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
VOID NTAPI PoStartNextPowerIrp(PIRP Irp);
POWER_STATE NTAPI PoSetPowerState(PDEVICE_OBJECT DeviceObject, POWER_STATE_TYPE Type, POWER_STATE State);
BOOLEAN NTAPI PoQueryWatchdogTime(PDEVICE_OBJECT Pdo, PULONG SecondsRemaining);

/* wake.c */
VOID NTAPI PoSetSystemWake(PIRP Irp);
BOOLEAN NTAPI PoGetSystemWake(PIRP Irp);
VOID NTAPI PoSetSystemWakeDevice(PDEVICE_OBJECT DeviceObject);

/* idle.c */
PULONG NTAPI PoRegisterDeviceForIdleDetection(PDEVICE_OBJECT DeviceObject, ULONG ConservationIdleTime,
                                              ULONG PerformanceIdleTime, DEVICE_POWER_STATE State);
VOID NTAPI PoSetDeviceBusyEx(PULONG IdlePointer);
VOID NTAPI PoStartDeviceBusy(PULONG IdlePointer);
VOID NTAPI PoEndDeviceBusy(PULONG IdlePointer);

/* busy.c */
PVOID NTAPI PoRegisterSystemState(PVOID StateHandle, EXECUTION_STATE Flags);
VOID NTAPI PoSetSystemState(EXECUTION_STATE Flags);
VOID NTAPI PoUnregisterSystemState(PVOID StateHandle);
NTSTATUS NTAPI PoCreatePowerRequest(PVOID *PowerRequest, PDEVICE_OBJECT DeviceObject,
                                    PCOUNTED_REASON_CONTEXT Context);
NTSTATUS NTAPI PoSetPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type);
NTSTATUS NTAPI PoClearPowerRequest(PVOID PowerRequest, POWER_REQUEST_TYPE Type);
VOID NTAPI PoDeletePowerRequest(PVOID PowerRequest);

/* setting.c */
NTSTATUS NTAPI PoRegisterPowerSettingCallback(PDEVICE_OBJECT DeviceObject, LPCGUID SettingGuid,
                                              PPOWER_SETTING_CALLBACK Callback, PVOID Context, PVOID *Handle);
NTSTATUS NTAPI PoUnregisterPowerSettingCallback(PVOID Handle);

/* fx_*.c */
NTSTATUS NTAPI PoFxRegisterDevice(PDEVICE_OBJECT Pdo, PPO_FX_DEVICE_V1 Device, POHANDLE *Handle);
VOID NTAPI PoFxStartDevicePowerManagement(POHANDLE Handle);
VOID NTAPI PoFxUnregisterDevice(POHANDLE Handle);
VOID NTAPI PoFxActivateComponent(POHANDLE Handle, ULONG Component, ULONG Flags);
VOID NTAPI PoFxIdleComponent(POHANDLE Handle, ULONG Component, ULONG Flags);
VOID NTAPI PoFxCompleteIdleCondition(POHANDLE Handle, ULONG Component);
VOID NTAPI PoFxCompleteIdleState(POHANDLE Handle, ULONG Component);
VOID NTAPI PoFxCompleteDevicePowerNotRequired(POHANDLE Handle);
VOID NTAPI PoFxReportDevicePoweredOn(POHANDLE Handle);
VOID NTAPI PoFxSetComponentLatency(POHANDLE Handle, ULONG Component, ULONGLONG Latency);
VOID NTAPI PoFxSetComponentResidency(POHANDLE Handle, ULONG Component, ULONGLONG Residency);
VOID NTAPI PoFxSetComponentWake(POHANDLE Handle, ULONG Component, BOOLEAN WakeHint);
VOID NTAPI PoFxSetDeviceIdleTimeout(POHANDLE Handle, ULONGLONG IdleTimeout);
NTSTATUS NTAPI PoFxPowerControl(POHANDLE Handle, LPCGUID PowerControlCode, PVOID InBuffer,
                                SIZE_T InBufferSize, PVOID OutBuffer, SIZE_T OutBufferSize,
                                PSIZE_T BytesReturned);
VOID NTAPI PoFxNotifySurprisePowerOn(PDEVICE_OBJECT Pdo);
VOID NTAPI PoFxCompleteDirectedPowerDown(POHANDLE Handle);

#endif
