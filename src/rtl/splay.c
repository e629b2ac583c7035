/* SPDX-License-Identifier: MIT */
/*
 * Splay links: binary trees whose nodes are inside the caller's structures.
 * A root is its own parent. The caller serialises; any IRQL for resident nodes.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"

static bool is_root(const RTL_SPLAY_LINKS *node)
{
    return node->Parent == node;
}

static bool is_left(const RTL_SPLAY_LINKS *node)
{
    return node->Parent->LeftChild == node;
}

static void adopt(PRTL_SPLAY_LINKS parent, PRTL_SPLAY_LINKS *slot, PRTL_SPLAY_LINKS child)
{
    *slot = child;
    if (child)
        child->Parent = parent;
}

/* Lets `heir` take the place of `node` under its parent (NULL: nobody takes it). */
static void replace(PRTL_SPLAY_LINKS node, PRTL_SPLAY_LINKS heir)
{
    if (is_root(node))
        heir->Parent = heir;
    else if (is_left(node))
        adopt(node->Parent, &node->Parent->LeftChild, heir);
    else
        adopt(node->Parent, &node->Parent->RightChild, heir);
}

/* Rotates a node above its parent. */
static void rotate_up(PRTL_SPLAY_LINKS node)
{
    PRTL_SPLAY_LINKS parent = node->Parent;
    bool left = is_left(node);
    replace(parent, node);
    if (left) {
        adopt(parent, &parent->LeftChild, node->RightChild);
        adopt(node, &node->RightChild, parent);
    } else {
        adopt(parent, &parent->RightChild, node->LeftChild);
        adopt(node, &node->LeftChild, parent);
    }
}

/* Makes a node the root by the double rotations of splaying, which halve the depth of the path. */
EXPORT(ntoskrnl, RtlSplay, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlSplay(PRTL_SPLAY_LINKS Links)
{
    while (!is_root(Links)) {
        if (!is_root(Links->Parent))
            rotate_up(is_left(Links) == is_left(Links->Parent) ? Links->Parent : Links);
        rotate_up(Links);
    }
    return Links;
}

/* The rightmost node of the left subtree, NULL if there is none. */
EXPORT(ntoskrnl, RtlSubtreePredecessor, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS node = Links->LeftChild;
    while (node && node->RightChild)
        node = node->RightChild;
    return node;
}

EXPORT(ntoskrnl, RtlSubtreeSuccessor, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS node = Links->RightChild;
    while (node && node->LeftChild)
        node = node->LeftChild;
    return node;
}

/* The subtree's, or else the nearest ancestor of whose right side the node is. */
EXPORT(ntoskrnl, RtlRealPredecessor, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->LeftChild)
        return RtlSubtreePredecessor(Links);
    while (!is_root(Links) && is_left(Links))
        Links = Links->Parent;
    return is_root(Links) ? NULL : Links->Parent;
}

EXPORT(ntoskrnl, RtlRealSuccessor, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->RightChild)
        return RtlSubtreeSuccessor(Links);
    while (!is_root(Links) && !is_left(Links))
        Links = Links->Parent;
    return is_root(Links) ? NULL : Links->Parent;
}

/* Lets `heir`, a node without a right child below `node`, leave its place and take all of the place of
 * `node`. */
static void take_place(PRTL_SPLAY_LINKS node, PRTL_SPLAY_LINKS heir)
{
    replace(heir, heir->LeftChild);
    replace(node, heir);
    adopt(heir, &heir->LeftChild, node->LeftChild);
    adopt(heir, &heir->RightChild, node->RightChild);
}

/*
 * Unlinks a node. Returns the node from which to find the root: the parent of the place that became empty, or
 * what took the root's place; NULL if the tree is now empty.
 */
static PRTL_SPLAY_LINKS unlink_node(PRTL_SPLAY_LINKS node)
{
    if (node->LeftChild && node->RightChild) {
        PRTL_SPLAY_LINKS heir = RtlSubtreePredecessor(node);
        PRTL_SPLAY_LINKS near = heir->Parent == node ? heir : heir->Parent;
        take_place(node, heir);
        return near;
    }
    PRTL_SPLAY_LINKS child = node->LeftChild ? node->LeftChild : node->RightChild;
    if (is_root(node) && !child)
        return NULL;
    PRTL_SPLAY_LINKS near = is_root(node) ? child : node->Parent;
    replace(node, child);
    return near;
}

/* Deletes a node and splays the tree around its parent. Returns the new root, NULL for an empty tree. */
EXPORT(ntoskrnl, RtlDelete, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PRTL_SPLAY_LINKS NTAPI RtlDelete(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS near = unlink_node(Links);
    return near ? RtlSplay(near) : NULL;
}

/* Deletes a node and leaves the shape of the rest. *Root follows. */
EXPORT(ntoskrnl, RtlDeleteNoSplay, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlDeleteNoSplay(PRTL_SPLAY_LINKS Links, PRTL_SPLAY_LINKS *Root)
{
    PRTL_SPLAY_LINKS node = unlink_node(Links);
    while (node && !is_root(node))
        node = node->Parent;
    *Root = node;
}
