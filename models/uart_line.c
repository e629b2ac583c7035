/* SPDX-License-Identifier: MIT */
/*
 * The serial line of a 16550: two shift registers and two FIFOs in time. The
 * state is brought up to a moment when somebody looks; in between only the
 * times of the next events are kept. Everything here runs with the port's lock
 * held.
 */
#include "models/uart16550.h"

static bool has_fifos(const struct uart *uart)
{
    return uart->fcr & FCR_ENABLE;
}

static unsigned depth(const struct uart *uart)
{
    return has_fifos(uart) ? UART_FIFO : 1;
}

/* Stop bits in halves: 1, 2, or 1.5 for five data bits. */
static unsigned stop_halves(const struct uart *uart)
{
    return !(uart->lcr & LCR_STOP) ? 2 : (uart->lcr & 3) == 0 ? 3 : 4;
}

/* The counter counts 2^16 for a divisor of 0. A bit takes 16 cycles of the divided clock. */
static uint64_t halves_ns(const struct uart *uart, unsigned halves)
{
    uint64_t divisor = uart->divisor != 0 ? uart->divisor : 0x10000;

    return divisor * halves * 8 * 1000000000 / uart->clock_hz;
}

uint64_t uart_character_ns(const struct uart *uart)
{
    unsigned bits = 1 + 5 + (uart->lcr & 3) + (uart->lcr & LCR_PARITY ? 1 : 0);

    return halves_ns(uart, bits * 2 + stop_halves(uart));
}

/* ---- bytes from outside ---- */

size_t uart_queue_room(const struct uart_queue *queue)
{
    return queue->size - (queue->put - queue->taken);
}

size_t uart_queue_put(struct uart_queue *queue, const void *bytes, size_t length)
{
    length = MIN(length, uart_queue_room(queue));
    for (size_t i = 0; i < length; i++)
        queue->bytes[queue->put++ & (queue->size - 1)] = ((const UCHAR *)bytes)[i];
    return length;
}

static bool queue_take(struct uart_queue *queue, UCHAR *byte)
{
    if (queue->put == queue->taken)
        return false;
    *byte = queue->bytes[queue->taken++ & (queue->size - 1)];
    return true;
}

/* ---- the receiver ---- */

unsigned uart_trigger(const struct uart *uart)
{
    static const UCHAR levels[] = {1, 4, 8, 14};

    return has_fifos(uart) ? levels[uart->fcr >> 6] : 1;
}

/* The errors of a character show in the line status when it comes to the top. */
static void reveal_top(struct uart *uart)
{
    if (uart->receive_count != 0)
        uart->line_errors |= uart->receive_fifo[0].errors;
}

/* The time-out runs anew from each character that comes or goes, until it has struck. */
static void restart_timeout(struct uart *uart, uint64_t now)
{
    bool runs = has_fifos(uart) && uart->receive_count != 0 && !uart->timeout_interrupt;

    uart->timeout_at = runs ? now + 4 * uart_character_ns(uart) : UART_NEVER;
}

/* A full FIFO keeps what it has; without FIFOs the new character takes the place of the old one. */
static void deliver(struct uart *uart, struct uart_character character, uint64_t now)
{
    bool full = uart->receive_count == depth(uart);

    if (full)
        uart->line_errors |= LSR_OE;
    if (!full || !has_fifos(uart)) {
        uart->receive_count -= full;
        uart->receive_fifo[uart->receive_count++] = character;
        if (uart->receive_count == 1)
            reveal_top(uart);
    }
    restart_timeout(uart, now);
}

UCHAR uart_receive(struct uart *uart, uint64_t now)
{
    UCHAR byte = uart->receive_fifo[0].byte;

    if (uart->receive_count != 0) {
        uart->receive_count--;
        if (uart->receive_count != 0)
            __builtin_memmove(uart->receive_fifo, uart->receive_fifo + 1,
                              uart->receive_count * sizeof(uart->receive_fifo[0]));
        reveal_top(uart);
    }
    uart->timeout_interrupt = false;
    restart_timeout(uart, now);
    uart_listen(uart, now);
    return byte;
}

void uart_clear_receiver(struct uart *uart)
{
    uart->receive_count = 0;
    uart->timeout_interrupt = false;
    uart->timeout_at = UART_NEVER;
}

/* The other end honours RTS, and looks at the room that is left as a terminal with XON and XOFF would. */
static bool other_end_may_send(const struct uart *uart)
{
    return !uart->flow_control ||
           (uart->mcr & MCR_RTS && !(uart->mcr & MCR_LOOP) && uart->receive_count < depth(uart));
}

