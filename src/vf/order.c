/* SPDX-License-Identifier: MIT */
/*
 * The graph of lock order in static tables: nothing is allocated where a lock
 * is taken. It is only asked when a lock is taken while another is held; when a
 * table is full, what is new is not noted. Lock: graph_lock (rl_lock), innermost.
 */
#include "vf/order.h"
#include "base/lock.h"

#define NODES   1024
#define ARROWS  4096
#define BUCKETS 512

struct arrow {
    unsigned to, next; /* node; the next arrow from the same node. 0: none */
    ULONG64 held_where, where;
};

static struct node {
    ULONG64 lock;  /* 0: free */
    unsigned next; /* in its bucket */
    unsigned arrows;
    unsigned seen;     /* in this search */
    unsigned from, by; /* how the search came here: node, arrow */
} nodes[NODES + 1];    /* the first is nobody */
static struct arrow arrows[ARROWS + 1];
static unsigned buckets[BUCKETS], free_nodes, used_nodes, free_arrows, used_arrows, search;
static rl_lock graph_lock;

/* All of a page in one bucket: memory that goes is looked up by its pages. */
static unsigned *bucket_of(ULONG64 lock)
{
    ULONG64 page = lock >> 12;
    return &buckets[(page ^ page >> 9 ^ page >> 18) % BUCKETS];
}

static unsigned find(ULONG64 lock)
{
    unsigned at = *bucket_of(lock);
    while (at != 0 && nodes[at].lock != lock)
        at = nodes[at].next;
    return at;
}

static unsigned take(unsigned *free_list, unsigned *used, unsigned limit, unsigned next)
{
    if (*free_list == 0)
        return *used < limit ? ++*used : 0;
    unsigned taken = *free_list;
    *free_list = next;
    return taken;
}

static unsigned find_or_make(ULONG64 lock)
{
    unsigned at = find(lock), *bucket = bucket_of(lock);
    if (at != 0)
        return at;
    at = take(&free_nodes, &used_nodes, NODES, nodes[free_nodes].next);
    if (at == 0)
        return 0;
    nodes[at] = (struct node){.lock = lock, .next = *bucket};
    *bucket = at;
    return at;
}

static unsigned arrow_between(unsigned from, unsigned to)
{
    unsigned at = nodes[from].arrows;
    while (at != 0 && arrows[at].to != to)
        at = arrows[at].next;
    return at;
}

static void draw(unsigned from, unsigned to, ULONG64 held_where, ULONG64 where)
{
    unsigned at = take(&free_arrows, &used_arrows, ARROWS, arrows[free_arrows].next);
    if (at == 0)
        return;
    arrows[at] =
        (struct arrow){.to = to, .next = nodes[from].arrows, .held_where = held_where, .where = where};
    nodes[from].arrows = at;
}

/* By breadth, so that the way found is a shortest one. */
static bool leads_to(unsigned from, unsigned to)
{
    static unsigned queue[NODES];
    unsigned first = 0, last = 0;
    search++;
    nodes[from].seen = search;
    queue[last++] = from;
    while (first < last) {
        unsigned node = queue[first++];
        if (node == to)
            return true;
        for (unsigned at = nodes[node].arrows; at != 0; at = arrows[at].next) {
            struct node *next = &nodes[arrows[at].to];
            if (next->seen == search)
                continue;
            next->seen = search;
            next->from = node;
            next->by = at;
            queue[last++] = arrows[at].to;
        }
    }
    return false;
}

static void describe_way(unsigned from, unsigned to, struct vf_circle *circle)
{
    unsigned first = to;
    circle->steps = 1;
    while (nodes[first].from != from) {
        first = nodes[first].from;
        circle->steps++;
    }
    circle->before_lock = nodes[first].lock;
    circle->before_where = arrows[nodes[first].by].where;
    circle->before_held_where = arrows[nodes[first].by].held_where;
}

static bool ask_locked(unsigned asked, ULONG64 where, const struct vf_hold *hold, struct vf_circle *circle)
{
    unsigned held = find_or_make(hold->lock);
    if (held == 0 || held == asked || arrow_between(held, asked) != 0)
        return false;
    if (leads_to(asked, held)) {
        circle->held = *hold;
        describe_way(asked, held, circle);
        return true;
    }
    draw(held, asked, hold->where, where);
    return false;
}

bool vf_order_ask(ULONG64 lock, ULONG64 where, const struct vf_hold *held, unsigned count,
                  struct vf_circle *circle)
{
    bool closed = false;
    rl_lock_acquire(&graph_lock);
    unsigned asked = find_or_make(lock);
    for (unsigned i = 0; i < count && asked != 0 && !closed; i++)
        closed = ask_locked(asked, where, &held[i], circle);
    rl_lock_release(&graph_lock);
    return closed;
}

/* ---- forgetting ---- */

static void free_arrow(unsigned at)
{
    arrows[at].next = free_arrows;
    free_arrows = at;
}

static void drop_arrows_to(unsigned to)
{
    for (unsigned from = 1; from <= used_nodes; from++) {
        unsigned *link = &nodes[from].arrows;
        while (*link != 0) {
            unsigned at = *link;
            if (arrows[at].to != to) {
                link = &arrows[at].next;
                continue;
            }
            *link = arrows[at].next;
            free_arrow(at);
        }
    }
}

static void drop_node(unsigned *link)
{
    unsigned at = *link;
    *link = nodes[at].next;
    while (nodes[at].arrows != 0) {
        unsigned arrow = nodes[at].arrows;
        nodes[at].arrows = arrows[arrow].next;
        free_arrow(arrow);
    }
    drop_arrows_to(at);
    nodes[at] = (struct node){.next = free_nodes};
    free_nodes = at;
}

static void forget_in_bucket(unsigned *link, ULONG64 from, size_t length)
{
    while (*link != 0)
        if (nodes[*link].lock - from < length)
            drop_node(link);
        else
            link = &nodes[*link].next;
}

bool vf_order_is_empty(void)
{
    return __atomic_load_n(&used_nodes, __ATOMIC_RELAXED) == 0;
}

void vf_order_forget(ULONG64 from, size_t length)
{
    if (likely(vf_order_is_empty()) || length == 0)
        return;
    rl_lock_acquire(&graph_lock);
    if (length >> 12 >= BUCKETS)
        for (unsigned i = 0; i < BUCKETS; i++)
            forget_in_bucket(&buckets[i], from, length);
    else
        for (ULONG64 page = from >> 12; page <= (from + length - 1) >> 12; page++)
            forget_in_bucket(bucket_of(page << 12), from, length);
    rl_lock_release(&graph_lock);
}

void vf_order_reset(void)
{
    __builtin_memset(nodes, 0, sizeof(nodes));
    __builtin_memset(arrows, 0, sizeof(arrows));
    __builtin_memset(buckets, 0, sizeof(buckets));
    free_nodes = used_nodes = free_arrows = used_arrows = search = 0;
    graph_lock = (rl_lock){0};
}
