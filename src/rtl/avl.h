/* SPDX-License-Identifier: MIT */
/*
 * Adelson-Velsky/Landis trees of RTL_BALANCED_LINKS. The tree hangs as right
 * child of an anchor (RTL_AVL_TABLE.BalancedRoot); Balance is the height of
 * the right subtree less that of the left: -1, 0 or 1.
 */
#ifndef RTL_AVL_H
#define RTL_AVL_H

#include "base/base.h"
#include "nt/rtl.h"

/* Both return by how much the tree's height changed. The node's links are set by insertion. */
int rtl_avl_insert(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node, PRTL_BALANCED_LINKS parent,
                   bool left);
int rtl_avl_remove(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node);

/* Neighbours in order; NULL at the ends. */
PRTL_BALANCED_LINKS rtl_avl_first(PRTL_BALANCED_LINKS anchor);
PRTL_BALANCED_LINKS rtl_avl_next(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node);
PRTL_BALANCED_LINKS rtl_avl_previous(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node);

#endif