void uart_listen(struct uart *uart, uint64_t now)
{
    if (uart->shifted_in_at != UART_NEVER)
        return;
    if (queue_take(&uart->wire, &uart->shifted_in) ||
        (other_end_may_send(uart) && queue_take(&uart->pending, &uart->shifted_in)))
        uart->shifted_in_at = now + uart_character_ns(uart);
}

/* In loopback mode the input pin leads nowhere. */
static void end_of_reception(struct uart *uart, uint64_t at)
{
    UCHAR mask = (UCHAR)(0xFF >> (3 - (uart->lcr & 3)));

    uart->shifted_in_at = UART_NEVER;
    if (!(uart->mcr & MCR_LOOP))
        deliver(uart, (struct uart_character){.byte = uart->shifted_in & mask}, at);
    uart_listen(uart, at);
}

/* ---- the transmitter ---- */

/* THR or the FIFO became empty. A FIFO that never held two characters would interrupt once for each: so the
 * interrupt is held back for the time of one, without its stop bits, in which more may be written. */
static void transmitter_is_empty(struct uart *uart, uint64_t now)
{
    if (has_fifos(uart) && uart->transmit_most < 2 && !uart->transmit_prompt)
        uart->transmit_interrupt_at = now + uart_character_ns(uart) - halves_ns(uart, stop_halves(uart));
    else
        uart->transmit_interrupt = true;
    uart->transmit_most = 0;
    uart->transmit_prompt = false;
}

static void shift_out_next(struct uart *uart, uint64_t now)
{
    uart->shifted_out = uart->transmit_fifo[0];
    uart->transmit_count--;
    __builtin_memmove(uart->transmit_fifo, uart->transmit_fifo + 1, uart->transmit_count);
    uart->shifted_out_at = now + uart_character_ns(uart);
    if (uart->transmit_count == 0)
        transmitter_is_empty(uart, now);
}

/* What does not fit takes the place of what was written last. */
void uart_transmit(struct uart *uart, UCHAR byte, uint64_t now)
{
    uart->transmit_interrupt = false;
    uart->transmit_interrupt_at = UART_NEVER;
    if (uart->transmit_count == depth(uart))
        uart->transmit_count--;
    uart->transmit_fifo[uart->transmit_count++] = byte;
    uart->transmit_most = MAX(uart->transmit_most, uart->transmit_count);
    if (uart->shifted_out_at == UART_NEVER)
        shift_out_next(uart, now);
}

void uart_clear_transmitter(struct uart *uart, uint64_t now)
{
    bool held = uart->transmit_count != 0;

    uart->transmit_count = 0;
    if (held)
        transmitter_is_empty(uart, now);
}

/* While the break bit is set, the line is at 0 and nothing that is shifted out can be told from that. */
static void end_of_transmission(struct uart *uart, uint64_t at)
{
    UCHAR mask = (UCHAR)(0xFF >> (3 - (uart->lcr & 3)));

    uart->shifted_out_at = UART_NEVER;
    if (!(uart->lcr & LCR_BREAK)) {
        if (uart->mcr & MCR_LOOP)
            deliver(uart, (struct uart_character){.byte = uart->shifted_out & mask}, at);
        else
            backend_send(&uart->backend, uart->shifted_out & mask);
    }
    if (uart->transmit_count != 0)
        shift_out_next(uart, at);
}

/* In loopback mode the receiver sees it: one character of zeros, however long it lasts. */
void uart_break(struct uart *uart, uint64_t now)
{
    if (uart->mcr & MCR_LOOP)
        deliver(uart, (struct uart_character){.byte = 0, .errors = LSR_BI | LSR_FE}, now);
}

/* ---- time ---- */

uint64_t uart_next_event(const struct uart *uart)
{
    return MIN(MIN(uart->shifted_out_at, uart->shifted_in_at),
               MIN(uart->timeout_at, uart->transmit_interrupt_at));
}

void uart_catch_up(struct uart *uart, uint64_t now)
{
    uint64_t at;

    while ((at = uart_next_event(uart)) <= now) {
        if (at == uart->transmit_interrupt_at) {
            uart->transmit_interrupt_at = UART_NEVER;
            uart->transmit_interrupt = true;
        } else if (at == uart->shifted_out_at) {
            end_of_transmission(uart, at);
        } else if (at == uart->shifted_in_at) {
            end_of_reception(uart, at);
        } else {
            uart->timeout_at = UART_NEVER;
            uart->timeout_interrupt = true;
        }
    }
}
