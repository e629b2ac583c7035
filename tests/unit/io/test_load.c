/* SPDX-License-Identifier: MIT */
/* Loading images by service key: what DriverEntry gets, what a failure undoes, what the key forbids or
 * demands. */
#include "io_test.h"
#include "../ldr/pe_builder.h"

#define SERVICE u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\probe"

static struct pe_builder pe;
static ULONG data_rva;

/* DriverEntry: keeps RegistryPath in .data, returns status. */
static void build(NTSTATUS status, bool with_entry)
{
    UCHAR code[] = {0x48, 0x89, 0x15, 0, 0, 0, 0, /* mov [rip + data], rdx */
                    0xB8, 0,    0,    0, 0,       /* mov eax, status */
                    0xC3};
    pe_begin(&pe);
    ULONG text = pe_section(&pe, ".text", PE_CODE, code, sizeof(code));
    data_rva = pe_section(&pe, ".data", PE_DATA, NULL, 16);
    LONG displacement = (LONG)(data_rva - (text + 7));
    __builtin_memcpy((char *)pe_at(&pe, text) + 3, &displacement, 4);
    __builtin_memcpy((char *)pe_at(&pe, text) + 8, &status, 4);
    pe.nt->OptionalHeader.AddressOfEntryPoint = with_entry ? text : 0;
}

static NTSTATUS load(struct io_load_result *result)
{
    struct io_load_request request = {.file_name = "probe.sys", .bytes = pe.bytes, .length = pe.length};
    return io_load_driver(&request, result);
}

static void set(const WCHAR *key, const WCHAR *name, ULONG value)
{
    CHECK_STATUS(cm_set_value(key, name, REG_DWORD, &value, sizeof(value)), STATUS_SUCCESS);
}

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    (void)driver;
    io_log("unload");
}

NT_TEST(load_and_unload)
{
    struct io_load_result result;
    PVOID block;
    size_t size;
    ULONG tag, type, value, length = sizeof(value);
    build(STATUS_SUCCESS, true);
    CHECK_STATUS(load(&result), STATUS_SUCCESS);
    CHECK(result.entry_ran && result.driver && io_find_driver("PROBE") == result.driver);
    ob_dereference(result.driver);
    CHECK(result.driver->DriverStart == io_driver_image(result.driver)->base);
    PVOID path = *(PVOID *)((char *)result.driver->DriverStart + data_rva);
    CHECK(path && !mm_pool_block_of(path, &block, &size, &tag)); /* SV-13: gone after DriverEntry */
    CHECK_STATUS(cm_query_value(SERVICE, u"Type", &type, &value, &length), STATUS_SUCCESS);
    CHECK(value == 1);
    CHECK_STATUS(load(&result), STATUS_IMAGE_ALREADY_LOADED);
    PDRIVER_OBJECT driver = io_find_driver("probe");
    ob_dereference(driver);
    driver->DriverUnload = unload;
    CHECK_STATUS(io_unload_driver(driver), STATUS_SUCCESS);
    CHECK(io_logged("unload") && !ldr_find_name("probe.sys") && !io_find_driver("probe")); /* LC-13 */
}

NT_TEST(failure_undoes_everything)
{
    struct io_load_result result;
    for (int i = 0; i < 2; i++) {
        build(STATUS_DEVICE_DOES_NOT_EXIST, true);
        CHECK_STATUS(load(&result), STATUS_DEVICE_DOES_NOT_EXIST);
        CHECK(result.entry_ran && !result.driver && !io_find_driver("probe") &&
              !ldr_find_name("probe.sys")); /* LC-06 */
    }
    build(STATUS_SUCCESS, false);
    CHECK_STATUS(load(&result), STATUS_INVALID_IMAGE_FORMAT); /* REQ-01 */
    CHECK(!result.entry_ran && !ldr_find_name("probe.sys"));
}

