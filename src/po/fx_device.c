/* SPDX-License-Identifier: MIT */
/* The device of the power management framework: when management starts, whether the device needs power, and
 * the directed transitions. */
#include "po/fx.h"

/*
 * The components go idle, except those that were activated since the registration; callbacks may come before
 * it returns. IRQL: PASSIVE_LEVEL. Rules: FX-02, FX-03.
 */
EXPORT(ntoskrnl, PoFxStartDevicePowerManagement, PASSIVE_LEVEL, PASSIVE_LEVEL, X_CALLS_DRIVER | X_BLOCKS)
VOID NTAPI PoFxStartDevicePowerManagement(POHANDLE Handle)
{
    struct po_fx *fx = fx_of(Handle);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    bool first = !fx->started;
    fx->started = true;
    for (ULONG i = 0; i < fx->count && first; i++)
        /* FX-02: the registration's own activation ends. */
        fx_drop_reference(fx, i);
    KeReleaseSpinLock(&fx->lock, irql);
    /* FX-03: at once. */
    fx_run(fx);
}

/*
 * The answer to DevicePowerNotRequiredCallback, in it or later. Bug check 0xA0/613 when nobody asked.
 * IRQL: <= DISPATCH_LEVEL. Rules: FX-08.
 */
EXPORT(ntoskrnl, PoFxCompleteDevicePowerNotRequired, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxCompleteDevicePowerNotRequired(POHANDLE Handle)
{
    struct po_fx *fx = fx_of(Handle);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    if (fx->power != FX_ASKED_OFF)
        fx_fatal(0x613, fx, 0, 0,
                 "PoFxCompleteDevicePowerNotRequired was called without DevicePowerNotRequiredCallback");
    /* FX-08: whatever became of the device's Dx. */
    fx->power = FX_NOT_REQUIRED;
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
}

/*
 * The answer to DevicePowerRequiredCallback, to an S0 IRP and to DirectedPowerUpCallback: the device is in
 * D0. Bug check 0xA0/613 when nobody asked. IRQL: <= DISPATCH_LEVEL. Rules: FX-09.
 */
EXPORT(ntoskrnl, PoFxReportDevicePoweredOn, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxReportDevicePoweredOn(POHANDLE Handle)
{
    struct po_fx *fx = fx_of(Handle);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    if (fx->power != FX_ASKED_ON && !fx->may_report && !fx->directed_up)
        fx_fatal(0x613, fx, 0, 1, "PoFxReportDevicePoweredOn was called, but nobody had asked for power");
    fx->may_report = fx->directed_up = false;
    if (fx->power == FX_ASKED_ON || fx->power == FX_NOT_REQUIRED)
        /* FX-09: components that wait for power go on. */
        fx->power = FX_REQUIRED;
    fx->timed_out = false;
    fx_reported_locked(fx);
    fx_changed_locked(fx);
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
}

/* A bus driver switched the device on beside another: what is known of its F-states is looked at again, as
 * far as it is registered. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxNotifySurprisePowerOn, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
VOID NTAPI PoFxNotifySurprisePowerOn(PDEVICE_OBJECT Pdo)
{
    struct po_fx *fx = fx_of_stack(Pdo);
    if (!fx)
        return;
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    for (ULONG i = 0; i < fx->count; i++)
        if (!fx->component[i].changing)
            fx->component[i].f_state = 0; /* all of it came up */
    if (fx->power == FX_NOT_REQUIRED)
        fx->power = FX_REQUIRED;
    KeReleaseSpinLock(&fx->lock, irql);
    fx_run(fx);
    fx_dereference(fx);
}

/* How long the device stays on when all of its components are idle, in 100 ns. IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxSetDeviceIdleTimeout, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI PoFxSetDeviceIdleTimeout(POHANDLE Handle, ULONGLONG IdleTimeout)
{
    struct po_fx *fx = fx_of(Handle);
    KIRQL irql = KeAcquireSpinLockRaiseToDpc(&fx->lock);
    fx->idle_timeout = IdleTimeout;
    KeReleaseSpinLock(&fx->lock, irql);
}

/* Requests to the platform's power engine plug-in. This one has none, so it supports no device's.
 * IRQL: <= DISPATCH_LEVEL. */
EXPORT(ntoskrnl, PoFxPowerControl, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
NTSTATUS NTAPI PoFxPowerControl(POHANDLE Handle, LPCGUID PowerControlCode, PVOID InBuffer,
                                SIZE_T InBufferSize, PVOID OutBuffer, SIZE_T OutBufferSize,
                                PSIZE_T BytesReturned)
{
    if (BytesReturned)
        *BytesReturned = 0;
    return STATUS_NOT_SUPPORTED;
}
