/* SPDX-License-Identifier: MIT */
/* Adelson-Velsky/Landis trees: linking, unlinking, rotation. No driver code is called from here. */
#include "rtl/avl.h"

static bool is_left(const RTL_BALANCED_LINKS *node)
{
    return node->Parent->LeftChild == node;
}

static void adopt(PRTL_BALANCED_LINKS parent, bool left, PRTL_BALANCED_LINKS child)
{
    if (left)
        parent->LeftChild = child;
    else
        parent->RightChild = child;
    if (child)
        child->Parent = parent;
}

static void rotate_up(PRTL_BALANCED_LINKS node)
{
    PRTL_BALANCED_LINKS parent = node->Parent;
    bool left = is_left(node);
    adopt(parent->Parent, is_left(parent), node);
    adopt(parent, left, left ? node->RightChild : node->LeftChild);
    adopt(node, !left, parent);
}

/*
 * `top` is one too high on the side of its balance. Restores it by one or two rotations; true if the subtree
 * is now lower than before the change that unbalanced it. Afterwards top's parent is the subtree's root.
 */
static bool rebalance(PRTL_BALANCED_LINKS top)
{
    CHAR heavy = top->Balance;
    PRTL_BALANCED_LINKS child = heavy < 0 ? top->LeftChild : top->RightChild;
    if (child->Balance == -heavy) {
        PRTL_BALANCED_LINKS middle = heavy < 0 ? child->RightChild : child->LeftChild;
        rotate_up(middle);
        rotate_up(middle);
        top->Balance = middle->Balance == heavy ? -heavy : 0;
        child->Balance = middle->Balance == -heavy ? heavy : 0;
        middle->Balance = 0;
        return true;
    }
    rotate_up(child);
    if (child->Balance == 0) {
        child->Balance = -heavy;
        return false;
    }
    top->Balance = child->Balance = 0;
    return true;
}

int rtl_avl_insert(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node, PRTL_BALANCED_LINKS parent,
                   bool left)
{
    *node = (RTL_BALANCED_LINKS){.Parent = parent};
    adopt(parent, left, node);
    for (PRTL_BALANCED_LINKS at = node; at->Parent != anchor; at = at->Parent) {
        CHAR side = is_left(at) ? -1 : 1;
        if (at->Parent->Balance == side) {
            rebalance(at->Parent);
            return 0;
        }
        at->Parent->Balance += side;
        if (at->Parent->Balance == 0)
            return 0;
    }
    return 1;
}

/* The subtree on one side of `parent` became lower by one. */
static int shrink(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS parent, bool left)
{
    while (parent != anchor) {
        CHAR side = left ? -1 : 1;
        if (parent->Balance == 0) {
            parent->Balance = -side;
            return 0;
        }
        if (parent->Balance == side) {
            parent->Balance = 0;
        } else {
            if (!rebalance(parent))
                return 0;
            parent = parent->Parent;
        }
        left = is_left(parent);
        parent = parent->Parent;
    }
    return -1;
}

int rtl_avl_remove(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node)
{
    PRTL_BALANCED_LINKS leaving =
        node; /* what leaves its place: the node, or the neighbour that will replace it */
    if (node->LeftChild && node->RightChild)
        leaving = node->Balance < 0 ? rtl_avl_previous(anchor, node) : rtl_avl_next(anchor, node);
    PRTL_BALANCED_LINKS parent = leaving->Parent;
    bool left = is_left(leaving);
    adopt(parent, left, leaving->LeftChild ? leaving->LeftChild : leaving->RightChild);
    int change = shrink(anchor, parent, left);
    if (leaving != node) {
        adopt(node->Parent, is_left(node), leaving);
        adopt(leaving, true, node->LeftChild);
        adopt(leaving, false, node->RightChild);
        leaving->Balance = node->Balance;
    }
    return change;
}

PRTL_BALANCED_LINKS rtl_avl_first(PRTL_BALANCED_LINKS anchor)
{
    PRTL_BALANCED_LINKS node = anchor->RightChild;
    while (node && node->LeftChild)
        node = node->LeftChild;
    return node;
}

PRTL_BALANCED_LINKS rtl_avl_next(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node)
{
    if (node->RightChild) {
        node = node->RightChild;
        while (node->LeftChild)
            node = node->LeftChild;
        return node;
    }
    while (node->Parent != anchor && !is_left(node))
        node = node->Parent;
    return node->Parent == anchor ? NULL : node->Parent;
}

PRTL_BALANCED_LINKS rtl_avl_previous(PRTL_BALANCED_LINKS anchor, PRTL_BALANCED_LINKS node)
{
    if (node->LeftChild) {
        node = node->LeftChild;
        while (node->RightChild)
            node = node->RightChild;
        return node;
    }
    while (node->Parent != anchor && is_left(node))
        node = node->Parent;
    return node->Parent == anchor ? NULL : node->Parent;
}
