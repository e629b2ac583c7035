/* SPDX-License-Identifier: MIT */
/*
 * Storage of IRPs: four sizes, a free list per virtual processor and size, and
 * slabs in an arena of their own that are never given back. So an IRP that was
 * freed stays readable, and a second completion or free of it is told by its
 * slot instead of by a crash. The lists of a VP need no lock: code of the
 * runtime is not preempted. Lock: arena_lock (rl_lock), for refills only.
 */
#include "io/private.h"

#define SLAB_BYTES   (64 * 1024)
#define ARENA_SLABS  1024
#define CACHE_LIMIT  64
#define SIZES        4
#define NUMBER_BLOCK 256
#define FIXED_STACKS 8 /* up to here NT takes IRPs from its lists of one size, and says so */

static const UCHAR size_stacks[SIZES] = {2, 8, 24, 127};
static const USHORT size_bytes[SIZES] = {416, 848, 2000, 9472};

struct irp_cache {
    struct io_irp *free[SIZES];
    unsigned count[SIZES];
    ULONG next_number, last_number;
    struct io_transfers transfers;
} __attribute__((aligned(64)));

static struct irp_cache caches[64];
static rl_lock arena_lock;
static char *arena;
static unsigned slabs;
static UCHAR slab_size[ARENA_SLABS];
static struct io_irp *spare[SIZES];
static ULONG last_number;

static struct irp_cache *cache(void)
{
    return &caches[ke_vp()->number];
}

struct io_irp *NTAPI io_irp_of(const IRP *irp)
{
    size_t offset = (size_t)((const char *)irp - arena);
    if (unlikely(offset - sizeof(struct io_irp) >= (size_t)slabs * SLAB_BYTES))
        return NULL;
    struct io_irp *slot = container_of((IRP *)(uintptr_t)irp, struct io_irp, irp[0]);
    return likely(slot->self == irp) ? slot : NULL;
}

/* A new slab's slots, chained. arena_lock held. */
static struct io_irp *make_slab(unsigned size)
{
    if (!arena)
        arena = hmem_reserve(HMEM_POOL, (size_t)ARENA_SLABS * SLAB_BYTES / PAGE_SIZE, 16, 0);
    if (!arena || slabs == ARENA_SLABS)
        return NULL;
    char *slab = arena + (size_t)slabs * SLAB_BYTES;
    if (!NT_SUCCESS(hmem_commit(slab, SLAB_BYTES / PAGE_SIZE, HMEM_RW)))
        return NULL;
    slab_size[slabs] = (UCHAR)size;
    __atomic_store_n(&slabs, slabs + 1, __ATOMIC_RELEASE);
    struct io_irp *head = NULL;
    for (size_t at = SLAB_BYTES / size_bytes[size]; at-- > 0;) {
        struct io_irp *slot = (struct io_irp *)(slab + at * size_bytes[size]);
        slot->size_class = (UCHAR)size;
        slot->self = slot->irp;
        slot->next_free = head;
        head = slot;
    }
    return head;
}

static __attribute__((noinline)) bool NTAPI refill(struct irp_cache *c, unsigned size)
{
    rl_lock_acquire(&arena_lock);
    if (!spare[size])
        spare[size] = make_slab(size);
    unsigned taken = 0;
    for (; spare[size] && taken < CACHE_LIMIT / 2; taken++) {
        struct io_irp *slot = spare[size];
        spare[size] = slot->next_free;
        slot->next_free = c->free[size];
        c->free[size] = slot;
    }
    rl_lock_release(&arena_lock);
    c->count[size] += taken;
    return taken != 0;
}

static __attribute__((noinline)) void NTAPI spill(struct irp_cache *c, unsigned size)
{
    rl_lock_acquire(&arena_lock);
    for (unsigned i = 0; i < CACHE_LIMIT / 2; i++) {
        struct io_irp *slot = c->free[size];
        c->free[size] = slot->next_free;
        slot->next_free = spare[size];
        spare[size] = slot;
    }
    rl_lock_release(&arena_lock);
    c->count[size] -= CACHE_LIMIT / 2;
}

/* In allocation order; where nobody looks at the order of several processors, they take blocks. */
static __attribute__((noinline)) void NTAPI take_numbers(struct irp_cache *c)
{
    ULONG block = host_simulated() || seam_trace ? 1 : NUMBER_BLOCK;
    c->next_number = __atomic_fetch_add(&last_number, block, __ATOMIC_RELAXED) + 1;
    c->last_number = c->next_number + block;
}

static ULONG take_number(struct irp_cache *c)
{
    if (unlikely(c->next_number == c->last_number))
        take_numbers(c);
    return c->next_number++;
}

typedef long long zero_block __attribute__((vector_size(16), aligned(8)));

/* Plain stores: a call of memset, or the `rep stos` that a compiler makes of one, is a third of an IRP's way.
 */
