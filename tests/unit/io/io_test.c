/* SPDX-License-Identifier: MIT */
#include "io_test.h"
#include "arch/machine.h"

#include <stdio.h>
#include <string.h>

unsigned io_test_failures;
static char log_text[2048];
static struct ps_thread boot_thread;

void io_test_failed(const char *what, const char *file, int line, ULONG64 got)
{
    io_test_failures++;
    char text[256];
    int length = host_snprintf(text, sizeof(text), "%s:%d: %s (got %llx)\n", file, line, what,
                               (unsigned long long)got);
    host_write(2, text, (size_t)length);
}

void io_log(const char *format, ...)
{
    size_t at = strlen(log_text);
    va_list arguments;
    va_start(arguments, format);
    if (at)
        log_text[at++] = ' ';
    vsnprintf(log_text + at, sizeof(log_text) - at, format, arguments);
    va_end(arguments);
}

bool io_logged(const char *text)
{
    bool same = strcmp(log_text, text) == 0;
    if (!same)
        fprintf(stderr, "log: %s\nnot: %s\n", log_text, text);
    log_text[0] = 0;
    return same;
}

static NTSTATUS boot(void *arg)
{
    NTSTATUS (*const inits[])(void) = {ob_init, se_init, ps_init, cm_init, ex_init, io_init};
    NTSTATUS status = STATUS_SUCCESS;
    (void)arg;
    for (size_t i = 0; i < countof(inits) && NT_SUCCESS(status); i++)
        status = inits[i]();
    return status;
}

static void start(void)
{
    struct host_config host = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 64 << 20};
    struct ke_config ke = {.cpus = 1, .quantum_ms = 10, .watchdog_s = 10};
    struct mm_stack stack;
    io_test_failures = 0;
    log_text[0] = 0;
    assert_int_equal(host_init(&host), STATUS_SUCCESS);
    assert_int_equal(hmem_init(host.ram_bytes), STATUS_SUCCESS);
    assert_int_equal(arch_init(), STATUS_SUCCESS);
    assert_int_equal(ke_init(&ke), STATUS_SUCCESS);
    assert_int_equal(mm_init(), STATUS_SUCCESS);
    assert_int_equal(mm_stack_create(&stack), STATUS_SUCCESS);
    memset(&boot_thread, 0, sizeof(boot_thread));
    list_init(&boot_thread.irps);
    boot_thread.stack = stack;
    ke_thread_init(&boot_thread.tcb, stack.low, stack.bytes, NULL, NULL, NULL);
    assert_int_equal(ke_host_call(&boot_thread.tcb, boot, NULL, KernelMode), STATUS_SUCCESS);
    ke_host_detach(&boot_thread.tcb);
}

static void stop(void)
{
    ps_host_thread_detach();
    ke_fini();
    io_fini();
    ex_fini();
    cm_fini();
    ps_fini();
    ob_fini();
    ldr_fini();
    mm_fini();
    arch_fini();
    hmem_fini();
    host_fini();
}

static NTSTATUS call_body(void *body)
{
    ((void (*)(void))body)();
    return STATUS_SUCCESS;
}

void io_test_run(void (*body)(void))
{
    start();
    NTSTATUS status = ke_host_call(&ps_host_thread()->tcb, call_body, (void *)body, UserMode);
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();
    if (info)
        fail_msg("bug check %x: %s", info->code, info->sentence ? info->sentence : "");
    stop();
    assert_int_equal(status, STATUS_SUCCESS);
    assert_int_equal(io_test_failures, 0);
}

void io_test_bugcheck(void (*body)(void), ULONG code)
{
    start();
    ke_host_call(&ps_host_thread()->tcb, call_body, (void *)body, UserMode);
    const struct ke_bugcheck_info *info = ke_bugcheck_happened();
    assert_non_null(info);
    ULONG happened = info->code;
    stop();
    assert_int_equal(happened, code);
    assert_int_equal(io_test_failures, 0);
}

UNICODE_STRING io_string(const WCHAR *text)
{
    UNICODE_STRING string;
    rtl_init_string(&string, text);
    return string;
}

PDRIVER_OBJECT io_test_driver(const char *service)
{
    struct io_driver *driver = NULL;
    CHECK_STATUS(io_driver_create(service, false, NULL, NULL, &driver), STATUS_SUCCESS);
    return &driver->public;
}

PDEVICE_OBJECT io_test_device(PDRIVER_OBJECT driver, const WCHAR *name, ULONG flags)
{
    PDEVICE_OBJECT device = NULL;
    UNICODE_STRING string = name ? io_string(name) : (UNICODE_STRING){0};
    CHECK_STATUS(IoCreateDevice(driver, 64, name ? &string : NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
                 STATUS_SUCCESS);
    device->Flags |= flags;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return device;
}

NTSTATUS io_test_open(const WCHAR *name, ULONG options, HANDLE *handle)
{
    UNICODE_STRING *string = io_user(PAGE_SIZE);
    OBJECT_ATTRIBUTES *attributes = (OBJECT_ATTRIBUTES *)(string + 1);
    IO_STATUS_BLOCK *iosb = (IO_STATUS_BLOCK *)(attributes + 1);
    HANDLE *to = (HANDLE *)(iosb + 1);
    WCHAR *text = (WCHAR *)(to + 1);
    memcpy(text, name, (rtl_wcslen(name) + 1) * sizeof(WCHAR));
    rtl_init_string(string, text);
    InitializeObjectAttributes(attributes, string, OBJ_CASE_INSENSITIVE, NULL, NULL);
    NTSTATUS status = NtCreateFile(to, GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE, attributes, iosb, NULL, 0,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, options, NULL, 0);
    *handle = *to;
    return status;
}

void *io_user(size_t bytes)
{
    void *p = mm_user_allocate(bytes, HMEM_RW);
    CHECK(p != NULL);
    return p;
}
