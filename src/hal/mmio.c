/* SPDX-License-Identifier: MIT */
/*
 * Physical addresses beyond RAM: ranges of device models. An access of any
 * width and place becomes naturally aligned pieces, as on a bus; where nobody
 * answers, a piece reads as all ones and its write is lost. As for ports,
 * readers take no lock.
 */
#include "hal/internal.h"
#include "base/lock.h"
#include "host/memory.h"

#define GRAIN  16u
#define WIDEST 8u

static LIST_ENTRY ranges = {&ranges, &ranges};
static rl_lock ranges_lock;

void hal_mmio_fini(void)
{
    list_init(&ranges);
}

static bool is_free(const struct hal_mmio_range *range)
{
    list_for_each(it, &ranges)
    {
        const struct hal_mmio_range *other = container_of(it, struct hal_mmio_range, link);
        if (range->first < other->first + other->length && other->first < range->first + range->length)
            return false;
    }
    return true;
}

static bool is_sound(const struct hal_mmio_range *range)
{
    return range->length != 0 && range->first % GRAIN == 0 && range->length % GRAIN == 0 &&
           range->first >= hmem_ram_bytes() && range->first + range->length > range->first;
}

/* Owns: borrows the range until hal_remove_mmio. */
NTSTATUS hal_add_mmio(struct hal_mmio_range *range)
{
    NTSTATUS status = STATUS_CONFLICTING_ADDRESSES;

    if (!is_sound(range))
        return STATUS_INVALID_PARAMETER;
    rl_lock_acquire(&ranges_lock);
    if (is_free(range)) {
        hal_publish(&ranges, &range->link);
        status = STATUS_SUCCESS;
    }
    rl_lock_release(&ranges_lock);
    return status;
}

void hal_remove_mmio(struct hal_mmio_range *range)
{
    rl_lock_acquire(&ranges_lock);
    list_remove(&range->link);
    rl_lock_release(&ranges_lock);
}

bool hal_memory_is_decoded(uint64_t first, uint64_t last)
{
    struct hal_mmio_range wanted = {.first = first, .length = last - first + 1};

    rl_lock_acquire(&ranges_lock);
    bool decoded = !is_free(&wanted);
    rl_lock_release(&ranges_lock);
    return decoded;
}

static struct hal_mmio_range *find(uint64_t pa)
{
    LIST_ENTRY *it = __atomic_load_n(&ranges.Flink, __ATOMIC_ACQUIRE);

    for (; it != &ranges; it = it->Flink) {
        struct hal_mmio_range *range = container_of(it, struct hal_mmio_range, link);
        if (pa - range->first < range->length)
            return range;
    }
    return NULL;
}

/* The widest aligned piece that an access can begin with. */
static unsigned piece_of(uint64_t pa, unsigned width_bytes)
{
    unsigned piece = WIDEST;

    while (piece > width_bytes || pa % piece != 0)
        piece /= 2;
    return piece;
}

/* In trace: the access, its width in the bits above the direction's. */
static void tell(uint64_t pa, const UCHAR *value, unsigned width_bytes, bool written)
{
    uint64_t number = 0;

    __builtin_memcpy(&number, value, width_bytes);
    TRACE(TRACE_REGISTER, NULL, .a = pa, .b = number, .c = width_bytes * 2 | written);
}

static bool read_piece(uint64_t pa, UCHAR *value, unsigned width_bytes)
{
    struct hal_mmio_range *range = find(pa);
    bool answers = range != NULL && range->read != NULL;

    __builtin_memset(value, 0xFF, width_bytes);
    if (answers)
        range->read(range->context, pa - range->first, value, width_bytes);
    tell(pa, value, width_bytes, false);
    return answers;
}

static bool write_piece(uint64_t pa, const UCHAR *value, unsigned width_bytes)
{
    struct hal_mmio_range *range = find(pa);

    tell(pa, value, width_bytes, true);
    if (range == NULL || range->write == NULL)
        return false;
    range->write(range->context, pa - range->first, value, width_bytes);
    return true;
}

bool hal_mmio_read(uint64_t pa, void *value, unsigned width_bytes)
{
    bool answered = false;

    for (unsigned done = 0, piece; done < width_bytes; done += piece) {
        piece = piece_of(pa + done, width_bytes - done);
        answered |= read_piece(pa + done, (UCHAR *)value + done, piece);
    }
    return answered;
}

bool hal_mmio_write(uint64_t pa, const void *value, unsigned width_bytes)
{
    bool answered = false;

    for (unsigned done = 0, piece; done < width_bytes; done += piece) {
        piece = piece_of(pa + done, width_bytes - done);
        answered |= write_piece(pa + done, (const UCHAR *)value + done, piece);
    }
    return answered;
}
