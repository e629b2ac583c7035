/* SPDX-License-Identifier: MIT */
/* Blocks of memory and byte order. */
#include "rtl_test.h"
#include "rtl/crt.h"

static void comparing(void **state)
{
    assert_int_equal(RtlCompareMemory("abcd", "abxd", 4), 2);
    assert_int_equal(RtlCompareMemory("abcd", "abcd", 4), 4);
    ULONG block[3] = {7, 7, 8};
    assert_int_equal(RtlCompareMemoryUlong(block, 12, 7), 8);
    assert_int_equal(RtlCompareMemoryUlong(block, 8, 7), 8);
    assert_int_equal(RtlCompareMemoryUlong(block, 7, 7), 0);
    assert_int_equal(RtlCompareMemoryUlong((char *)block + 1, 4, 7), 0);
    assert_int_equal(crt_memcmp("a", "b", 1), -1);
    assert_int_equal(crt_memcmp("b", "a", 1), 1);
    assert_int_equal(crt_memcmp("b", "a", 0), 0);
}

static void copying_and_filling(void **state)
{
    char buffer[9] = "abcdefgh";
    RtlMoveMemory(buffer + 2, buffer, 6);
    assert_string_equal(buffer, "ababcdef");
    RtlCopyMemory(buffer, "xy", 2);
    RtlCopyMemoryNonTemporal(buffer + 2, "zw", 2);
    assert_string_equal(buffer, "xyzwcdef");
    RtlFillMemory(buffer, 2, '-');
    RtlZeroMemory(buffer + 2, 1);
    assert_string_equal(buffer, "--");
    ULONG words[4] = {0};
    RtlFillMemoryUlong(words, 8, 5);
    RtlFillMemoryUlonglong(words + 2, 8, 0x100000002ull);
    assert_memory_equal(words, ((ULONG[]){5, 5, 2, 1}), 16);
    assert_ptr_equal(crt_memcpy(buffer, "12", 2), buffer);
    assert_ptr_equal(crt_memmove(buffer + 1, buffer, 2), buffer + 1);
    assert_memory_equal(buffer, "112", 3);
    assert_ptr_equal(crt_memset(buffer, 'x', 3), buffer);
    assert_ptr_equal(crt_memchr("abc", 'c', 3) != NULL, 1);
    assert_null(crt_memchr("abc", 'c', 2));
    RtlPrefetchMemoryNonTemporal(NULL, 4096);
}

static void checked_copies(void **state)
{
    char buffer[4] = "abc";
    assert_int_equal(crt_memcpy_s(buffer, 4, "xyz", 3), 0);
    assert_string_equal(buffer, "xyz");
    assert_int_equal(crt_memcpy_s(buffer, 4, "12345", 5), CRT_ERANGE);
    assert_memory_equal(buffer, "\0\0\0", 4);
    buffer[0] = 'x';
    assert_int_equal(crt_memcpy_s(buffer, 4, NULL, 1), CRT_EINVAL);
    assert_int_equal(buffer[0], 0);
    assert_int_equal(crt_memcpy_s(NULL, 4, "x", 1), CRT_EINVAL);
    assert_int_equal(crt_memcpy_s(NULL, 0, NULL, 0), 0);
    buffer[0] = 'x';
    assert_int_equal(crt_memmove_s(buffer, 4, "12345", 5), CRT_ERANGE);
    assert_int_equal(buffer[0], 'x');
    assert_int_equal(crt_memmove_s(buffer, 4, NULL, 1), CRT_EINVAL);
    assert_int_equal(crt_memmove_s(buffer + 1, 3, buffer, 1), 0);
    assert_int_equal(buffer[1], 'x');
}

extern bool hmem_device_views;
extern UCHAR fake_device[64];
extern unsigned fake_device_accesses[9];

static void device_memory_is_accessed_as_such(void **state)
{
    UCHAR buffer[64], *d = fake_device + (-(uintptr_t)fake_device & 15);

    hmem_device_views = true;
    memset(fake_device_accesses, 0, sizeof(fake_device_accesses));
    for (unsigned i = 0; i < 32; i++)
        buffer[i] = (UCHAR)i;
    crt_memcpy(d + 1, buffer, 21); /* 1 + 2 + 4 + 8 + 4 + 2 at 1, 2, 4, 8, 16, 20 */
    assert_memory_equal(d + 1, buffer, 21);
    assert_int_equal(fake_device_accesses[1], 1);
    assert_int_equal(fake_device_accesses[2], 2);
    assert_int_equal(fake_device_accesses[4], 2);
    assert_int_equal(fake_device_accesses[8], 1);
    crt_memmove(d + 3, d + 1, 21); /* upwards, overlapping */
    assert_memory_equal(d + 3, buffer, 21);
    crt_memmove(d + 1, d + 3, 21);
    assert_memory_equal(d + 1, buffer, 21);
    memset(buffer, 0, 21);
    RtlCopyMemory(buffer, d + 1, 21);
    assert_int_equal(buffer[20], 20);
    assert_int_equal(crt_memcmp(buffer, d + 1, 21), 0);
    d[5]++;
    assert_int_equal(crt_memcmp(buffer, d + 1, 21), -1);
    assert_ptr_equal(crt_memchr(d + 1, 7, 21), d + 8);
    assert_null(crt_memchr(d + 1, 99, 21));
    RtlFillMemory(d, 15, 0x5A);
    assert_int_equal(d[0], 0x5A);
    assert_int_equal(d[14], 0x5A);
    assert_int_equal(d[15], 14);
    hmem_device_views = false;
}

static void byte_order(void **state)
{
    assert_int_equal(RtlUshortByteSwap(0x1234), 0x3412);
    assert_int_equal(RtlUlongByteSwap(0x12345678), 0x78563412);
    assert_int_equal(RtlUlonglongByteSwap(0x0102030405060708ull), 0x0807060504030201ull);
}

int test_memory(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),      cmocka_unit_test(copying_and_filling),
        cmocka_unit_test(checked_copies), cmocka_unit_test(device_memory_is_accessed_as_such),
        cmocka_unit_test(byte_order),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
