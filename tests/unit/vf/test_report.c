/* SPDX-License-Identifier: MIT */
/* Reports for made-up failures: each says what a reader needs, and nothing that differs between runs. */
#include <string.h>
#include "facts.h"
#include "nt/bugcodes.h"
#include "nt/status.h"

static void assert_says(const struct vf_report *report, const char *words)
{
    if (!strstr(report->text, words))
        fail_msg("'%s' is missing in:\n%s", words, report->text);
}

static void set_frames(unsigned count, ULONG64 a, ULONG64 b, ULONG64 c)
{
    test_frames[0] = a, test_frames[1] = b, test_frames[2] = c;
    test_frame_count = count;
}

static void null_at_dispatch(void **state)
{
    struct ke_thread thread = {.id = 7, .name = "worker"};
    struct ke_bugcheck_info info = {.code = DRIVER_IRQL_NOT_LESS_OR_EQUAL,
                                    .p = {0x10, DISPATCH_LEVEL, 1, BROKEN_BASE + 0x1234},
                                    .thread = &thread,
                                    .vp = 1,
                                    .irql = DISPATCH_LEVEL,
                                    .have_context = true};
    info.context.Rip = BROKEN_BASE + 0x1234;
    info.context.Rbx = 0x5555deadbeef;
    info.context.R12 = 42;
    set_frames(3, BROKEN_BASE + 0x1234, 0x555512345678, LOWER_BASE + 0x10);
    const struct vf_report *report = test_report(&info);
    assert_string_equal(
        report->text,
        "*** STOP 0x000000D1: DRIVER_IRQL_NOT_LESS_OR_EQUAL\n"
        "*** (0x0000000000000010, 0x0000000000000002, 0x0000000000000001, 0x0000200000401234)\n"
        "  what happened: the driver wrote to address 0x10 at IRQL 2 (DISPATCH_LEVEL), where a "
        "page fault cannot be resolved; so low an address comes from a NULL pointer\n"
        "  driver:        broken.sys, at broken.sys+.text+0x1234\n"
        "  where:         thread 7 (worker), virtual processor 1, IRQL 2 (DISPATCH_LEVEL)\n"
        "  parameters:\n"
        "    1  0x0000000000000010  the address that was referenced\n"
        "    2  0x0000000000000002  the IRQL\n"
        "    3  0x0000000000000001  the kind of access: 0 read, 1 write, 2 or 8 execute\n"
        "    4  0x0000200000401234  the instruction: broken.sys+.text+0x1234\n"
        "  stack:\n"
        "     0  broken.sys+.text+0x1234\n"
        "     1  (the runtime)\n"
        "     2  lower.sys+.text+0x10\n"
        "  registers:\n"
        "    rax 0x0000000000000000  rbx (the runtime's)     rcx 0x0000000000000000  rdx 0x0000000000000000\n"
        "    rsi 0x0000000000000000  rdi 0x0000000000000000  rbp 0x0000000000000000  rsp 0x0000000000000000\n"
        "    r8  0x0000000000000000  r9  0x0000000000000000  r10 0x0000000000000000  r11 0x0000000000000000\n"
        "    r12 0x000000000000002a  r13 0x0000000000000000  r14 0x0000000000000000  r15 0x0000000000000000\n"
        "    rip 0x0000200000401234  eflags 0x00000000\n");
    assert_string_equal(report->name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
    assert_false(report->verifier);
}

static void given_sentence_wins(void **state)
{
    struct ke_bugcheck_info info = {.code = KMODE_EXCEPTION_NOT_HANDLED,
                                    .p = {STATUS_ENTRYPOINT_NOT_FOUND, BROKEN_BASE + 4, 0, 0},
                                    .sentence = "the driver called ntoskrnl!IoFoo, which is not provided"};
    set_frames(1, BROKEN_BASE + 4, 0, 0);
    const struct vf_report *report = test_report(&info);
    assert_string_equal(report->sentence, info.sentence);
    assert_says(report, "what happened: the driver called ntoskrnl!IoFoo, which is not provided\n");
}

static void exception_by_name(void **state)
{
    struct ke_bugcheck_info info = {
        .code = SYSTEM_THREAD_EXCEPTION_NOT_HANDLED,
        .p = {(ULONG64)STATUS_ACCESS_VIOLATION, BROKEN_BASE + 8, 0x200000600000, 0},
        .exception = {.ExceptionCode = STATUS_ACCESS_VIOLATION,
                      .NumberParameters = 2,
                      .ExceptionAddress = (PVOID)(BROKEN_BASE + 8),
                      .ExceptionInformation = {1, 0x7000000}}};
    set_frames(0, 0, 0, 0);
    const struct vf_report *report = test_report(&info);
    assert_says(
        report,
        "nobody handled the exception STATUS_ACCESS_VIOLATION (0xC0000005): the driver wrote to address "
        "0x7000000");
    assert_says(report, "exception:     0xC0000005 STATUS_ACCESS_VIOLATION at broken.sys+.text+0x8\n");
}

/* Who stops the system may say why; the exception's own words follow. */
static void exception_with_a_sentence(void **state)
{
    struct ke_bugcheck_info info = {.code = SYSTEM_SERVICE_EXCEPTION,
                                    .p = {(ULONG)STATUS_INTEGER_DIVIDE_BY_ZERO, BROKEN_BASE, 0, 0},
                                    .sentence = "an exception in a request was not handled",
                                    .exception = {.ExceptionCode = STATUS_INTEGER_DIVIDE_BY_ZERO}};
    set_frames(0, 0, 0, 0);
    assert_says(test_report(&info),
                "an exception in a request was not handled: STATUS_INTEGER_DIVIDE_BY_ZERO (0xC0000094)");
}

static void irql_codes_without_a_fault(void **state)
{
    struct ke_bugcheck_info lower = {.code = IRQL_NOT_LESS_OR_EQUAL,
                                     .p = {DISPATCH_LEVEL, PASSIVE_LEVEL, 0, 0}};
    struct ke_bugcheck_info page = {.code = PAGE_FAULT_IN_NONPAGED_AREA,
                                    .p = {0xFFFF900000000000ull, 2, BROKEN_BASE, 0}};
    set_frames(0, 0, 0, 0);
    assert_says(test_report(&lower), "KeLowerIrql was asked for IRQL 2 at IRQL 0: it may not raise it");
    assert_says(test_report(&page),
                "the driver wrote to address 0xffff900000000000, where there is no memory");
}

/* Parameters that are addresses of the Linux process are words: they differ from run to run. */
static void no_host_addresses(void **state)
{
    struct ke_bugcheck_info info = {.code = IRQL_GT_ZERO_AT_SYSTEM_SERVICE,
                                    .p = {(uintptr_t)no_host_addresses, 2, 0, 0}};
    set_frames(1, (uintptr_t)no_host_addresses, 0, 0);
    const struct vf_report *report = test_report(&info);
    assert_says(report, "((inside the runtime), 0x0000000000000002,");
    assert_says(report,
                "a system service returned at IRQL 2 (DISPATCH_LEVEL), not at IRQL 0 (PASSIVE_LEVEL)");
    assert_null(strstr(report->text, "0x000055"));
    assert_null(strstr(report->text, "0x00007f"));
}

static void kinds_in_words(void **state)
{
    static const struct {
        ULONG code;
        ULONG64 kind;
        const char *words;
    } cases[] = {
        {BAD_POOL_CALLER, 0x7, "a driver freed a pool block that was freed before"},
        {BAD_POOL_CALLER, 0x41286, "in the middle of a block of paged pool"},
        {BAD_POOL_CALLER, 0x12345, "a driver made a bad pool request"},
        {KERNEL_SECURITY_CHECK_FAILURE, 3, "a LIST_ENTRY is corrupt"},
        {UNEXPECTED_KERNEL_MODE_TRAP, 8, "double fault"},
        {DRIVER_VERIFIER_DETECTED_VIOLATION, 0x2001F, "the driver breaks the rule IrqlZwPassive"},
        {DRIVER_VERIFIER_DETECTED_VIOLATION, 0x4000B, "the driver breaks the rule SpinlockRelease"},
        {DRIVER_VERIFIER_DETECTED_VIOLATION, 0x121, "wait at DISPATCH_LEVEL with NULL timeout"},
        {DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x12, "a dispatch routine returned at another IRQL"},
        {DRIVER_VERIFIER_IOMANAGER_VIOLATION, 0x224, "returned status differs from IoStatus.Status"},
        {IRQL_UNEXPECTED_VALUE, 0x20000,
         "a driver's routine returned at IRQL 2 (DISPATCH_LEVEL), not at IRQL 0 "},
        {BUGCODE_USB_DRIVER, 4, "already pending in a USB driver"},
        {ATTEMPTED_SWITCH_FROM_DPC, 0x200000600000, "a DPC routine waited"},
        {0xDEADBEEF, 1, "a driver stopped the system with the code 0xDEADBEEF"},
    };
    set_frames(0, 0, 0, 0);
    for (unsigned i = 0; i < countof(cases); i++) {
        struct ke_bugcheck_info info = {.code = cases[i].code, .p = {cases[i].kind, 0, 0, 0}};
        assert_says(test_report(&info), cases[i].words);
    }
}

/* Pointers to nothing, to foreign memory, to memory that is no object: words, no fault. */
static void garbage_pointers(void **state)
{
    static const ULONG64 garbage[] = {
        1, 0xFFFFFFFFFFFFFFFFull, 0x4141414141414141ull, 0x200000600000ull, 0x10000, 0x7FFEFFF8};
    set_frames(0, 0, 0, 0);
    for (unsigned i = 0; i < countof(garbage); i++) {
        struct ke_bugcheck_info info = {.code = MULTIPLE_IRP_COMPLETE_REQUESTS,
                                        .p = {garbage[i], 0, 0, 0},
                                        .irp = (void *)garbage[i],
                                        .device = (void *)garbage[i]};
        assert_says(test_report(&info), ", which is not an IRP\n");
        assert_says(test_report(&info), ", which is not a device object\n");
    }
    void *page = test_page();
    memset(page, 0x5A, 4096);
    struct ke_bugcheck_info info = {.code = MULTIPLE_IRP_COMPLETE_REQUESTS, .irp = page, .device = page};
    assert_says(test_report(&info), ", which is not an IRP\n");
    test_free_page(page);
}

static void irp_and_device(void **state)
{
    char *page = test_page();
    IRP *irp = (IRP *)page;
    IO_STACK_LOCATION *locations = (IO_STACK_LOCATION *)(irp + 1);
    DEVICE_OBJECT *device = (DEVICE_OBJECT *)(page + 1024);
    DRIVER_OBJECT *driver = (DRIVER_OBJECT *)(page + 2048);
    memcpy(page + 3072, u"\\Driver\\broken", 28);
    *driver = (DRIVER_OBJECT){.Type = IO_TYPE_DRIVER, .DriverName = {28, 28, (WCHAR *)(page + 3072)}};
    *device = (DEVICE_OBJECT){.Type = IO_TYPE_DEVICE, .DriverObject = driver};
    *irp = (IRP){.Type = IO_TYPE_IRP,
                 .Size = 0x160,
                 .StackCount = 2,
                 .CurrentLocation = 1,
                 .Cancel = TRUE,
                 .IoStatus = {.Status = STATUS_SUCCESS}};
    irp->Tail.Overlay.CurrentStackLocation = locations;
    locations->MajorFunction = IRP_MJ_READ;
    locations->DeviceObject = device;
    test_irp = irp;
    set_frames(0, 0, 0, 0);
    struct ke_bugcheck_info info = {.code = MULTIPLE_IRP_COMPLETE_REQUESTS, .irp = irp, .device = device};
    const struct vf_report *report = test_report(&info);
    assert_says(
        report,
        "  irp:           #4 IRP_MJ_READ at a device without a name (driver broken), location 1 of 2, "
        "STATUS_SUCCESS, canceled\n");
    assert_says(report, "  device:        a device without a name (driver broken)\n");
    struct ke_thread thread = {.id = 1, .request = {irp, device}}; /* nobody named them */
    struct ke_bugcheck_info unnamed = {.code = 0xE2, .thread = &thread};
    assert_says(test_report(&unnamed), "  irp:           #4 IRP_MJ_READ at");
    assert_says(test_report(&unnamed), "  device:        a device without a name (driver broken)\n");
    irp->Tail.Overlay.CurrentStackLocation = (IO_STACK_LOCATION *)(page + 7); /* misaligned */
    assert_says(test_report(&info), "  irp:           #4, location 1 of 2,");
    irp->Type = 0;
    assert_says(test_report(&info), "  irp:           #4, which was freed\n");
    test_irp = NULL;
    test_free_page(page);
}

static void verifier_title(void **state)
{
    struct ke_bugcheck_info info = {
        .code = DRIVER_VERIFIER_DETECTED_VIOLATION, .p = {0x2001F, 0, 0, 0}, .verifier = true};
    set_frames(0, 0, 0, 0);
    const struct vf_report *report = test_report(&info);
    assert_says(report, "*** VERIFIER STOP 0x000000C4: DRIVER_VERIFIER_DETECTED_VIOLATION\n");
    assert_true(report->verifier);
}

static void long_texts_are_cut(void **state)
{
    static char sentence[20000];
    memset(sentence, 'x', sizeof(sentence) - 1);
    struct ke_bugcheck_info info = {.code = 0xE2, .sentence = sentence};
    const struct vf_report *report = test_report(&info);
    assert_int_equal(strlen(report->sentence), 511);
    assert_true(strlen(report->text) < 16384);
}

int run_report_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_at_dispatch),
        cmocka_unit_test(given_sentence_wins),
        cmocka_unit_test(exception_by_name),
        cmocka_unit_test(exception_with_a_sentence),
        cmocka_unit_test(irql_codes_without_a_fault),
        cmocka_unit_test(no_host_addresses),
        cmocka_unit_test(kinds_in_words),
        cmocka_unit_test(garbage_pointers),
        cmocka_unit_test(irp_and_device),
        cmocka_unit_test(verifier_title),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
