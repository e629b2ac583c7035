/* SPDX-License-Identifier: MIT */
/* PE images in memory: headers, directories, exports, resources; compression. */
#include "rtl_test.h"
#include <stdlib.h>
#include "nt/pe.h"

/* A small image with an export directory and a resource tree, as mapped. */
static struct image {
    IMAGE_DOS_HEADER dos;
    IMAGE_NT_HEADERS64 nt;
    IMAGE_SECTION_HEADER section;
    char gap[0x1000 - sizeof(IMAGE_DOS_HEADER) - sizeof(IMAGE_NT_HEADERS64) - sizeof(IMAGE_SECTION_HEADER)];
    IMAGE_EXPORT_DIRECTORY exports;
    ULONG functions[3], names[3];
    USHORT ordinals[3];
    char text[4][8];
    IMAGE_RESOURCE_DIRECTORY types;
    IMAGE_RESOURCE_DIRECTORY_ENTRY type[2];
    IMAGE_RESOURCE_DIRECTORY ids;
    IMAGE_RESOURCE_DIRECTORY_ENTRY id[1];
    IMAGE_RESOURCE_DIRECTORY languages;
    IMAGE_RESOURCE_DIRECTORY_ENTRY language[1];
    IMAGE_RESOURCE_DATA_ENTRY data;
    USHORT type_name[4];
    char content[16];
    ULONG messages[32];
} image;

#define RVA(member)     ((ULONG)offsetof(struct image, member))
#define IN_TREE(member) (RVA(member) - RVA(types))

static int build(void **state)
{
    memset(&image, 0, sizeof image);
    image.dos.e_magic = IMAGE_DOS_SIGNATURE;
    image.dos.e_lfanew = RVA(nt);
    image.nt.Signature = IMAGE_NT_SIGNATURE;
    image.nt.FileHeader.NumberOfSections = 1;
    image.nt.FileHeader.SizeOfOptionalHeader = sizeof image.nt.OptionalHeader;
    image.nt.OptionalHeader.NumberOfRvaAndSizes = 16;
    image.nt.OptionalHeader.SizeOfHeaders = 0x400;
    image.nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT] =
        (IMAGE_DATA_DIRECTORY){RVA(exports), RVA(types) - RVA(exports)};
    image.nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_RESOURCE] =
        (IMAGE_DATA_DIRECTORY){RVA(types), 0x200};
    image.section =
        (IMAGE_SECTION_HEADER){.VirtualAddress = 0x1000, .SizeOfRawData = 0x1000, .PointerToRawData = 0x400};
    image.exports = (IMAGE_EXPORT_DIRECTORY){.NumberOfFunctions = 3,
                                             .NumberOfNames = 3,
                                             .AddressOfFunctions = RVA(functions),
                                             .AddressOfNames = RVA(names),
                                             .AddressOfNameOrdinals = RVA(ordinals)};
    static const char *const names[] = {"alpha", "beta", "gamma"};
    for (int i = 0; i < 3; i++) {
        strcpy(image.text[i], names[i]);
        image.names[i] = RVA(text) + 8 * i;
        image.ordinals[i] = (USHORT)(2 - i);
    }
    image.functions[0] = RVA(text); /* gamma: inside the directory, so forwarded */
    image.functions[1] = 0x2000;    /* beta */
    image.functions[2] = 0x3000;    /* alpha */
    image.types.NumberOfNamedEntries = 1;
    image.types.NumberOfIdEntries = 1;
    image.type[0] = (IMAGE_RESOURCE_DIRECTORY_ENTRY){.Name = 0x80000000u | IN_TREE(type_name),
                                                     .OffsetToData = 0x80000000u | IN_TREE(ids)};
    image.type[1] = (IMAGE_RESOURCE_DIRECTORY_ENTRY){.Name = 16, .OffsetToData = 0x80000000u | IN_TREE(ids)};
    image.ids.NumberOfIdEntries = 1;
    image.id[0] =
        (IMAGE_RESOURCE_DIRECTORY_ENTRY){.Name = 1, .OffsetToData = 0x80000000u | IN_TREE(languages)};
    image.languages.NumberOfIdEntries = 1;
    image.language[0] = (IMAGE_RESOURCE_DIRECTORY_ENTRY){.Name = 0x409, .OffsetToData = IN_TREE(data)};
    image.data = (IMAGE_RESOURCE_DATA_ENTRY){.OffsetToData = RVA(content), .Size = 5};
    memcpy(image.type_name, (USHORT[]){3, 'B', 'I', 'N'}, 8);
    return 0;
}

