/* SPDX-License-Identifier: MIT */
#include "executive.h"
#include "host/host.h"

static struct ps_thread boot_thread;

static NTSTATUS boot(void *arg)
{
    NTSTATUS (*const inits[])(void) = {ob_init, mm_section_init, se_init, ps_init, ex_init};
    NTSTATUS status = STATUS_SUCCESS;
    for (unsigned i = 0; i < countof(inits) && NT_SUCCESS(status); i++)
        status = inits[i]();
    return status;
}

static NTSTATUS stop_workers(void *arg)
{
    ex_fini();
    return STATUS_SUCCESS;
}

void executive_start(bool simulated, unsigned cpus)
{
    struct host_config host = {.simulated = simulated, .seed = 1, .cpus = cpus, .ram_bytes = 64 << 20};
    assert_status(host_init(&host), STATUS_SUCCESS);
    assert_status(hmem_init(64 << 20), STATUS_SUCCESS);
    assert_status(arch_init(), STATUS_SUCCESS);
    assert_status(ke_init(&(struct ke_config){.cpus = cpus, .quantum_ms = 10, .watchdog_s = 5}),
                  STATUS_SUCCESS);
    assert_status(mm_init(), STATUS_SUCCESS);
    memset(&boot_thread, 0, sizeof boot_thread);
    list_init(&boot_thread.irps);
    assert_status(mm_stack_create(&boot_thread.stack), STATUS_SUCCESS);
    ke_thread_init(&boot_thread.tcb, boot_thread.stack.low, boot_thread.stack.bytes, NULL, NULL, NULL);
    assert_status(ke_host_call(&boot_thread.tcb, boot, NULL, KernelMode), STATUS_SUCCESS);
    ke_host_detach(&boot_thread.tcb);
}

NTSTATUS executive_call(NTSTATUS (*fn)(void *))
{
    struct ps_thread *thread = ps_host_thread();
    assert_non_null(thread);
    NTSTATUS status = ke_host_call(&thread->tcb, fn, NULL, KernelMode);
    const struct ke_bugcheck_info *bugcheck = ke_bugcheck_happened();
    if (bugcheck != NULL)
        print_error("bug check %x: %llx %llx %llx %llx\n", bugcheck->code, (unsigned long long)bugcheck->p[0],
                    (unsigned long long)bugcheck->p[1], (unsigned long long)bugcheck->p[2],
                    (unsigned long long)bugcheck->p[3]);
    return status;
}

void executive_stop(void)
{
    executive_call(stop_workers);
    ke_fini();
    ps_fini();
    ob_fini();
    mm_fini();
    arch_fini();
    hmem_fini();
    host_fini();
}

void executive_sleep(unsigned ms)
{
    LARGE_INTEGER time = {.QuadPart = -10000ll * ms};
    KeDelayExecutionThread(KernelMode, FALSE, &time);
}