NT_TEST(what_the_key_forbids)
{
    struct io_load_result result;
    build(STATUS_SUCCESS, true);
    set(SERVICE, u"Start", 4);
    CHECK_STATUS(load(&result), STATUS_PLUGPLAY_NO_DEVICE); /* SV-02 */
    set(SERVICE, u"Start", 3);
    set(SERVICE, u"Type", 0x10);
    CHECK_STATUS(load(&result), STATUS_DRIVER_UNABLE_TO_LOAD); /* SV-01 */
    set(SERVICE, u"Type", 2);
    CHECK_STATUS(load(&result), STATUS_SUCCESS);
    UNICODE_STRING name = io_string(u"\\FileSystem\\probe"); /* SV-14 */
    CHECK(RtlEqualUnicodeString(&result.driver->DriverName, &name, FALSE));
}

static const void *open_good(const WCHAR *path, size_t *length)
{
    io_log("%s", path[1] == 'G' ? "good" : "other");
    build(STATUS_SUCCESS, true);
    *length = pe.length;
    return pe.bytes;
}

/* SV-03: with the configuration that worked last. */
NT_TEST(last_known_good)
{
    static const WCHAR image[] = u"\\Good\\probe.sys";
    const WCHAR *good = u"\\Registry\\Machine\\System\\LastKnownGood\\Services\\probe";
    struct io_load_result result;
    set(SERVICE, u"Start", 1);
    set(SERVICE, u"ErrorControl", 2);
    CHECK_STATUS(cm_set_value(good, u"ImagePath", REG_EXPAND_SZ, image, sizeof(image)), STATUS_SUCCESS);
    io_ops.open_image = open_good;
    build(STATUS_UNSUCCESSFUL, true);
    CHECK_STATUS(load(&result), STATUS_SUCCESS);
    CHECK(io_logged("good") && result.error_control == 2);
    io_ops.open_image = NULL;
}

static WCHAR asked_path[128];
static const void *open_asked(const WCHAR *path, size_t *length)
{
    __builtin_memcpy(asked_path, path, MIN(sizeof(asked_path), (rtl_wcslen(path) + 1) * sizeof(WCHAR)));
    build(STATUS_SUCCESS, true);
    *length = pe.length;
    return pe.bytes;
}

/* SV-14: a key without ImagePath. */
NT_TEST(default_image_path)
{
    UNICODE_STRING key = io_string(SERVICE),
                   wanted = io_string(u"\\SystemRoot\\System32\\drivers\\probe.sys"), asked;
    set(SERVICE, u"Type", 1);
    io_ops.open_image = open_asked;
    CHECK_STATUS(ZW_CALL(NtLoadDriver(&key)), STATUS_SUCCESS);
    asked = io_string(asked_path);
    CHECK(RtlEqualUnicodeString(&asked, &wanted, FALSE));
    CHECK_STATUS(ZW_CALL(NtLoadDriver(&key)), STATUS_IMAGE_ALREADY_LOADED);
    CHECK_STATUS(ZW_CALL(NtUnloadDriver(&key)), STATUS_INVALID_DEVICE_REQUEST);
    io_ops.open_image = NULL;
}

NT_TEST(severe_goes_on)
{
    struct io_load_result result;
    set(SERVICE, u"Start", 1);
    set(SERVICE, u"ErrorControl", 2);
    build(STATUS_UNSUCCESSFUL, true);
    CHECK_STATUS(load(&result), STATUS_UNSUCCESSFUL);
    set(SERVICE, u"Start", 3); /* not part of the start of the system */
    set(SERVICE, u"ErrorControl", 3);
    CHECK_STATUS(load(&result), STATUS_UNSUCCESSFUL);
}

NT_BUGCHECK_TEST(critical_does_not, CRITICAL_SERVICE_FAILED)
{
    struct io_load_result result;
    set(SERVICE, u"Start", 1);
    set(SERVICE, u"ErrorControl", 3);
    build(STATUS_UNSUCCESSFUL, true);
    load(&result);
}

int run_load_tests(void)
{
    const struct CMUnitTest tests[] = {
        IO_TEST(load_and_unload),      IO_TEST(failure_undoes_everything),
        IO_TEST(what_the_key_forbids), IO_TEST(last_known_good),
        IO_TEST(severe_goes_on),       IO_TEST(default_image_path),
        IO_TEST(critical_does_not),
    };
    return cmocka_run_group_tests_name("io: loading", tests, NULL, NULL);
}