static void headers(void **state)
{
    PIMAGE_NT_HEADERS nt;
    assert_ptr_equal(RtlImageNtHeader(&image), &image.nt);
    assert_null(RtlImageNtHeader(NULL));
    assert_int_equal(RtlImageNtHeaderEx(0, &image, sizeof image, &nt), STATUS_SUCCESS);
    assert_ptr_equal(nt, &image.nt);
    assert_int_equal(RtlImageNtHeaderEx(0, &image, 0x50, &nt), STATUS_INVALID_IMAGE_FORMAT);
    assert_int_equal(RtlImageNtHeaderEx(0, &image, 0x10, &nt), STATUS_INVALID_IMAGE_FORMAT);
    assert_int_equal(RtlImageNtHeaderEx(2, &image, sizeof image, &nt), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlImageNtHeaderEx(0, &image, sizeof image, NULL), STATUS_INVALID_PARAMETER);
    image.nt.Signature = 0;
    assert_null(RtlImageNtHeader(&image));
    image.dos.e_magic = 0;
    assert_null(RtlImageNtHeader(&image));
}

static void directories(void **state)
{
    ULONG size;
    assert_ptr_equal(RtlImageDirectoryEntryToData(&image, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT, &size),
                     &image.exports);
    assert_int_equal(size, RVA(types) - RVA(exports));
    assert_null(RtlImageDirectoryEntryToData(&image, TRUE, IMAGE_DIRECTORY_ENTRY_DEBUG, &size));
    assert_int_equal(size, 0);
    assert_null(RtlImageDirectoryEntryToData(&image, TRUE, 99, &size));
    char *in_file = (char *)((uintptr_t)&image + 0x400 + (RVA(exports) - 0x1000));
    assert_ptr_equal(RtlImageDirectoryEntryToData(&image, FALSE, IMAGE_DIRECTORY_ENTRY_EXPORT, &size),
                     in_file);
    assert_ptr_equal(RtlImageDirectoryEntryToData((PVOID)((uintptr_t)&image + 1), TRUE,
                                                  IMAGE_DIRECTORY_ENTRY_EXPORT, &size),
                     in_file);
}

static void exported_routines(void **state)
{
    assert_ptr_equal(RtlFindExportedRoutineByName(&image, "alpha"), (PVOID)((uintptr_t)&image + 0x3000));
    assert_ptr_equal(RtlFindExportedRoutineByName(&image, "beta"), (PVOID)((uintptr_t)&image + 0x2000));
    assert_null(RtlFindExportedRoutineByName(&image, "gamma"));
    assert_null(RtlFindExportedRoutineByName(&image, "delta"));
}

static void resources(void **state)
{
    PIMAGE_RESOURCE_DATA_ENTRY entry;
    PVOID address;
    ULONG size;
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){16, 1, 0x409}, 3, &entry), STATUS_SUCCESS);
    assert_ptr_equal(entry, &image.data);
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){(ULONG_PTR)u"bin", 1, 0}, 3, &entry),
                     STATUS_SUCCESS);
    assert_int_equal(LdrAccessResource(&image, entry, &address, &size), STATUS_SUCCESS);
    assert_ptr_equal(address, image.content);
    assert_int_equal(size, 5);
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){5, 1, 0}, 3, &entry),
                     STATUS_RESOURCE_TYPE_NOT_FOUND);
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){16, 2, 0}, 3, &entry),
                     STATUS_RESOURCE_NAME_NOT_FOUND);
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){16, 1, 7}, 3, &entry),
                     STATUS_RESOURCE_LANG_NOT_FOUND);
    image.nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_RESOURCE].VirtualAddress = 0;
    assert_int_equal(LdrFindResource_U(&image, (ULONG_PTR[]){16, 1, 0}, 3, &entry),
                     STATUS_RESOURCE_DATA_NOT_FOUND);
    assert_int_equal(LdrAccessResource(&image, &image.data, &address, &size), STATUS_RESOURCE_DATA_NOT_FOUND);
}

