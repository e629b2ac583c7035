/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller as devices see it: 24 lines with a wired-or of pins
 * each, and the address that messages are written to. A line leads to a vector
 * of its own. The ISA lines have the old controller's priorities: 0, 1, 8..15,
 * 3..7; those of PCI come last.
 */
#include "hal/internal.h"
#include "base/lock.h"

#define MESSAGE_ADDRESS_MASK 0xFFFFFFFFFFF00000ull

static const UCHAR line_vectors[HAL_LINES] = {
    0xB0, 0xA0, 0x90, 0x71,     0x62, 0x61, 0x60, 0x50, /* 0..7 */
    0xA1, 0x92, 0x91, 0x90 + 3, 0x82, 0x81, 0x80, 0x70, /* 8..15 */
    0x53, 0x52, 0x51, 0x54,     0x43, 0x42, 0x41, 0x40, /* PCI */
};

static LIST_ENTRY pins[HAL_LINES];
static unsigned asserted[HAL_LINES];
static rl_lock lock;

void hal_interrupts_init(void)
{
    hal_vectors_init();
    for (unsigned line = 0; line < HAL_LINES; line++) {
        list_init(&pins[line]);
        asserted[line] = 0;
    }
}

ULONG hal_vector_of_line(ULONG line)
{
    return line < HAL_LINES ? line_vectors[line] : 0;
}

ULONG hal_line_of_vector(ULONG vector)
{
    for (ULONG line = 0; line < HAL_LINES; line++)
        if (line_vectors[line] == vector)
            return line;
    return HAL_NO_LINE;
}

/* Owns: borrows the pin until hal_remove_pin. IRQL: any, and without a processor. */
NTSTATUS hal_add_pin(struct hal_pin *pin, ULONG line)
{
    if (line >= HAL_LINES)
        return STATUS_INVALID_PARAMETER;
    pin->line = line;
    pin->asserted = false;
    rl_lock_acquire(&lock);
    list_insert_tail(&pins[line], &pin->link);
    rl_lock_release(&lock);
    return STATUS_SUCCESS;
}

/* Locked, over both the count and the vector: so two pins of a line cannot pass one another. True: the vector
 * is to be requested. */
static bool set(struct hal_pin *pin, bool up)
{
    if (pin->asserted == up)
        return false;
    pin->asserted = up;
    asserted[pin->line] += up ? 1 : -1;
    return hal_vector_assert(line_vectors[pin->line], asserted[pin->line] != 0);
}

void hal_set_pin(struct hal_pin *pin, bool up)
{
    rl_lock_acquire(&lock);
    bool wanted = set(pin, up);
    rl_lock_release(&lock);
    if (wanted)
        hal_vector_request(line_vectors[pin->line]);
}

void hal_remove_pin(struct hal_pin *pin)
{
    rl_lock_acquire(&lock);
    set(pin, false);
    list_remove(&pin->link);
    rl_lock_release(&lock);
}

NTSTATUS hal_pulse_line(ULONG line)
{
    return line < HAL_LINES ? hal_vector_pulse(line_vectors[line]) : STATUS_INVALID_PARAMETER;
}

/* Fixed and lowest-priority delivery; a vector that nobody has connected, or is none, is dropped. */
void hal_send_message(uint64_t address, ULONG data)
{
    enum { DELIVERY_MODE = 0x700, LOWEST_PRIORITY = 0x100 };

    if ((address & MESSAGE_ADDRESS_MASK) == HAL_MESSAGE_ADDRESS && (data & DELIVERY_MODE) <= LOWEST_PRIORITY)
        hal_vector_pulse(data & 0xFF);
}
