/* SPDX-License-Identifier: MIT */
/*
 * Images in memory: placed, relocated, bound, protected, named, discarded and
 * given back.
 */
#include "ldr_test.h"
#include "pe_builder.h"
#include "ldr/image.h"
#include "nt/ldr.h"

#include <string.h>

static struct pe_builder pe;
static struct ldr_load_options options = {.name = "sample.sys"};
static struct ldr_error error;
static ULONG text, data, slots;

extern LIST_ENTRY PsLoadedModuleList;

EXPORT_DATA(ntoskrnl, LdrTestVariable)
extern int LdrTestVariable;
int LdrTestVariable = 77;

static const UCHAR code[] = {0xB8, 0x2A, 0,    0,    0,    0xC3, 0xCC, 0xCC,
                             0x48, 0x8D, 0x05, 0xF1, 0xFF, 0xFF, 0xFF, 0xC3};

static void build(void)
{
    static const char *const imports[] = {"LdrTestPlain", "LdrTestVariable", "NobodyHasThis", "#9", NULL};
    static const char *const exports[] = {"First", "Second", NULL};
    ULONG rvas[2], fixups[2];
    ULONGLONG pointers[2];

    pe_begin(&pe);
    text = pe_section(&pe, ".text", PE_CODE, code, sizeof(code));
    pointers[0] = PE_BASE + text;
    pointers[1] = PE_BASE + text + 8;
    data = pe_section(&pe, ".data", PE_DATA, pointers, sizeof(pointers));
    pe_header(&pe, 1)->Misc.VirtualSize = 0x1800; /* the rest is zeros */
    pe.next_rva = pe.nt->OptionalHeader.SizeOfImage = data + 0x2000;
    pe_section(&pe, "INIT", PE_CODE | IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_DISCARDABLE, code, sizeof(code));
    slots = pe_imports(&pe, "ntoskrnl.exe", imports);
    rvas[0] = text;
    rvas[1] = text + 8;
    pe_exports(&pe, "sample.sys", exports, rvas);
    fixups[0] = data;
    fixups[1] = data + 8;
    pe_fixups(&pe, fixups, 2);
    pe.nt->OptionalHeader.AddressOfEntryPoint = text;
}

static struct ldr_image *load(void)
{
    return ldr_load(pe.bytes, pe.length, &options, &error);
}

static void *in(struct ldr_image *image, ULONG rva)
{
    return (char *)image->base + rva;
}

static ULONGLONG quad(struct ldr_image *image, ULONG rva)
{
    ULONGLONG value;

    memcpy(&value, in(image, rva), sizeof(value));
    return value;
}

static void pages_are_placed_and_protected(void **state)
{
    struct ldr_image *image;

    build();
    image = load();
    assert_non_null(image);
    assert_true(hmem_is_system(image->base));
    assert_int_equal(image->size, pe.nt->OptionalHeader.SizeOfImage);
    assert_ptr_equal(image->entry, in(image, text));
    assert_ptr_equal(image->preferred_base, (void *)PE_BASE);
    assert_int_equal(hmem_protection_of(in(image, 0)), HMEM_R);
    assert_int_equal(hmem_protection_of(in(image, text)), HMEM_RX);
    assert_int_equal(hmem_protection_of(in(image, data)), HMEM_RW);
    assert_int_equal(hmem_protection_of(in(image, data + 0x1000)), HMEM_RW);
    assert_int_equal(hmem_protection_of(in(image, data + 0x2000)), HMEM_RWX); /* INIT, as its file asks */
    assert_int_equal(((int (*)(void))image->entry)(), 42);
    assert_int_equal(quad(image, data + 0x17F8), 0);
    ldr_unload(image);
}

static void fixups_are_applied(void **state)
{
    struct ldr_image *image;

    build();
    image = load();
    assert_int_equal(quad(image, data), (uintptr_t)in(image, text));
    assert_int_equal(quad(image, data + 8), (uintptr_t)in(image, text + 8));
    ldr_unload(image);
}

static void an_image_without_fixups_goes_anywhere(void **state)
{
    struct ldr_image *image;

    build();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_BASERELOC, 0, 0);
    image = load();
    assert_non_null(image);
    assert_true(hmem_is_system(image->base));
    assert_int_equal(quad(image, data), PE_BASE + text); /* as it is in the file */
    ldr_unload(image);
}