static void message_tables(void **state)
{
    /* Messages 5 and 6 in one block, 100 in another. */
    static const ULONG table[] = {2,          5,          6,          28,         100,
                                  100,        48,         0x0000000C, 0x00656E6F, 0,
                                  0x00010008, 0x00740077, 0x0000000C, 0x00746E65, 0};
    PVOID entry;
    memcpy(image.messages, table, sizeof table);
    image.type[1].Name = 11;
    image.data = (IMAGE_RESOURCE_DATA_ENTRY){.OffsetToData = RVA(messages), .Size = sizeof table};
    assert_int_equal(RtlFindMessage(&image, 11, 0x409, 5, &entry), STATUS_SUCCESS);
    assert_string_equal((char *)entry + 4, "one");
    assert_int_equal(RtlFindMessage(&image, 11, 7, 6, &entry), STATUS_SUCCESS);
    assert_int_equal(((USHORT *)entry)[1], 1);
    assert_int_equal(RtlFindMessage(&image, 0, 0, 100, &entry), STATUS_SUCCESS);
    assert_string_equal((char *)entry + 4, "ent");
    assert_int_equal(RtlFindMessage(&image, 11, 0, 7, &entry), STATUS_MESSAGE_NOT_FOUND);
    assert_int_equal(RtlFindMessage(&image, 12, 0, 5, &entry), STATUS_RESOURCE_TYPE_NOT_FOUND);
}

#define PLAIN 20000
static UCHAR plain[PLAIN], packed[PLAIN * 2], back[PLAIN], fragment[PLAIN];

static void round_trip(ULONG size, USHORT engine)
{
    ULONG packed_size, n, work, fragment_work;
    assert_int_equal(RtlGetCompressionWorkSpaceSize(2 | engine, &work, &fragment_work), STATUS_SUCCESS);
    void *space = malloc(work), *fragment_space = malloc(fragment_work);
    NTSTATUS status =
        RtlCompressBuffer(2 | engine, plain, size, packed, sizeof packed, 4096, &packed_size, space);
    assert_true(status == STATUS_SUCCESS || status == STATUS_BUFFER_ALL_ZEROS);
    memset(back, 0xEE, sizeof back);
    assert_int_equal(RtlDecompressBuffer(2, back, size, packed, packed_size, &n), STATUS_SUCCESS);
    assert_int_equal(n, size);
    assert_memory_equal(back, plain, size);
    if (size > 5000) {
        assert_int_equal(
            RtlDecompressFragment(2, fragment, 3000, packed, packed_size, 2345, &n, fragment_space),
            STATUS_SUCCESS);
        assert_int_equal(n, size - 2345 < 3000 ? size - 2345 : 3000);
        assert_memory_equal(fragment, plain + 2345, n);
        assert_int_equal(RtlDecompressBuffer(2, back, size - 1, packed, packed_size, &n),
                         STATUS_BAD_COMPRESSION_BUFFER);
    }
    assert_int_equal(RtlCompressBuffer(2, plain, size, packed, packed_size - 1, 4096, &n, space),
                     STATUS_BUFFER_TOO_SMALL);
    free(space);
    free(fragment_space);
}

static void compression_there_and_back(void **state)
{
    srand(5);
    static const ULONG sizes[] = {1, 2, 3, 17, 4095, 4096, 4097, 12288, PLAIN};
    for (int kind = 0; kind < 4; kind++) {
        for (ULONG i = 0; i < PLAIN; i++)
            plain[i] = kind == 0   ? 0
                       : kind == 1 ? (UCHAR)(rand() >> 7)
                       : kind == 2 ? "abcabd "[i % 7]
                                   : (UCHAR)(rand() % 3);
        for (size_t i = 0; i < countof(sizes); i++)
            round_trip(sizes[i], i % 2 ? 0x100 : 0);
    }
}

