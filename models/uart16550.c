/* SPDX-License-Identifier: MIT */
/*
 * uart16550: the serial port of a PC, after the data sheet of the PC16550D.
 * Registers, interrupt identification, modem lines; the line itself is
 * uart_line.c. A register access first brings the line up to now and last sets
 * the interrupt line and the timer for what comes next.
 */
#include "models/uart16550.h"
#include "host/host.h"
#include "nt/status.h"

enum { QUEUE_BYTES = 64 << 10, INPUT_LIMIT = 64 << 20, CRYSTAL_HZ = 1843200 };

static bool has_fifos(const struct uart *uart)
{
    return uart->fcr & FCR_ENABLE;
}

/* The interrupt with the highest priority among those enabled. */
static UCHAR identify(const struct uart *uart)
{
    if (uart->ier & IER_LINE && uart->line_errors != 0)
        return IIR_LINE;
    if (uart->ier & IER_RECEIVED && uart->receive_count >= uart_trigger(uart))
        return IIR_RECEIVED;
    if (uart->ier & IER_RECEIVED && uart->timeout_interrupt)
        return IIR_TIMEOUT;
    if (uart->ier & IER_TRANSMIT && uart->transmit_interrupt)
        return IIR_TRANSMIT;
    if (uart->ier & IER_MODEM && uart->modem_deltas != 0)
        return IIR_MODEM;
    return IIR_NONE;
}

