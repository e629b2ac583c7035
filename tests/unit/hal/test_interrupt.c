/* SPDX-License-Identifier: MIT */
/*
 * What devices do to the machine: pins on shared lines, messages, time of their
 * own, RAM. The processors and the clock are the dispatcher's; there is no
 * driver, only services connected to vectors.
 */
#include "../ke/machine.h"
#include "hal/internal.h"
#include "host/memory.h"

static struct hal_pin pin, other;
static unsigned served;
static void (*in_service)(void);

static bool serve(void *context)
{
    served++;
    log_text("%s@%d ", (const char *)context, ke_irql());
    if (in_service != NULL)
        in_service();
    return true;
}

static void connect(ULONG line, bool latched, const char *name)
{
    struct hal_service service = {latched, ~0ull, serve, (void *)name};
    assert_int_equal(hal_vector_connect(hal_vector_of_line(line), &service), STATUS_SUCCESS);
}

static void start(bool simulated, unsigned cpus)
{
    machine_start(simulated, 7, cpus);
    hal_interrupts_init();
    hal_timers_init();
    served = 0;
    in_service = NULL;
    assert_int_equal(hal_add_pin(&pin, 4), STATUS_SUCCESS);
    assert_int_equal(hal_add_pin(&other, 4), STATUS_SUCCESS);
}