static void zero_irp(PIRP Irp, USHORT PacketSize)
{
    char *at = (char *)Irp, *end = at + PacketSize;

    for (; (size_t)(end - at) >= sizeof(zero_block); at += sizeof(zero_block)) {
        *(zero_block *)at = (zero_block){0};
        __asm__ volatile("" ::: "memory"); /* or the loop becomes that memset again */
    }
    for (; at < end; at++) {
        *at = 0;
        __asm__ volatile("" ::: "memory");
    }
}

static void NTAPI init_irp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    zero_irp(Irp, PacketSize);
    Irp->Type = IO_TYPE_IRP;
    Irp->Size = PacketSize;
    Irp->StackCount = StackSize;
    /* IRP-09, IRP-33: the first location to be used is one below. */
    Irp->CurrentLocation = (CHAR)(StackSize + 1);
    list_init(&Irp->ThreadListEntry);
    /* IRP-09, IRP-33: what the macros in drivers compute with. */
    Irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(Irp + 1) + StackSize;
}

/* For the verifier: the driver that asks for an IRP, here or by a routine that calls this one. */
static const void *find_maker(const void *return_address)
{
    const struct arch_record *record = ke_thread()->arch.records;
    bool called = record != NULL && record->type == ARCH_RECORD_GATE;
    return called ? (const void *)record->rip : return_address;
}

/*
 * An IRP with StackSize zeroed locations, of no thread.
 * Owns: the caller frees it (IoFreeIrp). NULL when out of memory.
 * IRQL: <= DISPATCH_LEVEL. Rules: IRP-01.
 */
EXPORT(ntoskrnl, IoAllocateIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
    unsigned size = 0;
    while (size < SIZES && StackSize > size_stacks[size])
        size++;
    if (StackSize < 0 || size == SIZES)
        return NULL;
    struct irp_cache *c = cache();
    if (unlikely(!c->free[size]) && !refill(c, size))
        return NULL;
    struct io_irp *slot = c->free[size];
    c->free[size] = slot->next_free;
    c->count[size]--;
    slot->state = IO_IRP_LIVE;
    slot->deferred = FALSE;
    slot->borrowed = FALSE;
    slot->auxiliary = NULL;
    slot->number = take_number(c);
    slot->built = 0;
    if (unlikely(seam_vf != NULL))
        slot->maker = find_maker(__builtin_return_address(0));
    slot->track = (uint64_t)slot->number << 32;
    /* IRP-01: zeroed locations, no thread. */
    init_irp(slot->irp, IoSizeOfIrp(StackSize), StackSize);
    slot->irp->AllocationFlags = (UCHAR)((StackSize <= FIXED_STACKS ? IRP_ALLOCATED_FIXED_SIZE : 0) |
                                         (ChargeQuota ? IRP_QUOTA_CHARGED : 0));
    TRACE(TRACE_IRP_ALLOCATED, slot->irp);
    return slot->irp;
}

/* The same, for a device (Windows 8.1 and later): the device says nothing about the storage. Rules: IRP-01.
 */
