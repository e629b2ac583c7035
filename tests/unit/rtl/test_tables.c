/* SPDX-License-Identifier: MIT */
/* Generic tables, splay and AVL: against an array; trees keep their shape rules. */
#include "rtl_test.h"
#include <stdlib.h>

#define KEYS 64

struct item {
    LONG key, value;
};

static int live, fail_allocations;

static RTL_GENERIC_COMPARE_RESULTS order_of(PVOID a, PVOID b)
{
    LONG x = ((struct item *)a)->key, y = ((struct item *)b)->key;
    return x < y ? GenericLessThan : x > y ? GenericGreaterThan : GenericEqual;
}

static PVOID allocate(CLONG size)
{
    if (fail_allocations)
        return NULL;
    live++;
    return malloc(size);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare(PRTL_GENERIC_TABLE table, PVOID a, PVOID b)
{
    return order_of(a, b);
}

static PVOID NTAPI allocate_element(PRTL_GENERIC_TABLE table, CLONG size)
{
    assert_int_equal(size, sizeof(struct item) + 40);
    return allocate(size);
}

static VOID NTAPI free_element(PRTL_GENERIC_TABLE table, PVOID buffer)
{
    live--;
    free(buffer);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare_avl(PRTL_AVL_TABLE table, PVOID a, PVOID b)
{
    return order_of(a, b);
}

static PVOID NTAPI allocate_avl(PRTL_AVL_TABLE table, CLONG size)
{
    assert_int_equal(size, sizeof(struct item) + 32);
    return allocate(size);
}

static VOID NTAPI free_avl(PRTL_AVL_TABLE table, PVOID buffer)
{
    live--;
    free(buffer);
}

static int check_splay(PRTL_SPLAY_LINKS node, PRTL_SPLAY_LINKS parent)
{
    if (!node)
        return 0;
    assert_ptr_equal(node->Parent, parent ? parent : node);
    return 1 + check_splay(node->LeftChild, node) + check_splay(node->RightChild, node);
}

static int check_avl(PRTL_BALANCED_LINKS node, PRTL_BALANCED_LINKS parent)
{
    if (!node)
        return 0;
    int left = check_avl(node->LeftChild, node), right = check_avl(node->RightChild, node);
    assert_ptr_equal(node->Parent, parent);
    assert_int_equal(node->Balance, right - left);
    assert_in_range(node->Balance + 1, 0, 2);
    return 1 + (left > right ? left : right);
}

static void splay_against_an_array(void **state)
{
    RTL_GENERIC_TABLE t;
    bool present[KEYS] = {false};
    ULONG count = 0;
    RtlInitializeGenericTable(&t, compare, allocate_element, free_element, &live);
    assert_ptr_equal(t.TableContext, &live);
    assert_true(RtlIsGenericTableEmpty(&t));
    srand(3);
    for (int round = 0; round < 5000; round++) {
        struct item item = {rand() % KEYS, round};
        if (rand() % 2) {
            BOOLEAN added = 99;
            struct item *in = RtlInsertElementGenericTable(&t, &item, sizeof item, &added);
            assert_int_equal(in->key, item.key);
            assert_int_equal(added, !present[item.key]);
            assert_int_equal(in->value == round, added);
            count += added;
            present[item.key] = true;
        } else {
            assert_int_equal(RtlDeleteElementGenericTable(&t, &item), present[item.key]);
            count -= present[item.key];
            present[item.key] = false;
        }
        assert_int_equal(RtlNumberGenericTableElements(&t), count);
        assert_int_equal(check_splay(t.TableRoot, NULL), count);
        assert_int_equal(live, count);
        LONG key = -1;
        PVOID restart = NULL;
        for (struct item *i; (i = RtlEnumerateGenericTableWithoutSplaying(&t, &restart));) {
            while (!present[++key])
                ;
            assert_int_equal(i->key, key);
        }
        item.key = rand() % KEYS;
        struct item *found = RtlLookupElementGenericTable(&t, &item);
        assert_int_equal(found != NULL, present[item.key]);
    }
    ULONG n = 0;
    for (PVOID p = RtlEnumerateGenericTable(&t, TRUE); p; p = RtlEnumerateGenericTable(&t, FALSE))
        n++;
    assert_int_equal(n, count);
    for (struct item item = {0}; item.key < KEYS; item.key++)
        RtlDeleteElementGenericTable(&t, &item);
    assert_true(RtlIsGenericTableEmpty(&t));
    assert_null(RtlEnumerateGenericTable(&t, TRUE));
    assert_int_equal(live, 0);
}

static void splay_in_order_of_insertion(void **state)
{
    RTL_GENERIC_TABLE t;
    RtlInitializeGenericTable(&t, compare, allocate_element, free_element, NULL);
    for (LONG i = 0; i < 5; i++)
        RtlInsertElementGenericTable(&t, &(struct item){10 - i, i}, sizeof(struct item), NULL);
    for (LONG i = 4; i >= 0; i--)
        assert_int_equal(((struct item *)RtlGetElementGenericTable(&t, i))->value, i);
    assert_null(RtlGetElementGenericTable(&t, 5));
    RtlDeleteElementGenericTable(&t, &(struct item){9, 0});
    assert_int_equal(((struct item *)RtlGetElementGenericTable(&t, 1))->value, 2);
    PVOID where;
    TABLE_SEARCH_RESULT result;
    assert_null(RtlLookupElementGenericTableFull(&t, &(struct item){9, 0}, &where, &result));
    BOOLEAN added;
    assert_non_null(RtlInsertElementGenericTableFull(&t, &(struct item){9, 7}, sizeof(struct item), &added,
                                                     where, result));
    assert_true(added);
    fail_allocations = 1;
    added = 9;
    assert_null(RtlInsertElementGenericTable(&t, &(struct item){99, 0}, sizeof(struct item), &added));
    fail_allocations = 0;
    assert_false(added);
    for (LONG i = 0; i < 11; i++)
        RtlDeleteElementGenericTable(&t, &(struct item){i, 0});
    assert_int_equal(live, 0);
}

static void splay_links(void **state)
{
    RTL_SPLAY_LINKS n[7] = {{0}};
    /* A chain 0-1-2-...-6 to the right. */
    for (int i = 0; i < 7; i++)
        n[i] = (RTL_SPLAY_LINKS){i ? &n[i - 1] : &n[0], NULL, i < 6 ? &n[i + 1] : NULL};
    assert_ptr_equal(RtlSplay(&n[6]), &n[6]);
    assert_int_equal(check_splay(&n[6], NULL), 7);
    for (int i = 0; i < 7; i++) {
        assert_ptr_equal(RtlRealSuccessor(&n[i]), i < 6 ? &n[i + 1] : NULL);
        assert_ptr_equal(RtlRealPredecessor(&n[i]), i ? &n[i - 1] : NULL);
    }
    assert_ptr_equal(RtlSubtreePredecessor(&n[6]), &n[5]);
    assert_null(RtlSubtreeSuccessor(&n[6]));
    PRTL_SPLAY_LINKS root = &n[6];
    RtlDeleteNoSplay(&n[6], &root);
    assert_int_equal(check_splay(root, NULL), 6);
    RtlDeleteNoSplay(root, &root);
    assert_int_equal(check_splay(root, NULL), 5);
    for (int left = 4; left >= 0; left--) {
        root = RtlDelete(root);
        assert_int_equal(check_splay(root, NULL), left);
    }
    assert_null(root);
}

static void avl_against_an_array(void **state)
{
    RTL_AVL_TABLE t;
    bool present[KEYS] = {false};
    ULONG count = 0;
    RtlInitializeGenericTableAvl(&t, compare_avl, allocate_avl, free_avl, NULL);
    assert_true(RtlIsGenericTableEmptyAvl(&t));
    srand(4);
    for (int round = 0; round < 20000; round++) {
        struct item item = {rand() % KEYS, round};
        if (rand() % 2) {
            BOOLEAN added;
            struct item *in = RtlInsertElementGenericTableAvl(&t, &item, sizeof item, &added);
            assert_int_equal(in->key, item.key);
            assert_int_equal(added, !present[item.key]);
            count += added;
            present[item.key] = true;
        } else {
            assert_int_equal(RtlDeleteElementGenericTableAvl(&t, &item), present[item.key]);
            count -= present[item.key];
            present[item.key] = false;
        }
        assert_int_equal(check_avl(t.BalancedRoot.RightChild, &t.BalancedRoot), t.DepthOfTree);
        assert_int_equal(RtlNumberGenericTableElementsAvl(&t), count);
        LONG key = -1;
        ULONG index = 0;
        for (struct item *i = RtlEnumerateGenericTableAvl(&t, TRUE); i;
             i = RtlEnumerateGenericTableAvl(&t, FALSE)) {
            while (!present[++key])
                ;
            assert_int_equal(i->key, key);
            assert_ptr_equal(RtlGetElementGenericTableAvl(&t, index++), i);
        }
        assert_int_equal(index, count);
        assert_null(RtlGetElementGenericTableAvl(&t, count));
        assert_int_equal(RtlLookupElementGenericTableAvl(&t, &item) != NULL, present[item.key]);
    }
    for (struct item item = {0}; item.key < KEYS; item.key++)
        RtlDeleteElementGenericTableAvl(&t, &item);
    assert_true(RtlIsGenericTableEmptyAvl(&t));
    assert_int_equal(t.DepthOfTree, 0);
    assert_int_equal(live, 0);
}

static void fill(PRTL_AVL_TABLE t, LONG n)
{
    RtlInitializeGenericTableAvl(t, compare_avl, allocate_avl, free_avl, NULL);
    for (LONG i = 0; i < n; i++)
        RtlInsertElementGenericTableAvl(t, &(struct item){i * 2, 0}, sizeof(struct item), NULL);
}

static void empty(PRTL_AVL_TABLE t)
{
    PVOID element;
    while ((element = RtlGetElementGenericTableAvl(t, 0))) {
        struct item copy = *(struct item *)element;
        RtlDeleteElementGenericTableAvl(t, &copy);
    }
    assert_int_equal(live, 0);
}

static void deleting_what_an_enumeration_stands_on(void **state)
{
    RTL_AVL_TABLE t;
    fill(&t, 10);
    LONG seen = 0;
    for (struct item *i = RtlEnumerateGenericTableAvl(&t, TRUE); i;
         i = RtlEnumerateGenericTableAvl(&t, FALSE)) {
        struct item copy = *i;
        assert_int_equal(copy.key, 2 * seen++);
        RtlDeleteElementGenericTableAvl(&t, &copy);
    }
    assert_int_equal(seen, 10);
    assert_int_equal(live, 0);
}

static NTSTATUS NTAPI match_multiples_of_four(PRTL_AVL_TABLE table, PVOID data, PVOID limit)
{
    LONG key = ((struct item *)data)->key;
    if (key > *(LONG *)limit)
        return STATUS_NO_MORE_MATCHES;
    return key % 4 ? STATUS_NO_MATCH : STATUS_SUCCESS;
}

static void enumerating_like_a_directory(void **state)
{
    RTL_AVL_TABLE t;
    fill(&t, 20);
    PVOID restart = NULL;
    ULONG deletes = 0;
    LONG limit = 12;
    struct item from = {3, 0}, *i;
    i = RtlEnumerateGenericTableLikeADirectory(&t, match_multiples_of_four, &limit, FALSE, &restart, &deletes,
                                               &from);
    assert_int_equal(i->key, 4);
    i = RtlEnumerateGenericTableLikeADirectory(&t, match_multiples_of_four, &limit, FALSE, &restart, &deletes,
                                               &from);
    assert_int_equal(i->key, 4);
    i = RtlEnumerateGenericTableLikeADirectory(&t, match_multiples_of_four, &limit, TRUE, &restart, &deletes,
                                               &from);
    assert_int_equal(i->key, 8);
    from = *i;
    RtlDeleteElementGenericTableAvl(&t, &from);
    i = RtlEnumerateGenericTableLikeADirectory(&t, match_multiples_of_four, &limit, TRUE, &restart, &deletes,
                                               &from);
    assert_int_equal(i->key, 12);
    assert_null(RtlEnumerateGenericTableLikeADirectory(&t, match_multiples_of_four, &limit, TRUE, &restart,
                                                       &deletes, &from));
    restart = NULL;
    from.key = 10;
    i = RtlEnumerateGenericTableLikeADirectory(&t, NULL, NULL, TRUE, &restart, &deletes, &from);
    assert_int_equal(i->key, 12);
    restart = NULL;
    from.key = 1000;
    assert_null(RtlEnumerateGenericTableLikeADirectory(&t, NULL, NULL, FALSE, &restart, &deletes, &from));
    empty(&t);
}

static RTL_GENERIC_COMPARE_RESULTS NTAPI compare_tens(PRTL_AVL_TABLE table, PVOID a, PVOID b)
{
    struct item x = {((struct item *)a)->key / 10, 0}, y = {((struct item *)b)->key / 10, 0};
    return order_of(&x, &y);
}

static void the_first_of_equal_elements(void **state)
{
    RTL_AVL_TABLE t;
    fill(&t, 30);
    PVOID where, restart = NULL;
    TABLE_SEARCH_RESULT result;
    assert_null(RtlLookupElementGenericTableFullAvl(&t, &(struct item){13, 0}, &where, &result));
    BOOLEAN added;
    assert_non_null(RtlInsertElementGenericTableFullAvl(&t, &(struct item){13, 1}, sizeof(struct item),
                                                        &added, where, result));
    assert_true(added);
    t.CompareRoutine = compare_tens;
    struct item *first = RtlLookupFirstMatchingElementGenericTableAvl(&t, &(struct item){25, 0}, &restart);
    assert_int_equal(first->key, 20);
    struct item *second = RtlEnumerateGenericTableWithoutSplayingAvl(&t, &restart);
    assert_int_equal(second->key, 22);
    assert_null(RtlLookupFirstMatchingElementGenericTableAvl(&t, &(struct item){1000, 0}, &restart));
    t.CompareRoutine = compare_avl;
    fail_allocations = 1;
    assert_null(RtlInsertElementGenericTableAvl(&t, &(struct item){1001, 0}, sizeof(struct item), &added));
    fail_allocations = 0;
    assert_false(added);
    empty(&t);
}

int test_tables(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splay_against_an_array),
        cmocka_unit_test(splay_in_order_of_insertion),
        cmocka_unit_test(splay_links),
        cmocka_unit_test(avl_against_an_array),
        cmocka_unit_test(deleting_what_an_enumeration_stands_on),
        cmocka_unit_test(enumerating_like_a_directory),
        cmocka_unit_test(the_first_of_equal_elements),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
