/* SPDX-License-Identifier: MIT */
/*
 * The system's DMA controller: two 8237A chips as in every PC. Channels 0..3
 * move bytes, 5..7 words, 4 is where the first chip is chained to the second.
 * A channel has an address of 16 bits, which counts, and a page register,
 * which does not: so a transfer wraps at 64 KiB (128 KiB for words). A device
 * asks for its channel by hal_dma_request, in any thread; one lock guards both
 * chips and is not held while the device is called.
 */
#include "hal/dma.h"

#define MODE_TRANSFER    0x0C
#define MODE_DECREMENT   0x20
#define MODE_KIND        0xC0
#define MODE_CASCADE     0xC0
#define COMMAND_DISABLED 0x04

struct channel {
    USHORT base_address, base_count, address, count;
    UCHAR mode;
    bool masked;
    bool asked;    /* by software */
    bool terminal; /* the count has run out since the status was read */
    bool over;     /* ... and nothing was programmed since */
};

static struct chip {
    struct channel channel[4];
    bool high_byte; /* the flip-flop: the next byte is the upper one */
    UCHAR command;
} chips[2];
static UCHAR pages[16];
static rl_lock lock;

/* By channel, in the order of the page registers 0x80..0x8F. */
static const UCHAR page_of[8] = {0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA};

static struct channel *channel_at(ULONG number)
{
    return &chips[number / 4].channel[number % 4];
}

static ULONG unit_of(ULONG number)
{
    return number < 4 ? 1 : 2;
}

static uint64_t address_of(ULONG number)
{
    ULONG page = pages[page_of[number]], address = channel_at(number)->address;

    return number < 4 ? page << 16 | address : (page & 0xFEu) << 16 | address << 1;
}

/* ---- the registers ---- */

static void reset(struct chip *chip)
{
    chip->high_byte = false;
    chip->command = 0;
    for (unsigned i = 0; i < 4; i++) {
        chip->channel[i].masked = true;
        chip->channel[i].asked = chip->channel[i].terminal = false;
    }
}

static void put_byte(struct chip *chip, USHORT *both, USHORT *current, UCHAR value)
{
    *both = chip->high_byte ? (USHORT)((*both & 0xFF) | value << 8) : (USHORT)((*both & 0xFF00) | value);
    *current = *both;
    chip->high_byte = !chip->high_byte;
}

static void write_channel(struct chip *chip, ULONG at, UCHAR value)
{
    struct channel *channel = &chip->channel[at / 2];

    if (at % 2 == 0)
        put_byte(chip, &channel->base_address, &channel->address, value);
    else
        put_byte(chip, &channel->base_count, &channel->count, value);
    channel->over = false;
}

static void write_mode(struct chip *chip, UCHAR value)
{
    chip->channel[value & 3].mode = value;
    chip->channel[value & 3].over = false;
}

static void mask_all(struct chip *chip, UCHAR bits)
{
    for (unsigned i = 0; i < 4; i++)
        chip->channel[i].masked = bits >> i & 1;
}

static void write_register(struct chip *chip, ULONG at, UCHAR value)
{
    struct channel *channel = &chip->channel[value & 3];

    switch (at) {
    case 0x8:
        chip->command = value;
        break;
    case 0x9:
        channel->asked = value & 4;
        break;
    case 0xA:
        channel->masked = value & 4;
        break;
    case 0xB:
        write_mode(chip, value);
        break;
    case 0xC:
        chip->high_byte = false;
        break;
    case 0xD:
        reset(chip);
        break;
    case 0xE:
        mask_all(chip, 0);
        break;
    case 0xF:
        mask_all(chip, value);
        break;
    default:
        write_channel(chip, at, value);
    }
}

static UCHAR read_status(struct chip *chip)
{
    UCHAR status = 0;

    for (unsigned i = 0; i < 4; i++) {
        status |= (UCHAR)(chip->channel[i].terminal << i | chip->channel[i].asked << (i + 4));
        chip->channel[i].terminal = false;
    }
    return status;
}

static UCHAR read_masks(const struct chip *chip)
{
    UCHAR masks = 0xF0;

    for (unsigned i = 0; i < 4; i++)
        masks |= (UCHAR)(chip->channel[i].masked << i);
    return masks;
}

static UCHAR read_register(struct chip *chip, ULONG at)
{
    const struct channel *channel = &chip->channel[at / 2 % 4];
    USHORT value = at % 2 == 0 ? channel->address : channel->count;

    if (at == 0x8)
        return read_status(chip);
    if (at == 0xF)
        return read_masks(chip);
    if (at > 0x7)
        return 0;
    chip->high_byte = !chip->high_byte;
    return (UCHAR)(chip->high_byte ? value : value >> 8);
}

/* ---- ports: the second chip has its registers at every other one ---- */

static ULONG port_read(void *context, USHORT offset, unsigned width_bytes)
{
    struct chip *chip = context;
    UCHAR value;

    rl_lock_acquire(&lock);
    value = read_register(chip, chip == &chips[0] ? offset : offset / 2u);
    rl_lock_release(&lock);
    return value;
}

static void port_write(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct chip *chip = context;

    rl_lock_acquire(&lock);
    write_register(chip, chip == &chips[0] ? offset : offset / 2u, (UCHAR)value);
    rl_lock_release(&lock);
}