static void a_stripped_image_goes_to_its_base_or_nowhere(void **state)
{
    struct ldr_image *image;

    build();
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_BASERELOC, 0, 0);
    pe.nt->FileHeader.Characteristics |= IMAGE_FILE_RELOCS_STRIPPED;
    pe.nt->OptionalHeader.ImageBase = 0x310000000000; /* free under a sanitizer too */
    image = load();
    assert_non_null(image);
    assert_ptr_equal(image->base, (void *)0x310000000000);
    assert_null(load()); /* the place is taken now */
    assert_int_equal(error.result, LDR_CANNOT_LOAD);
    assert_non_null(strstr(error.text, "0x310000000000"));
    ldr_unload(image);
    pe.nt->OptionalHeader.ImageBase = 0xFFFFF80000000000;
    assert_null(load());
    assert_int_equal(error.result, LDR_CANNOT_LOAD);
}

static void imports_are_bound_or_named(void **state)
{
    struct ldr_image *image;
    const char *module, *name;

    build();
    image = load();
    assert_int_equal(quad(image, slots), (uintptr_t)ldr_find_export("ntoskrnl", "LdrTestPlain")->address);
    assert_int_equal(quad(image, slots + 8), (uintptr_t)&LdrTestVariable);
    assert_int_equal(image->missing_imports, 2);
    assert_true(arch_missing_import_name((void *)quad(image, slots + 16), &module, &name));
    assert_string_equal(module, "ntoskrnl.exe");
    assert_string_equal(name, "NobodyHasThis");
    assert_true(arch_missing_import_name((void *)quad(image, slots + 24), &module, &name));
    assert_string_equal(name, "#9");
    ldr_unload(image);
}

static void a_checked_load_binds_gates(void **state)
{
    struct ldr_load_options checked = {.name = "sample.sys", .checked_gates = true};
    struct ldr_image *image;

    build();
    image = ldr_load(pe.bytes, pe.length, &checked, &error);
    assert_non_null(image);
    assert_int_not_equal(quad(image, slots), (uintptr_t)ldr_find_export("ntoskrnl", "LdrTestPlain")->address);
    assert_int_equal(quad(image, slots + 8), (uintptr_t)&LdrTestVariable);
    ldr_unload(image);
}

static struct ldr_image *exporter;

static struct ldr_image *find_exporter(const char *module, struct ldr_error *why)
{
    (void)why;
    if (strcmp(module, "exporter.sys") != 0)
        return NULL;
    exporter->references++;
    return exporter;
}

static void drivers_import_from_drivers(void **state)
{
    static const char *const names[] = {"Second", "Absent", NULL};
    struct ldr_load_options importing = {.name = "importer.sys", .find_export_driver = find_exporter};
    struct ldr_image *image;
    const char *module, *name;
    ULONG slot;

    build();
    options.name = "exporter.sys";
    exporter = load();
    options.name = "sample.sys";
    pe_begin(&pe);
    pe_section(&pe, ".text", PE_CODE, code, sizeof(code));
    slot = pe_imports(&pe, "exporter.sys", names);
    image = ldr_load(pe.bytes, pe.length, &importing, &error);
    assert_non_null(image);
    assert_int_equal(quad(image, slot), (uintptr_t)in(exporter, text + 8));
    assert_true(arch_missing_import_name((void *)quad(image, slot + 8), &module, &name));
    assert_string_equal(module, "exporter.sys");
    assert_int_equal(exporter->references, 1);
    ldr_unload(image);
    assert_int_equal(exporter->references, 0);
    ldr_unload(exporter);
}

static void an_exporter_stays_while_it_is_needed(void **state)
{
    static const char *const names[] = {"Second", NULL};
    struct ldr_load_options importing = {.name = "importer.sys", .find_export_driver = find_exporter};
    struct ldr_image *image;

    build();
    options.name = "exporter.sys";
    exporter = load();
    options.name = "sample.sys";
    pe_begin(&pe);
    pe_section(&pe, ".text", PE_CODE, code, sizeof(code));
    pe_imports(&pe, "exporter.sys", names);
    image = ldr_load(pe.bytes, pe.length, &importing, &error);
    ldr_unload(exporter);
    assert_ptr_equal(ldr_find_name("exporter"), exporter);
    assert_int_equal(((int (*)(void))in(exporter, text))(), 42);
    ldr_unload(image);
    assert_null(ldr_find_name("exporter"));
    assert_null(ldr_find_name("importer"));
}