#define SIMULATED(name)                                                                                      \
    static NTSTATUS name##_body(void *unused_);                                                              \
    static void name(void **state_)                                                                          \
    {                                                                                                        \
        (void)state_;                                                                                        \
        start(true, 1);                                                                                      \
        assert_int_equal(machine_call(name##_body, NULL), STATUS_SUCCESS);                                   \
        machine_stop();                                                                                      \
    }                                                                                                        \
    static NTSTATUS name##_body(void *unused_)

static void set(struct hal_pin *which, bool up)
{
    hal_set_pin(which, up);
    ke_sched_point();
}

/* ---- lines ---- */

static void lower_both(void)
{
    if (served == 3) {
        hal_set_pin(&pin, false);
        hal_set_pin(&other, false);
    }
}

SIMULATED(a_level_interrupts_until_its_last_pin_is_down)
{
    in_service = lower_both;
    connect(4, false, "com");
    hal_set_pin(&pin, true);
    hal_set_pin(&other, true);
    assert_int_equal(served, 0); /* who sets a pin may hold a lock */
    ke_sched_point();
    assert_string_equal(machine_log, "com@6 com@6 com@6 ");
    return STATUS_SUCCESS;
}

SIMULATED(an_edge_interrupts_once)
{
    connect(4, true, "com");
    set(&pin, true);
    set(&pin, true);
    set(&other, true); /* the line is up already */
    assert_int_equal(served, 1);
    set(&pin, false);
    set(&pin, true); /* the other holds it up */
    assert_int_equal(served, 1);
    set(&other, false);
    set(&pin, false);
    set(&pin, true);
    assert_int_equal(served, 2);
    return STATUS_SUCCESS;
}

static void edge_again(void)
{
    if (served > 1)
        return;
    hal_set_pin(&pin, false);
    hal_set_pin(&pin, true);
    hal_set_pin(&pin, false);
    hal_set_pin(&pin, true);
    assert_int_equal(served, 1);
}

SIMULATED(edges_during_the_service_are_one_more_interrupt)
{
    in_service = edge_again;
    connect(4, true, "com");
    set(&pin, true);
    assert_int_equal(served, 2);
    return STATUS_SUCCESS;
}

SIMULATED(connecting_finds_a_level_and_loses_an_edge)
{
    set(&pin, true);
    connect(4, true, "latched");
    ke_sched_point();
    assert_int_equal(served, 0);
    in_service = lower_both;
    connect(4, false, "level");
    ke_sched_point();
    assert_string_equal(machine_log, "level@6 level@6 level@6 ");
    return STATUS_SUCCESS;
}

SIMULATED(lines_are_taken_by_priority_and_above_the_irql)
{
    KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
    connect(1, true, "keyboard");
    connect(3, true, "com2");
    connect(4, true, "com1");
    KfRaiseIrql(11);
    assert_int_equal(hal_pulse_line(4), STATUS_SUCCESS);
    assert_int_equal(hal_pulse_line(3), STATUS_SUCCESS);
    assert_int_equal(hal_pulse_line(1), STATUS_SUCCESS);
    ke_sched_point();
    assert_string_equal(machine_log, "");
    KeLowerIrql(7);
    assert_string_equal(machine_log, "keyboard@10 ");
    KeLowerIrql(irql);
    assert_string_equal(machine_log, "keyboard@10 com2@7 com1@6 ");
    return STATUS_SUCCESS;
}

SIMULATED(nobody_hears_a_line_without_a_service)
{
    assert_int_equal(hal_pulse_line(5), STATUS_INVALID_DEVICE_STATE);
    assert_int_equal(hal_pulse_line(HAL_LINES), STATUS_INVALID_PARAMETER);
    assert_int_equal(hal_add_pin(&(struct hal_pin){0}, HAL_LINES), STATUS_INVALID_PARAMETER);
    connect(4, true, "com");
    hal_vector_disconnect(hal_vector_of_line(4));
    set(&pin, true);
    assert_int_equal(served, 0);
    return STATUS_SUCCESS;
}

SIMULATED(a_request_that_lost_its_service_is_dropped)
{
    KIRQL irql = KfRaiseIrql(11);
    connect(4, true, "com");
    hal_set_pin(&pin, true);
    hal_vector_disconnect(hal_vector_of_line(4));
    KeLowerIrql(irql);
    assert_int_equal(served, 0);
    return STATUS_SUCCESS;
}

SIMULATED(a_removed_pin_lets_go_of_the_line)
{
    struct hal_pin gone;
    assert_int_equal(hal_add_pin(&gone, 4), STATUS_SUCCESS);
    connect(4, true, "com");
    set(&gone, true);
    hal_remove_pin(&gone);
    set(&pin, true);
    assert_int_equal(served, 2);
    return STATUS_SUCCESS;
}

static bool serve_later(void *context)
{
    served++;
    return false;
}

SIMULATED(a_service_may_end_later)
{
    ULONG vector = hal_vector_of_line(4);
    struct hal_service service = {false, ~0ull, serve_later, NULL};
    assert_int_equal(hal_vector_connect(vector, &service), STATUS_SUCCESS);
    set(&pin, true);
    assert_int_equal(served, 1);
    assert_true(hal_vector_is_busy(vector));
    hal_vector_end(vector);
    ke_sched_point();
    assert_int_equal(served, 2); /* it is still up */
    hal_set_pin(&pin, false);
    hal_vector_end(vector);
    ke_sched_point();
    assert_int_equal(served, 2);
    assert_false(hal_vector_is_busy(vector));
    return STATUS_SUCCESS;
}

SIMULATED(each_line_has_its_vector)
{
    for (ULONG line = 0; line < HAL_LINES; line++) {
        ULONG vector = hal_vector_of_line(line);
        assert_in_range(vector, HAL_VECTOR_FIRST, HAL_VECTOR_END - 1);
        assert_int_equal(hal_line_of_vector(vector), line);
    }
    assert_int_equal(hal_line_of_vector(HAL_VECTOR_FIRST), HAL_NO_LINE);
    assert_int_equal(hal_vector_of_line(HAL_LINES), 0);
    return STATUS_SUCCESS;
}

/* ---- messages ---- */

SIMULATED(a_message_names_its_vector)
{
    struct hal_service service = {true, ~0ull, serve, "msi"};
    assert_int_equal(hal_vector_connect(0x35, &service), STATUS_SUCCESS);
    hal_send_message(0xFEE00000, 0x4035);
    ke_sched_point();
    assert_string_equal(machine_log, "msi@3 ");
    hal_send_message(0xFEE01000, 0x135); /* to another processor, lowest priority: there is but one */
    hal_send_message(0xFED00000, 0x35);  /* not the controller */
    hal_send_message(0xFEE00000, 0x235); /* SMI */
    hal_send_message(0xFEE00000, 0x36);  /* nobody's */
    hal_send_message(0xFEE00000, 0x10);  /* an exception's */
    ke_sched_point();
    assert_int_equal(served, 2);
    assert_int_equal(hal_vector_connect(HAL_VECTOR_END, &service), STATUS_INVALID_PARAMETER);
    return STATUS_SUCCESS;
}

/* ---- time ---- */

static struct hal_timer timer, second;
static unsigned rounds;

static void tick(void *context)
{
    log_text("%s%llu ", (const char *)context, (unsigned long long)hal_now_ns() / 1000);
    if (--rounds > 0)
        hal_timer_start(&timer, 20000);
}

static void raise_pin(void *context)
{
    hal_set_pin(context, true);
}

static void lower_pin(void)
{
    hal_set_pin(&pin, false);
}

SIMULATED(virtual_time_runs_timers_when_it_passes_them)
{
    uint64_t now = hal_now_ns();
    host_advance(10000 - now / 100);
    hal_timer_init(&timer, tick, "t");
    hal_timer_init(&second, tick, "u");
    rounds = 3;
    hal_timer_start(&timer, 10000);
    hal_timer_start(&second, 500000);
    hal_timer_start(&second, 1000000); /* replaces the former time */
    KIRQL irql = KfRaiseIrql(HIGH_LEVEL);
    KeStallExecutionProcessor(100);
    assert_string_equal(machine_log, "t1010 t1030 t1050 ");
    KeLowerIrql(irql);
    hal_timer_stop(&second);
    KeStallExecutionProcessor(2000);
    assert_string_equal(machine_log, "t1010 t1030 t1050 ");
    return STATUS_SUCCESS;
}

/* The service runs when the device asks, in the middle of the stall. */
SIMULATED(a_stall_lets_interrupts_in)
{
    in_service = lower_pin;
    connect(4, false, "com");
    hal_timer_init(&timer, raise_pin, &pin);
    uint64_t begin = hal_now_ns();
    hal_timer_start(&timer, 50000);
    KIRQL irql = KfRaiseIrql(DISPATCH_LEVEL);
    KeStallExecutionProcessor(1000);
    KeLowerIrql(irql);
    assert_int_equal(served, 1);
    assert_in_range(hal_now_ns() - begin, 1000000, 1100000);
    return STATUS_SUCCESS;
}

SIMULATED(hlt_ends_with_an_interrupt_or_a_tick)
{
    in_service = lower_pin;
    connect(4, false, "com");
    hal_timer_init(&timer, raise_pin, &pin);
    uint64_t begin = hal_now_ns();
    hal_timer_start(&timer, 300000);
    hal_halt();
    assert_int_equal(served, 1);
    assert_in_range(hal_now_ns() - begin, 300000, 350000);
    begin = hal_now_ns();
    hal_halt();
    assert_in_range(hal_now_ns() - begin, 1000000, 1100000);
    return STATUS_SUCCESS;
}

static KEVENT event;

static void NTAPI wake(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2)
{
    KeSetEvent(&event, 0, FALSE);
}
static KDPC dpc;

static bool serve_by_dpc(void *context)
{
    lower_pin();
    served += 10;
    KeInsertQueueDpc(&dpc, NULL, NULL);
    return true;
}

static NTSTATUS wait_for_device(void *unused)
{
    struct hal_service service = {false, ~0ull, serve_by_dpc, NULL};
    LARGE_INTEGER limit = relative(10000 * MS);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    KeInitializeDpc(&dpc, wake, NULL);
    assert_int_equal(hal_vector_connect(hal_vector_of_line(4), &service), STATUS_SUCCESS);
    hal_timer_init(&timer, raise_pin, &pin);
    uint64_t begin = hal_now_ns();
    hal_timer_start(&timer, 2000000);
    assert_int_equal(
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, host_simulated() ? NULL : &limit),
        STATUS_SUCCESS);
    assert_in_range(hal_now_ns() - begin, 2000000, host_simulated() ? 2010000 : 2000000000);
    assert_int_equal(served, 10);
    return STATUS_SUCCESS;
}

/* Nothing is ready, and only the device will act. */
static void an_idle_machine_waits_for_a_device(void **state)
{
    for (int simulated = 0; simulated < 2; simulated++)
        for (unsigned cpus = 1; cpus <= 3; cpus += 2) {
            start(simulated, cpus);
            assert_int_equal(machine_call(wait_for_device, NULL), STATUS_SUCCESS);
            machine_stop();
        }
}

static uint32_t fired;

static void fire(void *context)
{
    struct hal_timer *mine = context;
    if (__atomic_add_fetch(&fired, 1, __ATOMIC_SEQ_CST) < 5)
        hal_timer_start(mine, 100000);
}

static void a_pthread_without_a_processor_keeps_time_and_interrupts(void **state)
{
    start(false, 2);
    fired = 0;
    in_service = lower_pin;
    connect(4, false, "com");
    hal_timer_init(&timer, fire, &timer);
    hal_timer_start(&timer, 1000);
    hal_set_pin(&pin, true);
    for (int i = 0; i < 5000 && (__atomic_load_n(&fired, __ATOMIC_SEQ_CST) < 5 || served == 0); i++) {
        uint32_t never = 0;
        host_futex_wait(&never, 0, 1000000);
    }
    hal_timer_stop(&timer);
    assert_int_equal(fired, 5);
    assert_int_equal(served, 1);
    machine_stop();
}

static uint32_t inside;

static void linger(void *context)
{
    uint32_t never = 0;
    __atomic_store_n(&inside, 1, __ATOMIC_SEQ_CST);
    host_futex_wait(&never, 0, 20000000);
    __atomic_store_n(&inside, 2, __ATOMIC_SEQ_CST);
}

static void stopping_waits_for_the_routine(void **state)
{
    start(false, 1);
    inside = 0;
    hal_timer_init(&timer, linger, NULL);
    hal_timer_start(&timer, 1000);
    while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) == 0)
        host_yield();
    hal_timer_stop(&timer);
    assert_int_equal(inside, 2);
    machine_stop();
}

