/* SPDX-License-Identifier: MIT */
/* Bitmaps: against arrays of bools. */
#include "rtl_test.h"
#include <stdlib.h>

#define BITS 200

static ULONG words[8];
static RTL_BITMAP map;
static bool model[BITS];

static int setup(void **state)
{
    memset(words, 0, sizeof words);
    memset(model, 0, sizeof model);
    words[6] = 0xFFFFFF00; /* behind the end: must stay */
    RtlInitializeBitMap(&map, words, BITS);
    return 0;
}

static void same_as_model(void)
{
    ULONG set = 0;
    for (ULONG i = 0; i < BITS; i++) {
        assert_int_equal(RtlTestBit(&map, i), model[i]);
        set += model[i];
    }
    assert_int_equal(words[6] & 0xFFFFFF00, 0xFFFFFF00);
    assert_int_equal(RtlNumberOfSetBits(&map), set);
    assert_int_equal(RtlNumberOfClearBits(&map), BITS - set);
}

static void changing_bits(void **state)
{
    srand(1);
    for (int round = 0; round < 400; round++) {
        ULONG from = rand() % BITS, count = rand() % (BITS - from + 1);
        bool set = rand() % 2;
        if (set)
            RtlSetBits(&map, from, count);
        else
            RtlClearBits(&map, from, count);
        memset(model + from, set, count);
        ULONG one = rand() % BITS;
        if (round % 2)
            RtlSetBit(&map, one);
        else
            RtlClearBit(&map, one);
        model[one] = round % 2;
        same_as_model();
    }
    RtlSetAllBits(&map);
    memset(model, 1, sizeof model);
    same_as_model();
    RtlClearAllBits(&map);
    assert_int_equal(words[6], 0); /* whole ULONGs */
    memset(model, 0, sizeof model);
    words[6] = 0xFFFFFF00;
    same_as_model();
}

static void testing_ranges(void **state)
{
    RtlSetBits(&map, 30, 40);
    assert_true(RtlAreBitsSet(&map, 30, 40));
    assert_false(RtlAreBitsSet(&map, 29, 2));
    assert_false(RtlAreBitsSet(&map, 69, 2));
    assert_true(RtlAreBitsClear(&map, 0, 30));
    assert_true(RtlAreBitsClear(&map, 70, 130));
    assert_false(RtlAreBitsClear(&map, 70, 131));
    assert_false(RtlAreBitsClear(&map, 0, 0));
    assert_false(RtlAreBitsSet(&map, BITS, 1));
}

/* What the documentation says, bit by bit. */
static ULONG model_find(ULONG count, ULONG hint, bool set)
{
    for (ULONG n = 0; n < BITS; n++) {
        ULONG at = (hint + n) % BITS, length = 0;
        while (at + length < BITS && model[at + length] == set && length < count)
            length++;
        if (length == count)
            return at;
    }
    return 0xFFFFFFFF;
}

static void finding_runs_of_a_length(void **state)
{
    srand(2);
    for (int round = 0; round < 3000; round++) {
        if (round % 10 == 0) {
            bool value = false;
            for (ULONG i = 0; i < BITS; i++) {
                value = rand() % 8 ? value : !value;
                model[i] = value;
                if (value)
                    RtlSetBit(&map, i);
                else
                    RtlClearBit(&map, i);
            }
        }
        ULONG count = 1 + rand() % 20, hint = rand() % BITS;
        assert_int_equal(RtlFindClearBits(&map, count, hint), model_find(count, hint, false));
        assert_int_equal(RtlFindSetBits(&map, count, hint), model_find(count, hint, true));
    }
    RtlClearAllBits(&map);
    assert_int_equal(RtlFindClearBits(&map, BITS, 5), 0);
    assert_int_equal(RtlFindClearBits(&map, BITS + 1, 0), 0xFFFFFFFF);
    assert_int_equal(RtlFindClearBits(&map, 1, BITS + 5), 0);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 3, 10), 10);
    assert_int_equal(RtlFindClearBitsAndSet(&map, 3, 10), 13);
    assert_true(RtlAreBitsSet(&map, 10, 6));
    assert_int_equal(RtlFindSetBitsAndClear(&map, 2, 0), 10);
    assert_int_equal(RtlNumberOfSetBits(&map), 4);
    assert_int_equal(RtlFindSetBitsAndClear(&map, 5, 0), 0xFFFFFFFF);
}

static void finding_clear_runs(void **state)
{
    RTL_BITMAP_RUN runs[3];
    ULONG at;
    RtlSetAllBits(&map);
    assert_int_equal(RtlFindFirstRunClear(&map, &at), 0);
    assert_int_equal(RtlFindLongestRunClear(&map, &at), 0);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 100, &at), 0);
    assert_int_equal(RtlFindClearRuns(&map, runs, 3, TRUE), 0);
    RtlClearBits(&map, 10, 2);
    RtlClearBits(&map, 20, 70);
    RtlClearBits(&map, 100, 1);
    RtlClearBits(&map, 197, 3);
    assert_int_equal(RtlFindFirstRunClear(&map, &at), 2);
    assert_int_equal(at, 10);
    assert_int_equal(RtlFindNextForwardRunClear(&map, 30, &at), 60);
    assert_int_equal(at, 30);
    assert_int_equal(RtlFindNextForwardRunClear(&map, 198, &at), 2);
    assert_int_equal(RtlFindNextForwardRunClear(&map, 200, &at), 0);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 95, &at), 70);
    assert_int_equal(at, 20);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 25, &at), 6);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 500, &at), 3);
    assert_int_equal(RtlFindLastBackwardRunClear(&map, 9, &at), 0);
    assert_int_equal(RtlFindLongestRunClear(&map, &at), 70);
    assert_int_equal(at, 20);
    assert_int_equal(RtlFindClearRuns(&map, runs, 3, FALSE), 3);
    assert_int_equal(runs[2].StartingIndex, 100);
    assert_int_equal(RtlFindClearRuns(&map, runs, 3, TRUE), 3);
    assert_int_equal(runs[0].StartingIndex, 20);
    assert_int_equal(runs[1].NumberOfBits, 3);
    assert_int_equal(runs[2].NumberOfBits, 2);
}

static void bits_of_numbers(void **state)
{
    assert_int_equal(RtlFindLeastSignificantBit(0), -1);
    assert_int_equal(RtlFindMostSignificantBit(0), -1);
    assert_int_equal(RtlFindLeastSignificantBit(0x8000000000000010ull), 4);
    assert_int_equal(RtlFindMostSignificantBit(0x8000000000000010ull), 63);
    assert_int_equal(RtlNumberOfSetBitsUlongPtr(0xF00000000000000Full), 8);
}

int test_bitmap(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(changing_bits, setup),
        cmocka_unit_test_setup(testing_ranges, setup),
        cmocka_unit_test_setup(finding_runs_of_a_length, setup),
        cmocka_unit_test_setup(finding_clear_runs, setup),
        cmocka_unit_test(bits_of_numbers),
    };
    return cmocka_run_group_tests_name("bitmap", tests, NULL, NULL);
}