static void init_is_discarded(void **state)
{
    struct ldr_image *image;
    char words[128];

    build();
    image = load();
    ldr_discard_init(image);
    assert_true(image->init_discarded);
    assert_int_equal(hmem_pfn_of(in(image, data + 0x2000)), HMEM_NO_PFN);
    assert_int_not_equal(hmem_pfn_of(in(image, text)), HMEM_NO_PFN);
    assert_int_not_equal(hmem_pfn_of(in(image, data)), HMEM_NO_PFN);
    ldr_describe(in(image, data + 0x2004), words, sizeof(words));
    assert_string_equal(words, "sample.sys+INIT+0x4 (discarded after DriverEntry)");
    ldr_discard_init(image);
    ldr_unload(image);
}

static void addresses_have_names(void **state)
{
    struct ldr_image *image;
    char words[128];

    build();
    image = load();
    ldr_describe(in(image, text), words, sizeof(words));
    assert_string_equal(words, "sample.sys!First");
    ldr_describe(in(image, text + 10), words, sizeof(words));
    assert_string_equal(words, "sample.sys!Second+0x2");
    ldr_describe(in(image, data + 0x10), words, sizeof(words));
    assert_string_equal(words, "sample.sys+.data+0x10");
    ldr_describe(in(image, 0x10), words, sizeof(words));
    assert_string_equal(words, "sample.sys+0x10");
    ldr_describe((void *)quad(image, slots + 16), words, sizeof(words));
    assert_string_equal(words, "ntoskrnl.exe!NobodyHasThis (not provided)");
    assert_int_equal(ldr_describe(in(image, text), words, 8), 16); /* what it would take, as snprintf */
    assert_int_equal(words[7], 0);
    ldr_unload(image);
}

static void images_are_found(void **state)
{
    struct ldr_image *image;

    build();
    image = load();
    assert_ptr_equal(ldr_find(in(image, data)), image);
    assert_null(ldr_find(&pe));
    assert_ptr_equal(ldr_find_name("SAMPLE"), image);
    assert_ptr_equal(ldr_find_name("sample.SYS"), image);
    assert_null(ldr_find_name("samp"));
    assert_null(ldr_find_name("sample.dll"));
    assert_ptr_equal(ldr_export_of(image, "First"), in(image, text));
    assert_null(ldr_export_of(image, "first"));
    ldr_unload(image);
    assert_null(ldr_find_name("sample"));
}

static void the_module_list_has_it(void **state)
{
    const KLDR_DATA_TABLE_ENTRY *entry;
    struct ldr_image *image;

    build();
    image = load();
    entry = (const void *)PsLoadedModuleList.Blink;
    assert_ptr_equal(image->loader_data, entry);
    assert_ptr_equal(entry->DllBase, image->base);
    assert_int_equal(entry->SizeOfImage, image->size);
    assert_ptr_equal(entry->EntryPoint, image->entry);
    assert_int_equal(entry->BaseDllName.Length, 20);
    assert_memory_equal(entry->BaseDllName.Buffer, u"sample.sys", 22);
    assert_memory_equal(entry->FullDllName.Buffer, u"\\SystemRoot\\System32\\drivers\\sample.sys", 78);
    ldr_unload(image);
    assert_ptr_equal(PsLoadedModuleList.Flink, &PsLoadedModuleList);
}

