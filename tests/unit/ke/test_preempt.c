/* SPDX-License-Identifier: MIT */
/*
 * Preemption of driver code: a loop in an image that calls nothing. Other
 * threads, DPCs and interrupts get their turn all the same, and if it never
 * ends the watchdog says where it is.
 */
#include "machine.h"
#include "host/memory.h"

static uint32_t flag;
static char *code;
static struct arch_image image;

/* loop: cmp dword [rcx], 0; je loop; ret */
static const UCHAR loop[] = {0x83, 0x39, 0x00, 0x74, 0xFB, 0xC3};

static void start(unsigned cpus)
{
    machine_start(false, 0, cpus);
    code = hmem_reserve(HMEM_IMAGE, 1, 1, 0);
    assert_non_null(code);
    assert_int_equal(hmem_commit(code, 1, HMEM_RX), STATUS_SUCCESS);
    memcpy(hmem_writable_alias(code), loop, sizeof loop);
    image = (struct arch_image){.base = (uintptr_t)code, .size = PAGE_SIZE};
    arch_image_add(&image);
    __atomic_store_n(&flag, 0, __ATOMIC_SEQ_CST);
}

static void stop(void)
{
    machine_stop(); /* stops what still runs in the image */
    arch_image_remove(&image);
}

static void spin_in_driver(void)
{
    ((void NTAPI (*)(uint32_t *))(uintptr_t)code)(&flag);
}

static void spin_in_thread(void *arg)
{
    (void)arg;
    spin_in_driver();
}

static void set_flag(void *arg)
{
    (void)arg;
    __atomic_store_n(&flag, 1, __ATOMIC_SEQ_CST);
}

/* ---- quantum end ---- */

static NTSTATUS spin_beside_another(void *arg)
{
    (void)arg;
    machine_thread(set_flag, NULL, 8); /* of the same priority: it runs when the quantum ends */
    spin_in_driver();
    return STATUS_SUCCESS;
}

static void a_quantum_ends_a_loop_in_a_driver(void **state)
{
    (void)state;
    start(1);
    assert_int_equal(machine_call(spin_beside_another, NULL), STATUS_SUCCESS);
    stop();
}

static NTSTATUS wait_beside_spinner(void *arg)
{
    LARGE_INTEGER pause = relative(MS);
    (void)arg;
    struct ke_thread *spinner = machine_thread(spin_in_thread, NULL, 8);
    KeDelayExecutionThread(KernelMode, FALSE, &pause); /* this pthread carries the spinner meanwhile */
    set_flag(NULL);
    machine_join(spinner);
    return STATUS_SUCCESS;
}

static void a_host_thread_comes_back_to_its_pthread(void **state)
{
    (void)state;
    for (unsigned cpus = 1; cpus <= 2; cpus++) {
        start(cpus);
        assert_int_equal(machine_call(wait_beside_spinner, NULL), STATUS_SUCCESS);
        stop();
    }
}

/* ---- timers, DPCs and interrupts into the loop ---- */

static void NTAPI set_flag_in_dpc(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    (void)dpc;
    (void)context;
    (void)argument1;
    (void)argument2;
    RL_ASSERT(KeGetCurrentIrql() == DISPATCH_LEVEL);
    set_flag(NULL);
}

static NTSTATUS spin_until_timer(void *arg)
{
    KTIMER timer;
    KDPC dpc;
    (void)arg;
    KeInitializeTimer(&timer);
    KeInitializeDpc(&dpc, set_flag_in_dpc, NULL);
    KeSetTimer(&timer, relative(2 * MS), &dpc);
    spin_in_driver();
    return STATUS_SUCCESS;
}

static void a_timers_dpc_interrupts_a_loop(void **state)
{
    (void)state;
    start(1);
    assert_int_equal(machine_call(spin_until_timer, NULL), STATUS_SUCCESS);
    stop();
}

static void interrupt(void *context)
{
    RL_ASSERT(KeGetCurrentIrql() == 5);
    set_flag(context);
}

static void raise_line(void *arg)
{
    (void)arg;
    ke_request_interrupt(~0ull, 5, 0, interrupt, NULL);
}

static NTSTATUS spin_at_dispatch(void *arg)
{
    KIRQL irql = KeRaiseIrqlToDpcLevel();
    host_thread **device = arg;
    *device = host_thread_create("device", raise_line, NULL);
    spin_in_driver();
    KeLowerIrql(irql);
    return STATUS_SUCCESS;
}