/* ---- a line that nobody lowers ---- */

static bool serve_in_vain(void *context)
{
    ke_vp()->isr = serve_in_vain;
    return true;
}

static NTSTATUS storm_in_idle(void *unused)
{
    struct hal_service service = {false, ~0ull, serve_in_vain, NULL};
    assert_int_equal(hal_vector_connect(hal_vector_of_line(4), &service), STATUS_SUCCESS);
    hal_timer_init(&timer, raise_pin, &pin);
    hal_timer_start(&timer, 1000000);
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    return KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
}

static void the_watchdog_ends_a_storm(void **state)
{
    for (int simulated = 0; simulated < 2; simulated++) {
        start(simulated, 2);
        assert_int_equal(machine_call(storm_in_idle, NULL), STATUS_SYSTEM_SHUTDOWN);
        const struct ke_bugcheck_info *info = ke_bugcheck_happened();
        assert_int_equal(info->code, DPC_WATCHDOG_VIOLATION);
        assert_int_equal(info->raise_address, (uintptr_t)serve_in_vain);
        assert_non_null(strstr(info->sentence, "interrupt storm: vector 0x62"));
        machine_stop();
    }
}

/* ---- RAM ---- */

SIMULATED(a_bus_master_reaches_all_of_ram_and_nothing_else)
{
    uint64_t end = hmem_ram_bytes();
    char text[8] = "ringles";
    memcpy(hmem_physical(0x123456), text, 8);
    char back[8] = {0};
    assert_true(hal_memory_read(0x123456, back, 8));
    assert_string_equal(back, text);
    assert_true(hal_memory_write(PAGE_SIZE * 3 - 4, text, 8)); /* over a page's end */
    assert_memory_equal((char *)hmem_physical(PAGE_SIZE * 3 - 1) - 3, text, 8);
    assert_true(hal_memory_read(end - 8, back, 8));
    assert_false(hal_memory_read(end - 7, back, 8));
    assert_false(hal_memory_write(end, text, 1));
    assert_false(hal_memory_write(~0ull - 3, text, 8));
    return STATUS_SUCCESS;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_interrupts_until_its_last_pin_is_down),
        cmocka_unit_test(an_edge_interrupts_once),
        cmocka_unit_test(edges_during_the_service_are_one_more_interrupt),
        cmocka_unit_test(connecting_finds_a_level_and_loses_an_edge),
        cmocka_unit_test(lines_are_taken_by_priority_and_above_the_irql),
        cmocka_unit_test(nobody_hears_a_line_without_a_service),
        cmocka_unit_test(a_request_that_lost_its_service_is_dropped),
        cmocka_unit_test(a_removed_pin_lets_go_of_the_line),
        cmocka_unit_test(a_service_may_end_later),
        cmocka_unit_test(each_line_has_its_vector),
        cmocka_unit_test(a_message_names_its_vector),
        cmocka_unit_test(virtual_time_runs_timers_when_it_passes_them),
        cmocka_unit_test(a_stall_lets_interrupts_in),
        cmocka_unit_test(hlt_ends_with_an_interrupt_or_a_tick),
        cmocka_unit_test(an_idle_machine_waits_for_a_device),
        cmocka_unit_test(a_pthread_without_a_processor_keeps_time_and_interrupts),
        cmocka_unit_test(stopping_waits_for_the_routine),
        cmocka_unit_test(the_watchdog_ends_a_storm),
        cmocka_unit_test(a_bus_master_reaches_all_of_ram_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
