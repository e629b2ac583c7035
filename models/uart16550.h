/* SPDX-License-Identifier: MIT */
/*
 * The inside of the serial port model: registers (uart16550.c) on top of the
 * line (uart_line.c), which shifts characters in and out as time passes.
 */
#ifndef MODEL_UART16550_H
#define MODEL_UART16550_H

#include "hal/hal.h"
#include "base/lock.h"
#include "models/backend.h"

enum uart_register { UART_DATA, UART_IER, UART_IIR_FCR, UART_LCR, UART_MCR, UART_LSR, UART_MSR, UART_SCR };
enum { IER_RECEIVED = 1, IER_TRANSMIT = 2, IER_LINE = 4, IER_MODEM = 8 };
enum {
    IIR_MODEM = 0,
    IIR_NONE = 1,
    IIR_TRANSMIT = 2,
    IIR_RECEIVED = 4,
    IIR_LINE = 6,
    IIR_TIMEOUT = 12,
    IIR_FIFOS = 0xC0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RECEIVER = 2, FCR_CLEAR_TRANSMITTER = 4 };
enum { LCR_STOP = 4, LCR_PARITY = 8, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 16 };
enum {
    LSR_DR = 1,
    LSR_OE = 2,
    LSR_PE = 4,
    LSR_FE = 8,
    LSR_BI = 16,
    LSR_THRE = 32,
    LSR_TEMT = 64,
    LSR_FIFO = 128
};
enum { MSR_CTS = 16, MSR_DSR = 32, MSR_RI = 64, MSR_DCD = 128, MSR_INPUTS = 0xF0 };

#define UART_FIFO  16
#define UART_NEVER UINT64_MAX

/* Bytes on their way to the port from outside. */
struct uart_queue {
    unsigned char *bytes;
    uint32_t size; /* a power of two */
    uint32_t put, taken;
};

struct uart_character {
    UCHAR byte, errors; /* LSR_PE, FE, BI */
};

struct uart {
    struct model model;
    struct hal_port_range ports;
    struct hal_pin pin;
    struct hal_timer timer;
    struct backend backend;
    uint64_t clock_hz;
    bool flow_control; /* what a backend sends waits for RTS and for room */
    rl_lock lock;

    /* All below is guarded by the lock. Times are of hal_now_ns; UART_NEVER: not under way. */
    UCHAR ier, fcr, lcr, mcr, scr;
    USHORT divisor;
    UCHAR line_inputs;  /* MSR_INPUTS as the other end sets them */
    UCHAR modem_inputs; /* MSR_INPUTS as the port last saw them */
    UCHAR modem_deltas;

    UCHAR transmit_fifo[UART_FIFO];
    unsigned transmit_count, transmit_most; /* most: since the transmitter was last empty */
    UCHAR shifted_out;
    uint64_t shifted_out_at;
    bool transmit_interrupt, transmit_prompt; /* prompt: the next one is not held back */
    uint64_t transmit_interrupt_at;

    struct uart_character receive_fifo[UART_FIFO];
    unsigned receive_count;
    UCHAR line_errors; /* LSR_OE, PE, FE, BI not yet read */
    UCHAR shifted_in;
    uint64_t shifted_in_at;
    bool timeout_interrupt;
    uint64_t timeout_at;
    struct uart_queue wire;    /* comes whether there is room or not */
    struct uart_queue pending; /* of the backend */
    bool backend_waits;        /* there was no room for all it had */

    uint64_t timer_at;
};

/* ---- uart_line.c: with the lock held ---- */
/* Brings the line up to now: characters that have arrived, that have left, time-outs. */
void uart_catch_up(struct uart *uart, uint64_t now);
uint64_t uart_next_event(const struct uart *uart);
void uart_transmit(struct uart *uart, UCHAR byte, uint64_t now);
UCHAR uart_receive(struct uart *uart, uint64_t now); /* RBR is read */
void uart_listen(struct uart *uart, uint64_t now);   /* something may begin to arrive */
void uart_clear_receiver(struct uart *uart);
void uart_clear_transmitter(struct uart *uart, uint64_t now);
void uart_break(struct uart *uart, uint64_t now); /* the break bit was set */
unsigned uart_trigger(const struct uart *uart);
uint64_t uart_character_ns(const struct uart *uart);
size_t uart_queue_put(struct uart_queue *queue, const void *bytes, size_t length);
size_t uart_queue_room(const struct uart_queue *queue);

extern const struct model_type model_uart16550;

#endif