static void the_load_configuration_is_applied(void **state)
{
    IMAGE_LOAD_CONFIG_DIRECTORY64 config = {.Size = sizeof(config)};
    struct ldr_image *image;
    ULONGLONG variables[6] = {0x00002B992DDFA232ull, 0, 0, 0, 0, 0}, cookie;
    ULONG at, where;
    register ULONG64 result __asm__("rax");

    build();
    where = pe_section(&pe, ".cfg", PE_DATA, variables, sizeof(variables));
    config.SecurityCookie = PE_BASE + where;
    config.GuardCFCheckFunctionPointer = PE_BASE + where + 8;
    config.GuardCFDispatchFunctionPointer = PE_BASE + where + 16;
    config.GuardXFGCheckFunctionPointer = PE_BASE + where + 24;
    config.GuardFlags = IMAGE_GUARD_CF_INSTRUMENTED;
    at = pe_section(&pe, ".lcfg", PE_RDATA, &config, sizeof(config));
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, at, 0x40); /* its own Size is the true one */
    image = load();
    assert_non_null(image);
    cookie = quad(image, where);
    assert_int_not_equal(cookie, variables[0]);
    assert_int_not_equal(cookie, 0);
    assert_int_equal(cookie >> 48, 0);
    ((void (*)(void))quad(image, where + 8))();
    result = (uintptr_t)in(image, text);
    __asm__ volatile("call *%1"
                     : "+a"(result)
                     : "r"(quad(image, where + 16))
                     : "rcx", "rdx", "r8", "r9", "r10", "r11");
    assert_int_equal((int)result, 42);
    assert_int_equal(quad(image, where + 24), 0); /* no XFG in the flags */
    ldr_unload(image);
}

static void a_seeded_cookie_of_the_linker_stays(void **state)
{
    IMAGE_LOAD_CONFIG_DIRECTORY64 config = {.Size = 0x60};
    ULONGLONG own = 0x1234;
    struct ldr_image *image;
    ULONG where, at;

    build();
    where = pe_section(&pe, ".cfg", PE_DATA, &own, sizeof(own));
    config.SecurityCookie = PE_BASE + where;
    at = pe_section(&pe, ".lcfg", PE_RDATA, &config, sizeof(config));
    pe_directory(&pe, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, at, 0x60);
    image = load();
    assert_int_equal(quad(image, where), 0x1234);
    config.SecurityCookie = 0x10; /* nowhere in the image: left alone */
    memcpy(pe_at(&pe, at), &config, 0x60);
    ldr_unload(image);
    image = load();
    assert_non_null(image);
    ldr_unload(image);
}

static void too_large_an_image_is_refused(void **state)
{
    build();
    pe.nt->OptionalHeader.SizeOfImage = 0x20000000;
    assert_null(load());
    assert_int_equal(error.result, LDR_CANNOT_LOAD);
}

static unsigned free_pages(void)
{
    unsigned count = 0;
    static void *taken[64];

    while (count < countof(taken) && (taken[count] = hmem_reserve(HMEM_IMAGE, 256, 1, 0)) != NULL) {
        if (!NT_SUCCESS(hmem_commit(taken[count], 256, HMEM_RW))) {
            hmem_release(taken[count], 256);
            break;
        }
        count++;
    }
    for (unsigned i = 0; i < count; i++)
        hmem_release(taken[i], 256);
    return count;
}

static void unloading_gives_everything_back(void **state)
{
    unsigned before = free_pages();

    build();
    for (unsigned i = 0; i < 400; i++) {
        struct ldr_image *image = load();
        assert_non_null(image);
        ldr_unload(image);
    }
    assert_int_equal(free_pages(), before);
}

int run_load_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_placed_and_protected),
        cmocka_unit_test(fixups_are_applied),
        cmocka_unit_test(an_image_without_fixups_goes_anywhere),
        cmocka_unit_test(a_stripped_image_goes_to_its_base_or_nowhere),
        cmocka_unit_test(imports_are_bound_or_named),
        cmocka_unit_test(a_checked_load_binds_gates),
        cmocka_unit_test(drivers_import_from_drivers),
        cmocka_unit_test(an_exporter_stays_while_it_is_needed),
        cmocka_unit_test(init_is_discarded),
        cmocka_unit_test(addresses_have_names),
        cmocka_unit_test(images_are_found),
        cmocka_unit_test(the_module_list_has_it),
        cmocka_unit_test(the_load_configuration_is_applied),
        cmocka_unit_test(a_seeded_cookie_of_the_linker_stays),
        cmocka_unit_test(too_large_an_image_is_refused),
        cmocka_unit_test(unloading_gives_everything_back),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