static ULONG page_read(void *context, USHORT offset, unsigned width_bytes)
{
    return pages[offset];
}

static void page_write(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    pages[offset] = (UCHAR)value;
}

static struct hal_port_range ranges[] = {
    {.first = 0x00, .count = 16, .context = &chips[0], .read = port_read, .write = port_write},
    {.first = 0xC0, .count = 32, .context = &chips[1], .read = port_read, .write = port_write},
    {.first = 0x80, .count = 16, .read = page_read, .write = page_write},
};

/* As the firmware leaves it: all masked but the chain. */
void dma8237_init(void)
{
    lock = (rl_lock){0};
    __builtin_memset(chips, 0, sizeof(chips));
    __builtin_memset(pages, 0, sizeof(pages));
    reset(&chips[0]);
    reset(&chips[1]);
    chips[1].channel[0].mode = MODE_CASCADE;
    chips[1].channel[0].masked = false;
    for (unsigned i = 0; i < countof(ranges); i++)
        (void)hal_add_ports(&ranges[i]);
}

void dma8237_fini(void)
{
    for (unsigned i = 0; i < countof(ranges); i++)
        hal_remove_ports(&ranges[i]);
}

/* ---- what the HAL does through the ports ---- */

void dma8237_program(ULONG channel, uint64_t pa, ULONG bytes, UCHAR mode)
{
    struct chip *chip = &chips[channel / 4];
    ULONG unit = unit_of(channel), at = channel % 4 * 2;
    ULONG address = (ULONG)(pa / unit) & 0xFFFF, count = bytes / unit - 1;

    rl_lock_acquire(&lock);
    write_register(chip, 0xA, (UCHAR)(4 | channel % 4));
    write_register(chip, 0xC, 0);
    write_register(chip, 0xB, (UCHAR)(mode | channel % 4));
    write_register(chip, at, (UCHAR)address);
    write_register(chip, at, (UCHAR)(address >> 8));
    pages[page_of[channel]] = (UCHAR)(pa >> 16);
    write_register(chip, at + 1, (UCHAR)count);
    write_register(chip, at + 1, (UCHAR)(count >> 8));
    write_register(chip, 0xA, (UCHAR)(channel % 4));
    rl_lock_release(&lock);
}

void dma8237_mask(ULONG channel)
{
    rl_lock_acquire(&lock);
    write_register(&chips[channel / 4], 0xA, (UCHAR)(4 | channel % 4));
    rl_lock_release(&lock);
}

ULONG dma8237_left(ULONG channel)
{
    const struct channel *state = channel_at(channel);
    ULONG left;

    rl_lock_acquire(&lock);
    left = state->over ? 0 : (state->count + 1u) * unit_of(channel);
    rl_lock_release(&lock);
    return left;
}

/* ---- a device's requests ---- */

struct cycle {
    uint64_t pa;
    UCHAR transfer; /* DMA8237_TO_MEMORY, ..._FROM_MEMORY, 0: verify */
    bool terminal, block;
};

/* Locked. The channel counts one unit on; false: it does not serve the device. */
static bool step(ULONG number, struct cycle *cycle)
{
    struct channel *channel = channel_at(number);

    if (channel->masked || (chips[number / 4].command & COMMAND_DISABLED) ||
        (channel->mode & MODE_KIND) == MODE_CASCADE)
        return false;
    *cycle = (struct cycle){.pa = address_of(number),
                            .transfer = channel->mode & MODE_TRANSFER,
                            .terminal = channel->count == 0,
                            .block = (channel->mode & MODE_KIND) == DMA8237_BLOCK};
    channel->address = (USHORT)(channel->mode & MODE_DECREMENT ? channel->address - 1 : channel->address + 1);
    channel->count--;
    if (!cycle->terminal)
        return true;
    channel->terminal = true;
    if (channel->mode & DMA8237_AUTO_INITIALIZE) {
        channel->address = channel->base_address;
        channel->count = channel->base_count;
    } else {
        channel->masked = channel->over = true;
    }
    return true;
}

static void move(const struct hal_dma_device *device, const struct cycle *cycle, ULONG unit)
{
    USHORT value = 0;

    if (cycle->transfer == DMA8237_TO_MEMORY) {
        value = (USHORT)device->read(device->context, cycle->terminal);
        (void)hal_memory_write(cycle->pa, &value, unit);
    } else if (cycle->transfer == DMA8237_FROM_MEMORY) {
        (void)hal_memory_read(cycle->pa, &value, unit);
        device->write(device->context, value, cycle->terminal);
    }
}

/* Serves the device for as long as it asks, or, in block mode, to the end of the count. Bytes that moved; 0:
 * the channel is masked. Calls the device, with no lock held. */
size_t hal_dma_request(ULONG channel, const struct hal_dma_device *device)
{
    size_t moved = 0;
    struct cycle cycle = {0};

    do {
        bool served;

        rl_lock_acquire(&lock);
        served = channel < 8 && step(channel, &cycle);
        rl_lock_release(&lock);
        if (!served)
            break;
        move(device, &cycle, unit_of(channel));
        moved += unit_of(channel);
        if (cycle.terminal)
            dma_system_terminal(channel);
    } while ((cycle.block && !cycle.terminal) || device->wants(device->context));
    return moved;
}
