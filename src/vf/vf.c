/* SPDX-License-Identifier: MIT */
/*
 * The verifier's life, the report of the stop and the list of violations. The
 * report is written once, on the failing thread; readers are on the host side
 * and wait until it is whole.
 */
#include "vf/vf.h"
#include "base/lock.h"
#include "host/host.h"
#include "ke/held.h"
#include "vf/irps_left.h"
#include "vf/leaks.h"
#include "vf/seams.h"

#define VIOLATIONS_KEPT 16
#define REPORT_WAIT_NS  1000000
#define REPORT_TRIES    3000

static enum vf_level level;
static struct vf_report_storage stop_report;
static uint32_t stop_written; /* 1: whole. Also a futex */
static rl_lock violations_lock;
static struct vf_report_storage violations[VIOLATIONS_KEPT];
static unsigned violation_count;

static void stopped(const struct ke_bugcheck_info *info)
{
    vf_report_make(&stop_report, info);
    __atomic_store_n(&stop_written, 1, __ATOMIC_RELEASE);
    host_futex_wake(&stop_written, 64);
}

/* Unload returned. Nobody may call into the driver through these, so they have been removed. */
static void devices_left(PDRIVER_OBJECT driver, unsigned count)
{
    struct ke_bugcheck_info info = {
        .code = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
        .p = {0x200, (ULONG_PTR)driver->DriverUnload, (ULONG_PTR)driver, count},
        .sentence = "Unload returned and left device objects of the driver behind: IoDeleteDevice is missing",
        .verifier = true,
        .raise_address = (ULONG_PTR)driver->DriverUnload,
    };
    vf_record(&info);
}

static void driver_entered(PDRIVER_OBJECT driver)
{
    struct ke_bugcheck_info info = {
        .code = DRIVER_VERIFIER_IOMANAGER_VIOLATION,
        .p = {0x200, (ULONG_PTR)driver->DriverInit, (ULONG_PTR)driver, 0},
        .sentence = "DriverEntry of a WDM driver returned and had set no Unload routine",
        .verifier = true,
        .raise_address = (ULONG_PTR)driver->DriverInit,
    };
    /* REQ-05: without it the image can never go. */
    if (level >= VF_ALL && driver->DriverExtension->AddDevice != NULL && driver->DriverUnload == NULL)
        vf_record(&info);
}

static ULONG name_bad_address(ULONG64 address, bool write, ULONG64 rip)
{
    return mm_special_fault(address, rip);
}

void vf_start(enum vf_level wanted)
{
    level = wanted;
    __builtin_memset(&stop_report.report, 0, sizeof(stop_report.report));
    stop_written = 0;
    violation_count = 0;
    ke_bugcheck_ops.stopped = stopped;
    arch_ops.bad_address = name_bad_address;
    if (level >= VF_STANDARD) {
        io_ops.driver_entered = driver_entered;
        io_ops.devices_left = devices_left;
        io_ops.driver_gone = vf_driver_gone;
        io_ops.device_going = vf_device_going;
        io_ops.cancel_late = vf_cancel_late;
        ke_held_start(); /* without memory for it, what it keeps is not reported */
        vf_seams_start();
        vf_devices_start();
        vf_bogus_start();
    }
}

void vf_stop(void)
{
    vf_devices_stop();
    vf_seams_stop();
    io_ops.driver_entered = NULL;
    io_ops.devices_left = NULL;
    io_ops.driver_gone = NULL;
    io_ops.device_going = NULL;
    io_ops.cancel_late = NULL;
    ke_held_fini();
    arch_ops.bad_address = NULL;
    ke_bugcheck_ops.stopped = NULL;
}

bool vf_checks_all(void)
{
    return level >= VF_ALL;
}

bool vf_wants_gates(void)
{
    return level >= VF_STANDARD;
}

/* The failing thread writes while the host's calls return already. If it failed in the middle, what is there
 * must do. */
const struct vf_report *vf_bug_check(void)
{
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();
    if (info == NULL)
        return NULL;
    for (int i = 0; i < REPORT_TRIES && !__atomic_load_n(&stop_written, __ATOMIC_ACQUIRE); i++)
        host_futex_wait(&stop_written, 0, REPORT_WAIT_NS);
    if (stop_report.report.name == NULL) /* not even begun */
        vf_report_title(&stop_report, info);
    return &stop_report.report;
}

void vf_record(const struct ke_bugcheck_info *info)
{
    rl_lock_acquire(&violations_lock);
    if (violation_count < VIOLATIONS_KEPT)
        vf_report_make(&violations[violation_count], info);
    violation_count++;
    rl_lock_release(&violations_lock);
}

unsigned vf_violations(void)
{
    return MIN(violation_count, VIOLATIONS_KEPT);
}

const struct vf_report *vf_violation(unsigned index)
{
    return index < vf_violations() ? &violations[index].report : NULL;
}
