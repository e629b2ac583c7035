/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping the machine: the layers from the bottom up, and down
 * again. What lies above ke is initialised on an NT stack, by a thread that
 * exists for that alone.
 */
#include <string.h>
#include "api/api.h"
#include "cm/cm.h"
#include "buses/pci.h"
#include "hal/hal.h"
#include "host/host.h"
#include "models/model.h"
#include "po/po.h"
#include "vf/vf.h"
#include "wmi/wmi.h"

static struct ps_thread boot_thread;
static enum { NOTHING, HOST, MEMORY, ARCH, DISPATCHER, EXECUTIVE } started; /* the highest part that did */

static NTSTATUS boot_executive(void *arg)
{
    NTSTATUS(*const inits[])
    (void) = {ob_init, mm_section_init, se_init, ps_init, cm_init, ex_init, hal_init, io_init};
    NTSTATUS (*const managers[])(void) = {pnp_init, po_init, wmi_init, pci_bus_init};
    NTSTATUS status = STATUS_SUCCESS;

    for (unsigned i = 0; i < countof(inits) && NT_SUCCESS(status); i++)
        status = inits[i]();
    host_hold_choices(true); /* what a seed means to drivers stays the same as the managers grow */
    for (unsigned i = 0; i < countof(managers) && NT_SUCCESS(status); i++)
        status = managers[i]();
    host_hold_choices(false);
    return status;
}

static NTSTATUS boot_on_nt_stack(void)
{
    struct mm_stack stack;
    NTSTATUS status = mm_stack_create(&stack);

    if (!NT_SUCCESS(status))
        return status;
    memset(&boot_thread, 0, sizeof(boot_thread));
    list_init(&boot_thread.irps);
    boot_thread.stack = stack;
    ke_thread_init(&boot_thread.tcb, stack.low, stack.bytes, NULL, NULL, NULL);
    boot_thread.tcb.name = "boot";
    status = ke_host_call(&boot_thread.tcb, boot_executive, NULL, KernelMode);
    ke_host_detach(&boot_thread.tcb);
    return status;
}

static unsigned cpus_of(const struct rgl_config *config)
{
    if (config->cpus != 0)
        return config->cpus;
    return config->simulated ? 1 : host_cpu_count();
}

static NTSTATUS start_special_pool(const struct rgl_config *config)
{
    const struct mm_special_config special = {.blocks =
                                                  config->special_pool_off ? 0 : config->special_pool_blocks,
                                              .underrun = config->special_pool_underrun};
    return mm_special_start(&special);
}

NTSTATUS api_boot(const struct rgl_config *config)
{
    struct host_config host = {.simulated = config->simulated,
                               .seed = config->seed,
                               .cpus = cpus_of(config),
                               .ram_bytes = config->ram_bytes,
                               .tick_signal = config->tick_signal};
    struct ke_config ke = {.cpus = host.cpus, .quantum_ms = 10, .watchdog_s = config->watchdog_seconds};
    NTSTATUS status = host_init(&host);

    ke.checked = config->verify != RGL_VERIFY_NONE || config->simulated;
    started = NT_SUCCESS(status) ? HOST : NOTHING;
    if (NT_SUCCESS(status) && NT_SUCCESS(status = hmem_init(host.ram_bytes)))
        started = MEMORY;
    if (NT_SUCCESS(status) && NT_SUCCESS(status = arch_init()))
        started = ARCH;
    if (NT_SUCCESS(status) && NT_SUCCESS(status = ke_init(&ke)))
        started = DISPATCHER;
    if (NT_SUCCESS(status) && NT_SUCCESS(status = mm_init()))
        started = EXECUTIVE;
    if (NT_SUCCESS(status) && config->verify != RGL_VERIFY_NONE)
        status = start_special_pool(config);
    if (NT_SUCCESS(status))
        status = boot_on_nt_stack();
    return status;
}

static void end_executive(void)
{
    wmi_fini();
    po_fini();
    pnp_fini();
    io_fini();
    hal_fini();
    ex_fini();
    cm_fini();
    ps_fini();
    ob_fini();
    ldr_fini();
    mm_fini();
}

void api_shutdown(void)
{
    if (started >= DISPATCHER)
        ke_fini();
    model_destroy_all();
    if (started >= EXECUTIVE)
        end_executive();
    if (started >= ARCH)
        arch_fini();
    if (started >= MEMORY)
        hmem_fini();
    if (started >= HOST)
        host_fini();
    started = NOTHING;
}