static void an_interrupt_reaches_a_loop_at_dispatch_level(void **state)
{
    host_thread *device = NULL;
    (void)state;
    start(1);
    assert_int_equal(machine_call(spin_at_dispatch, &device), STATUS_SUCCESS);
    host_thread_join(device);
    stop();
}

/* ---- the watchdog ---- */

static NTSTATUS spin_for_ever(void *arg)
{
    if (arg != NULL)
        KeRaiseIrqlToDpcLevel();
    spin_in_driver();
    return STATUS_SUCCESS;
}

static void the_watchdog_ends_a_loop_and_says_where(void **state)
{
    (void)state;
    for (intptr_t raised = 0; raised < 2; raised++) {
        start(1);
        assert_int_equal(machine_call(spin_for_ever, (void *)raised), STATUS_SYSTEM_SHUTDOWN);
        const struct ke_bugcheck_info *info = ke_bugcheck_happened();
        assert_int_equal(info->code, raised ? DPC_WATCHDOG_VIOLATION : THREAD_STUCK_IN_DEVICE_DRIVER);
        assert_in_range(info->raise_address, (uintptr_t)code, (uintptr_t)code + sizeof loop);
        stop();
    }
}

static NTSTATUS spin_for_ever_simulated(void *arg)
{
    (void)arg;
    spin_in_driver();
    return STATUS_SUCCESS;
}

static void the_watchdog_works_in_a_simulated_machine(void **state)
{
    (void)state;
    machine_start(true, 1, 2);
    code = hmem_reserve(HMEM_IMAGE, 1, 1, 0);
    hmem_commit(code, 1, HMEM_RX);
    memcpy(hmem_writable_alias(code), loop, sizeof loop);
    image = (struct arch_image){.base = (uintptr_t)code, .size = PAGE_SIZE};
    arch_image_add(&image);
    flag = 0;
    assert_int_equal(machine_call(spin_for_ever_simulated, NULL), STATUS_SYSTEM_SHUTDOWN);
    assert_int_equal(ke_bugcheck_happened()->code, THREAD_STUCK_IN_DEVICE_DRIVER);
    stop();
}

/* ---- a bug check freezes loops at any IRQL ---- */

static uint32_t spinning;

static void spin_raised(void *arg)
{
    KfRaiseIrql((KIRQL)(intptr_t)arg);
    __atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    spin_in_driver();
}

static NTSTATUS stop_spinners(void *arg)
{
    (void)arg;
    spinning = 0;
    machine_thread(spin_raised, (void *)DISPATCH_LEVEL, 8);
    machine_thread(spin_raised, (void *)HIGH_LEVEL, 8);
    while (__atomic_load_n(&spinning, __ATOMIC_SEQ_CST) < 2)
        KeStallExecutionProcessor(10);
    KeBugCheck(0x77);
}

static void a_bug_check_freezes_loops_at_any_irql(void **state)
{
    (void)state;
    start(3);
    assert_int_equal(machine_call(stop_spinners, NULL), STATUS_SYSTEM_SHUTDOWN);
    assert_int_equal(ke_bugcheck_happened()->code, 0x77);
    stop();
}

static NTSTATUS leave_a_spinner(void *arg)
{
    (void)arg;
    spinning = 0;
    machine_thread(spin_raised, (void *)PASSIVE_LEVEL, 8);
    while (__atomic_load_n(&spinning, __ATOMIC_SEQ_CST) < 1)
        KeStallExecutionProcessor(10);
    return STATUS_SUCCESS;
}

static void a_machine_ends_while_a_thread_spins(void **state)
{
    (void)state;
    start(2);
    assert_int_equal(machine_call(leave_a_spinner, NULL), STATUS_SUCCESS);
    stop();
}

const struct CMUnitTest preempt_tests[] = {
    cmocka_unit_test(a_quantum_ends_a_loop_in_a_driver),
    cmocka_unit_test(a_host_thread_comes_back_to_its_pthread),
    cmocka_unit_test(a_timers_dpc_interrupts_a_loop),
    cmocka_unit_test(an_interrupt_reaches_a_loop_at_dispatch_level),
    cmocka_unit_test(the_watchdog_ends_a_loop_and_says_where),
    cmocka_unit_test(the_watchdog_works_in_a_simulated_machine),
    cmocka_unit_test(a_bug_check_freezes_loops_at_any_irql),
    cmocka_unit_test(a_machine_ends_while_a_thread_spins),
    {0},
};