EXPORT(ntoskrnl, IoAllocateIrpEx, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
PIRP NTAPI IoAllocateIrpEx(PDEVICE_OBJECT DeviceObject, CCHAR StackSize, BOOLEAN ChargeQuota)
{
    return IoAllocateIrp(StackSize, ChargeQuota);
}

PIRP io_allocate_irp_must_succeed(CCHAR stack_size)
{
    for (;;) {
        PIRP irp = IoAllocateIrp(stack_size, FALSE);
        if (irp)
            return irp;
        LARGE_INTEGER wait = {.QuadPart = -100000};
        KeDelayExecutionThread(KernelMode, FALSE, &wait);
    }
}

static void check_freeable(PIRP irp, struct io_irp *slot)
{
    if (irp->Type != IO_TYPE_IRP || (slot && slot->state != IO_IRP_LIVE)) {
        io_irp_violation(0x01, irp,
                         "IoFreeIrp was called on something that is not an IRP, or was freed before");
        io_irp_bugcheck(BAD_POOL_CALLER, irp, NULL, IO_TYPE_IRP, (ULONG_PTR)irp, 0,
                        "IoFreeIrp was called on something that is not an IRP, or was freed before");
    }
    /* IRP-08: the thread would find a freed one in its list. */
    if (irp->ThreadListEntry.Flink && !list_empty(&irp->ThreadListEntry))
        io_irp_violation(0x02, irp, "IoFreeIrp was called on an IRP that still belongs to a thread's list");
}

static __attribute__((noinline)) void NTAPI free_raw(PIRP irp, const void *caller)
{
    mm_pool_free(irp, 0, caller);
}

/*
 * Gives back an IRP of IoAllocateIrp, IoBuildAsynchronousFsdRequest or IoMakeAssociatedIrp. MDLs stay the
 * caller's. IRQL: <= DISPATCH_LEVEL. Rules: IRP-08.
 */
EXPORT(ntoskrnl, IoFreeIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoFreeIrp(PIRP Irp)
{
    struct io_irp *slot = io_irp_of(Irp);
    check_freeable(Irp, slot);
    TRACE(TRACE_IRP_FREED, Irp);
    if (unlikely(!slot)) { /* raw memory from pool that the driver initialized itself */
        free_raw(Irp, __builtin_return_address(0));
        return;
    }
    struct irp_cache *c = cache();
    unsigned size = slot->size_class;
    slot->irp->Type = 0;
    slot->state = IO_IRP_FREE;
    slot->track = 0;
    slot->next_free = c->free[size];
    /* IRP-08: the slot may be allocated again. */
    c->free[size] = slot;
    if (unlikely(++c->count[size] >= CACHE_LIMIT))
        spill(c, size);
}

/*
 * Makes an IRP of raw memory of PacketSize bytes. IRQL: <= DISPATCH_LEVEL. Rules: IRP-06.
 * On an IRP of IoAllocateIrp it forgets that quota was charged, as on NT.
 */
EXPORT(ntoskrnl, IoInitializeIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    if (io_irp_of(Irp) && Irp->AllocationFlags & IRP_QUOTA_CHARGED)
        io_irp_violation(0x20D, Irp, "IoInitializeIrp was called on an IRP that was allocated with quota");
    /* IRP-06: everything that PacketSize covers is new. */
    init_irp(Irp, PacketSize, StackSize);
}

/*
 * Makes a completed IRP fit for another use, with Status in it.
 * IRQL: <= DISPATCH_LEVEL. Rules: IRP-07.
 */
EXPORT(ntoskrnl, IoReuseIrp, PASSIVE_LEVEL, DISPATCH_LEVEL, X_PLAIN)
VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status)
{
    UCHAR allocation_flags = Irp->AllocationFlags;
    LIST_ENTRY threaded = Irp->ThreadListEntry;
    bool listed = threaded.Flink && !list_empty(&Irp->ThreadListEntry);
    init_irp(Irp, Irp->Size, Irp->StackCount);
    /* IRP-07: how it was allocated stays known. */
    Irp->AllocationFlags = allocation_flags;
    if (listed)
        Irp->ThreadListEntry = threaded;
    /* IRP-07: Status is the next use's first status. */
    Irp->IoStatus.Status = Status;
}

ULONG NTAPI io_irp_number(const IRP *irp)
{
    struct io_irp *slot = io_irp_of(irp);
    return slot ? slot->number : 0;
}

uint64_t *io_irp_track(const IRP *irp)
{
    struct io_irp *slot = io_irp_of(irp);
    return slot && slot->state == IO_IRP_LIVE ? &slot->track : NULL;
}

bool io_irp_is_built(const IRP *irp)
{
    struct io_irp *slot = io_irp_of(irp);
    return slot && slot->built;
}

const void *io_irp_maker(const IRP *irp)
{
    struct io_irp *slot = io_irp_of(irp);
    return slot ? slot->maker : NULL;
}

bool io_irp_was_ours(const void *pointer)
{
    return io_irp_of(pointer) != NULL;
}

void io_for_each_irp(void (*visit)(PIRP, void *), void *context)
{
    for (unsigned slab = 0; slab < slabs; slab++) {
        size_t bytes = size_bytes[slab_size[slab]];
        for (size_t at = 0; at + bytes <= SLAB_BYTES; at += bytes) {
            struct io_irp *slot = (struct io_irp *)(arena + (size_t)slab * SLAB_BYTES + at);
            if (slot->state == IO_IRP_LIVE)
                visit(slot->irp, context);
        }
    }
}

void io_count_transfer(ULONG irp_flags, ULONG_PTR information)
{
    struct io_transfers *t = &cache()->transfers;
    if (irp_flags & IRP_READ_OPERATION) {
        t->read_operations++;
        /* IRP-94: what a read brought. */
        t->read_bytes += information;
    } else if (irp_flags & IRP_WRITE_OPERATION) {
        t->write_operations++;
        /* IRP-94: what a write took. */
        t->write_bytes += information;
    } else {
        t->other_operations++;
        /* IRP-94: everything else. */
        t->other_bytes += information;
    }
}

void io_transfer_counts(struct io_transfers *totals)
{
    *totals = (struct io_transfers){0};
    for (unsigned i = 0; i < countof(caches); i++) {
        const struct io_transfers *t = &caches[i].transfers;
        totals->read_operations += t->read_operations;
        totals->read_bytes += t->read_bytes;
        totals->write_operations += t->write_operations;
        totals->write_bytes += t->write_bytes;
        totals->other_operations += t->other_operations;
        totals->other_bytes += t->other_bytes;
    }
}

void io_irp_fini(void)
{
    if (arena)
        hmem_release(arena, (size_t)ARENA_SLABS * SLAB_BYTES / PAGE_SIZE);
    arena = NULL;
    slabs = 0;
    last_number = 0;
    arena_lock = (rl_lock){0};
    __builtin_memset(caches, 0, sizeof(caches));
    __builtin_memset(spare, 0, sizeof(spare));
}