/* A PC leads the interrupt through a gate that OUT2 opens; in loopback mode that pin is inactive. */
static void settle(struct uart *uart, uint64_t now)
{
    bool gate = (uart->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
    uint64_t next = uart_next_event(uart);

    hal_set_pin(&uart->pin, gate && identify(uart) != IIR_NONE);
    if (next != UART_NEVER && next != uart->timer_at) {
        uart->timer_at = next;
        hal_timer_start(&uart->timer, next - now);
    }
}

/* In loopback mode the four outputs are the four inputs. */
static UCHAR modem_lines(const struct uart *uart)
{
    UCHAR mcr = uart->mcr;

    if (!(mcr & MCR_LOOP))
        return uart->line_inputs;
    return (UCHAR)((mcr & MCR_DTR ? MSR_DSR : 0) | (mcr & MCR_RTS ? MSR_CTS : 0) |
                   (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* Each input has its delta four bits below. That of the ring indicator is for its end only. */
static void look_at_modem_lines(struct uart *uart)
{
    UCHAR lines = modem_lines(uart), changed = lines ^ uart->modem_inputs;

    if (lines & MSR_RI)
        changed &= (UCHAR)~MSR_RI;
    uart->modem_deltas |= changed >> 4;
    uart->modem_inputs = lines;
}

/* ---- registers ---- */

static UCHAR read_iir(struct uart *uart)
{
    UCHAR id = identify(uart);

    if (id == IIR_TRANSMIT)
        uart->transmit_interrupt = false;
    return (UCHAR)(id | (has_fifos(uart) ? IIR_FIFOS : 0));
}

static UCHAR read_lsr(struct uart *uart)
{
    UCHAR lsr = uart->line_errors;

    if (uart->receive_count != 0)
        lsr |= LSR_DR;
    if (uart->transmit_count == 0)
        lsr |= uart->shifted_out_at == UART_NEVER ? LSR_THRE | LSR_TEMT : LSR_THRE;
    for (unsigned i = 0; has_fifos(uart) && i < uart->receive_count; i++)
        lsr |= uart->receive_fifo[i].errors != 0 ? LSR_FIFO : 0;
    uart->line_errors = 0;
    uart->receive_fifo[0].errors = 0;
    return lsr;
}

static UCHAR read_msr(struct uart *uart)
{
    UCHAR msr = uart->modem_inputs | uart->modem_deltas;

    uart->modem_deltas = 0;
    return msr;
}

static UCHAR read_register(struct uart *uart, unsigned offset, uint64_t now)
{
    switch (offset) {
    case UART_DATA:
        return uart->lcr & LCR_DLAB ? (UCHAR)uart->divisor : uart_receive(uart, now);
    case UART_IER:
        return uart->lcr & LCR_DLAB ? (UCHAR)(uart->divisor >> 8) : uart->ier;
    case UART_IIR_FCR:
        return read_iir(uart);
    case UART_LCR:
        return uart->lcr;
    case UART_MCR:
        return uart->mcr;
    case UART_LSR:
        return read_lsr(uart);
    case UART_MSR:
        return read_msr(uart);
    case UART_SCR:
        return uart->scr;
    default:
        return 0xFF;
    }
}

/* Enabling the interrupt of a transmitter that is empty already interrupts at once. */
static void write_ier(struct uart *uart, UCHAR value)
{
    if (value & ~uart->ier & IER_TRANSMIT && uart->transmit_count == 0) {
        uart->transmit_interrupt = true;
        uart->transmit_interrupt_at = UART_NEVER;
        uart->transmit_prompt = false;
    }
    uart->ier = value & 0x0F;
}

/* A change of the enable bit empties both FIFOs; the other bits are programmed only together with it. */
static void write_fcr(struct uart *uart, UCHAR value, uint64_t now)
{
    bool change = (value ^ uart->fcr) & FCR_ENABLE;

    if (change || value & FCR_CLEAR_RECEIVER)
        uart_clear_receiver(uart);
    if (change || value & FCR_CLEAR_TRANSMITTER)
        uart_clear_transmitter(uart, now);
    if (change)
        uart->transmit_prompt = true;
    uart->fcr = value & FCR_ENABLE ? value & 0xC9 : 0;
    uart_listen(uart, now);
}

static void write_lcr(struct uart *uart, UCHAR value, uint64_t now)
{
    bool begins = value & ~uart->lcr & LCR_BREAK;

    uart->lcr = value;
    if (begins)
        uart_break(uart, now);
}

static void write_mcr(struct uart *uart, UCHAR value, uint64_t now)
{
    uart->mcr = value & 0x1F;
    look_at_modem_lines(uart);
    uart_listen(uart, now);
}

static void write_register(struct uart *uart, unsigned offset, UCHAR value, uint64_t now)
{
    bool latch = uart->lcr & LCR_DLAB;

    if (offset == UART_DATA && latch)
        uart->divisor = (uart->divisor & 0xFF00) | value;
    else if (offset == UART_DATA)
        uart_transmit(uart, value, now);
    else if (offset == UART_IER && latch)
        uart->divisor = (USHORT)((uart->divisor & 0xFF) | value << 8);
    else if (offset == UART_IER)
        write_ier(uart, value);
    else if (offset == UART_IIR_FCR)
        write_fcr(uart, value, now);
    else if (offset == UART_LCR)
        write_lcr(uart, value, now);
    else if (offset == UART_MCR)
        write_mcr(uart, value, now);
    else if (offset == UART_SCR)
        uart->scr = value;
}

/* ---- from the bus, the timer, the other end ---- */

static uint64_t enter(struct uart *uart)
{
    uint64_t now;

    rl_lock_acquire(&uart->lock);
    now = hal_now_ns();
    uart_catch_up(uart, now);
    return now;
}

/* The backend is told of room outside the lock, under which it hands bytes over. */
static void leave(struct uart *uart, uint64_t now)
{
    bool room = uart->backend_waits && uart_queue_room(&uart->pending) >= uart->pending.size / 2;

    settle(uart, now);
    if (room)
        uart->backend_waits = false;
    rl_lock_release(&uart->lock);
    if (room)
        backend_resume(&uart->backend);
}

/* The bus makes byte cycles of a wider access. */
static ULONG read_ports(void *context, USHORT offset, unsigned width_bytes)
{
    struct uart *uart = context;
    uint64_t now = enter(uart);
    ULONG value = 0;

    for (unsigned i = 0; i < width_bytes; i++)
        value |= (ULONG)read_register(uart, offset + i, now) << 8 * i;
    leave(uart, now);
    return value;
}

static void write_ports(void *context, USHORT offset, ULONG value, unsigned width_bytes)
{
    struct uart *uart = context;
    uint64_t now = enter(uart);

    for (unsigned i = 0; i < width_bytes; i++)
        write_register(uart, offset + i, (UCHAR)(value >> 8 * i), now);
    leave(uart, now);
}

static void timer_due(void *context)
{
    struct uart *uart = context;
    uint64_t now = enter(uart);

    uart->timer_at = UART_NEVER;
    leave(uart, now);
}

static size_t backend_received(void *context, const unsigned char *bytes, size_t length)
{
    struct uart *uart = context;
    uint64_t now = enter(uart);
    size_t taken = uart_queue_put(&uart->pending, bytes, length);

    uart->backend_waits = taken < length;
    uart_listen(uart, now);
    leave(uart, now);
    return taken;
}

static void set_carrier(struct uart *uart, bool on)
{
    uart->line_inputs = (UCHAR)(on ? uart->line_inputs | MSR_DCD : uart->line_inputs & ~MSR_DCD);
}

/* A terminal program that comes is a carrier that is detected. */
static void backend_connected(void *context, bool connected)
{
    struct uart *uart = context;
    uint64_t now = enter(uart);

    set_carrier(uart, connected);
    look_at_modem_lines(uart);
    leave(uart, now);
}

static NTSTATUS input(struct model *model, const void *data, size_t length, char *message, size_t size)
{
    struct uart *uart = container_of(model, struct uart, model);
    uint64_t now = enter(uart);
    bool fits = length <= uart_queue_room(&uart->wire);

    if (fits) {
        uart_queue_put(&uart->wire, data, length);
        uart_listen(uart, now);
    }
    leave(uart, now);
    if (fits)
        return STATUS_SUCCESS;
    host_snprintf(message, size, "%s takes %u bytes at a time", model->name, uart->wire.size);
    return STATUS_BUFFER_OVERFLOW;
}

/* ---- its making and its end ---- */

static void stop(struct model *model)
{
    struct uart *uart = container_of(model, struct uart, model);

    rl_lock_acquire(&uart->lock);
    while (uart->shifted_out_at != UART_NEVER) /* what is on its way still arrives */
        uart_catch_up(uart, uart_next_event(uart));
    rl_lock_release(&uart->lock);
    backend_stop(&uart->backend);
}

static void free_uart(struct uart *uart)
{
    host_free(uart->wire.bytes);
    host_free(uart->pending.bytes);
    host_free(uart);
}

static void destroy(struct model *model)
{
    struct uart *uart = container_of(model, struct uart, model);

    hal_timer_stop(&uart->timer);
    hal_remove_ports(&uart->ports);
    hal_remove_pin(&uart->pin);
    backend_close(&uart->backend);
    free_uart(uart);
}

static const struct model_ops operations = {input, stop, destroy};

static bool number_key(const struct model_description *description, const char *key, uint64_t limit,
                       uint64_t *value, char *message, size_t size)
{
    const char *text = model_value(description, key);

    if (text == NULL || (model_number(text, value) && *value <= limit))
        return true;
    host_snprintf(message, size, "%s=%s: wants a number up to %llu", key, text, (unsigned long long)limit);
    return false;
}

static bool flow_key(const struct model_description *description, bool *control, char *message, size_t size)
{
    const char *text = model_value(description, "flow");

    *control = text == NULL || __builtin_strcmp(text, "rts") == 0;
    if (*control || __builtin_strcmp(text, "none") == 0)
        return true;
    host_snprintf(message, size, "flow is rts or none, not '%s'", text);
    return false;
}

/* What comes from a file is there from the beginning. */
static bool make_queues(struct uart *uart, const char *path, char *message, size_t size)
{
    size_t length = 0;
    void *bytes = path != NULL ? host_read_file(path, &length, INPUT_LIMIT, message, size) : NULL;
    uint32_t room = QUEUE_BYTES;

    if (path != NULL && bytes == NULL)
        return false;
    while (room < length)
        room *= 2;
    uart->wire = (struct uart_queue){.bytes = host_alloc(QUEUE_BYTES), .size = QUEUE_BYTES};
    uart->pending = (struct uart_queue){.bytes = host_alloc(room), .size = room};
    uart_queue_put(&uart->pending, bytes, length);
    host_free(bytes);
    return true;
}

static bool read_description(struct uart *uart, const struct model_description *description, char *message,
                             size_t size)
{
    static const char *const keys[] = {"port", "irq", "clock", "flow", "input", "backend", NULL};
    uint64_t port = 0x3F8, irq = 4, clock = CRYSTAL_HZ;

    if (!model_only_keys(description, keys, message, size) ||
        !number_key(description, "port", 0xFFF8, &port, message, size) ||
        !number_key(description, "irq", HAL_LINES - 1, &irq, message, size) ||
        !number_key(description, "clock", 1000000000, &clock, message, size) ||
        !flow_key(description, &uart->flow_control, message, size) ||
        !make_queues(uart, model_value(description, "input"), message, size))
        return false;
    uart->clock_hz = MAX(clock, 1);
    uart->ports.first = (USHORT)port;
    uart->pin.line = (ULONG)irq;
    return true;
}

/* As after a reset. The divisor is what a PC's firmware leaves: 9600 bits a second. */
static void reset(struct uart *uart)
{
    uart->divisor = 12;
    uart->line_inputs = uart->modem_inputs = MSR_CTS | MSR_DSR | MSR_DCD;
    uart->transmit_prompt = true;
    uart->shifted_out_at = uart->shifted_in_at = UART_NEVER;
    uart->timeout_at = uart->transmit_interrupt_at = uart->timer_at = UART_NEVER;
}

static NTSTATUS connect_to_machine(struct uart *uart, char *message, size_t size)
{
    NTSTATUS status = hal_add_pin(&uart->pin, uart->pin.line);

    if (!NT_SUCCESS(status)) {
        host_snprintf(message, size, "there is no interrupt line %u", uart->pin.line);
        return status;
    }
    status = hal_add_ports(&uart->ports);
    if (NT_SUCCESS(status))
        return status;
    hal_remove_pin(&uart->pin);
    host_snprintf(message, size, "the ports from 0x%x are taken", uart->ports.first);
    return status;
}

static NTSTATUS start_backend(struct uart *uart, const struct model_description *description, char *message,
                              size_t size)
{
    const struct host_stream_events events = {backend_received, backend_connected, uart};
    NTSTATUS status = backend_open(&uart->backend, model_value(description, "backend"), message, size);

    if (!NT_SUCCESS(status))
        return status;
    uart->model.place = uart->backend.place;
    if (uart->backend.terminal) {
        set_carrier(uart, false);
        uart->modem_inputs = uart->line_inputs;
    }
    status = model_register(&uart->model, description, message, size);
    if (NT_SUCCESS(status) && !NT_SUCCESS(status = backend_start(&uart->backend, &events, message, size)))
        model_unregister(&uart->model);
    if (!NT_SUCCESS(status))
        backend_close(&uart->backend);
    return status;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    struct uart *uart = host_alloc(sizeof(*uart));
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    reset(uart);
    uart->model.ops = &operations;
    uart->model.pin = &uart->pin;
    uart->ports =
        (struct hal_port_range){.count = 8, .context = uart, .read = read_ports, .write = write_ports};
    hal_timer_init(&uart->timer, timer_due, uart);
    if (read_description(uart, description, message, size))
        status = connect_to_machine(uart, message, size);
    if (NT_SUCCESS(status) && !NT_SUCCESS(status = start_backend(uart, description, message, size))) {
        hal_remove_ports(&uart->ports);
        hal_remove_pin(&uart->pin);
    }
    if (!NT_SUCCESS(status))
        free_uart(uart);
    return status;
}

const struct model_type model_uart16550 = {
    "uart16550",
    "uart16550[,port=0x3f8][,irq=4][,backend=file:PATH|pty|pty:LINK|stdio][,input=PATH]\n"
    "    [,flow=none][,clock=HZ]: a serial port",
    create};
