/* SPDX-License-Identifier: MIT */
/*
 * Putting the machine together: its parts, and the table through which the
 * processor reaches them.
 */
#include "hal/dma.h"
#include "hal/internal.h"

static void connect_processor(void)
{
    machine_ops.port_read = hal_port_read;
    machine_ops.port_write = hal_port_write;
    machine_ops.interrupt = hal_software_interrupt;
    machine_ops.mmio_read = hal_mmio_read;
    machine_ops.mmio_write = hal_mmio_write;
    machine_ops.msr_read = hal_msr_read;
    machine_ops.msr_write = hal_msr_write;
    machine_ops.tsc = hal_tsc;
    machine_ops.halt = hal_halt;
    machine_ops.control_register_read = hal_control_register_read;
    machine_ops.control_register_write = hal_control_register_write;
}

/* IRQL: PASSIVE_LEVEL, before the first driver is loaded. */
NTSTATUS hal_init(void)
{
    NTSTATUS (*const parts[])(void) = {hal_processor_init, hal_ports_init, hal_cmos_init, hal_pci_init};
    NTSTATUS status = STATUS_SUCCESS;

    hal_interrupts_init();
    hal_timers_init();
    for (unsigned i = 0; i < countof(parts) && NT_SUCCESS(status); i++)
        status = parts[i]();
    if (!NT_SUCCESS(status))
        return status;
    hal_msr_init();
    hal_firmware_init();
    dma_init();
    connect_processor();
    return STATUS_SUCCESS;
}

void hal_fini(void)
{
    hal_cmos_fini();
    dma_fini();
    hal_pci_fini();
    hal_mmio_fini();
    hal_ports_fini();
    hal_processor_fini();
}