/* [MS-XCA] 3.1: the text and its compressed form. */
static void the_published_example(void **state)
{
    static const char text[] =
        "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# "
        "G F# E D E A F# F# G A A G F# E D D E F# E D D";
    static const UCHAR published[] = {0x38, 0xb0, 0x88, 0x46, 0x23, 0x20, 0x00, 0x20, 0x47, 0x20, 0x41, 0x00,
                                      0x10, 0xa2, 0x47, 0x01, 0xa0, 0x45, 0x20, 0x44, 0x00, 0x08, 0x45, 0x01,
                                      0x50, 0x79, 0x00, 0xc0, 0x45, 0x20, 0x05, 0x24, 0x13, 0x88, 0x05, 0xb4,
                                      0x02, 0x4a, 0x44, 0xef, 0x03, 0x58, 0x02, 0x8c, 0x09, 0x16, 0x01, 0x48,
                                      0x45, 0x00, 0xbe, 0x00, 0x9e, 0x00, 0x04, 0x01, 0x18, 0x90, 0x00};
    ULONG n;
    assert_int_equal(RtlDecompressBuffer(2, back, sizeof back, (PUCHAR)published, sizeof published, &n),
                     STATUS_SUCCESS);
    assert_int_equal(n, sizeof text);
    assert_memory_equal(back, text, n);
}

static void compression_errors(void **state)
{
    ULONG a, b;
    static const UCHAR before_the_chunk[] = {0x03, 0xB0, 0x01, 0x00, 0x10, 0x00}, cut[] = {0x0F, 0xB0, 0x00};
    assert_int_equal(RtlDecompressBuffer(2, back, sizeof back, (PUCHAR)before_the_chunk, 6, &a),
                     STATUS_BAD_COMPRESSION_BUFFER);
    assert_int_equal(RtlDecompressBuffer(2, back, sizeof back, (PUCHAR)cut, 3, &a),
                     STATUS_BAD_COMPRESSION_BUFFER);
    assert_int_equal(RtlGetCompressionWorkSpaceSize(0, &a, &b), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlGetCompressionWorkSpaceSize(1, &a, &b), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlGetCompressionWorkSpaceSize(9, &a, &b), STATUS_UNSUPPORTED_COMPRESSION);
    assert_int_equal(RtlGetCompressionWorkSpaceSize(0x202, &a, &b), STATUS_NOT_SUPPORTED);
    assert_int_equal(RtlDecompressBuffer(1, back, 1, packed, 1, &a), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlDecompressFragment(9, back, 1, packed, 1, 0, &a, packed),
                     STATUS_UNSUPPORTED_COMPRESSION);
    assert_int_equal(RtlCompressBuffer(0x202, plain, 1, packed, 9, 4096, &a, back), STATUS_NOT_SUPPORTED);
}

static void stack_probe_changes_no_register(void **state)
{
    uint64_t rax = 20000, r10 = 1, r11 = 2, rcx = 3;
    register uint64_t in10 __asm__("r10") = r10;
    register uint64_t in11 __asm__("r11") = r11;
    __asm__ volatile("sub $128, %%rsp\n call rtl_chkstk\n add $128, %%rsp"
                     : "+a"(rax), "+c"(rcx), "+r"(in10), "+r"(in11)
                     :
                     : "memory", "cc");
    assert_int_equal(rax, 20000);
    assert_int_equal(rcx, 3);
    assert_int_equal(in10, 1);
    assert_int_equal(in11, 2);
}

static void no_debugger(void **state)
{
    assert_int_equal(KdDisableDebugger(), STATUS_DEBUGGER_INACTIVE);
    assert_int_equal(KdEnableDebugger(), STATUS_DEBUGGER_INACTIVE);
    assert_int_equal(KdChangeOption(0, 0, NULL, 0, NULL, NULL), STATUS_DEBUGGER_INACTIVE);
    assert_int_equal(KdComPortInUse, 0);
}

int test_image(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(headers, build),
        cmocka_unit_test_setup(directories, build),
        cmocka_unit_test_setup(exported_routines, build),
        cmocka_unit_test_setup(resources, build),
        cmocka_unit_test_setup(message_tables, build),
        cmocka_unit_test(compression_there_and_back),
        cmocka_unit_test(the_published_example),
        cmocka_unit_test(compression_errors),
        cmocka_unit_test(stack_probe_changes_no_register),
        cmocka_unit_test(no_debugger),
    };
    return cmocka_run_group_tests_name("images, compression", tests, NULL, NULL);
}
