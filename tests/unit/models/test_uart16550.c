/* SPDX-License-Identifier: MIT */
/*
 * The serial port by its registers, with a clock, a timer and an interrupt line
 * that the test turns by hand. Times are those of the data sheet: a bit takes
 * 16 cycles of 1.8432 MHz, divided.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/uart16550.h"
#include "nt/status.h"

/* ---- the machine around the port ---- */

static uint64_t now;
static struct hal_port_range *ports;
static struct hal_timer *timer;
static bool line;
static unsigned edges; /* how often the line rose */

uint64_t hal_now_ns(void)
{
    return now;
}

NTSTATUS hal_add_ports(struct hal_port_range *range)
{
    if (range->first == 0x2F8)
        return STATUS_CONFLICTING_ADDRESSES;
    ports = range;
    return STATUS_SUCCESS;
}

void hal_remove_ports(struct hal_port_range *range)
{
    assert_ptr_equal(range, ports);
    ports = NULL;
}

NTSTATUS hal_add_pin(struct hal_pin *pin, ULONG number)
{
    assert_true(number < HAL_LINES);
    return STATUS_SUCCESS;
}

void hal_remove_pin(struct hal_pin *pin)
{
    line = false;
}

void hal_set_pin(struct hal_pin *pin, bool asserted)
{
    edges += asserted && !line;
    line = asserted;
}

void hal_timer_init(struct hal_timer *it, void (*fn)(void *), void *context)
{
    *it = (struct hal_timer){.fn = fn, .context = context};
    timer = it;
}

void hal_timer_start(struct hal_timer *it, uint64_t delay_ns)
{
    it->armed = true;
    it->due_ns = now + delay_ns;
}

void hal_timer_stop(struct hal_timer *it)
{
    it->armed = false;
}

/* Lets time pass; the timer strikes when it is due. */
static void pass(uint64_t ns)
{
    uint64_t end = now + ns;

    while (timer->armed && timer->due_ns <= end) {
        now = timer->due_ns;
        timer->armed = false;
        timer->fn(timer->context);
    }
    now = end;
}

/* ---- the port ---- */

#define BIT_NS       8680 /* at 115200 bits a second, rounded down */
#define CHARACTER_NS (10 * BIT_NS + 10)

static char message[200];
static char sent_path[] = "/tmp/uart-test-XXXXXX";

static NTSTATUS make(const char *text)
{
    struct model_description d;

    assert_true(model_parse(&d, text, message, sizeof(message)));
    return model_uart16550.create(&d, message, sizeof(message));
}

static UCHAR in(unsigned offset)
{
    return (UCHAR)ports->read(ports->context, (USHORT)offset, 1);
}

static void out(unsigned offset, unsigned value)
{
    ports->write(ports->context, (USHORT)offset, value, 1);
}

static void type(const char *text)
{
    assert_int_equal(model_input("uart16550", text, strlen(text), message, sizeof(message)), STATUS_SUCCESS);
}

/* 115200, eight bits, no parity, one stop bit; the gate open. */
static void set_115200(void)
{
    out(UART_LCR, 0x83);
    out(UART_DATA, 1);
    out(UART_IER, 0);
    out(UART_LCR, 3);
}

static int begin(void **state)
{
    char text[100];

    now = 1000;
    line = false;
    edges = 0;
    snprintf(text, sizeof(text), "uart16550,backend=file:%s", sent_path);
    if (make(text) != STATUS_SUCCESS)
        return -1;
    set_115200();
    out(UART_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    return 0;
}

static int end(void **state)
{
    model_stop_all();
    model_destroy_all();
    return ports == NULL ? 0 : -1;
}

/* What has gone out by the end. */
static void expect_sent(const char *text)
{
    char bytes[64] = "";
    FILE *file = fopen(sent_path, "r");
    size_t length;

    assert_non_null(file);
    model_stop_all();
    length = fread(bytes, 1, sizeof(bytes) - 1, file);
    fclose(file);
    assert_int_equal(length, strlen(text));
    assert_string_equal(bytes, text);
}

static void registers_after_reset(void **state)
{
    end(NULL);
    assert_int_equal(make("uart16550"), STATUS_SUCCESS);
    assert_int_equal(in(UART_IER), 0);
    assert_int_equal(in(UART_IIR_FCR), IIR_NONE);
    assert_int_equal(in(UART_LCR), 0);
    assert_int_equal(in(UART_MCR), 0);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_MSR), MSR_CTS | MSR_DSR | MSR_DCD);
    out(UART_SCR, 0x5A);
    assert_int_equal(in(UART_SCR), 0x5A);
    out(UART_IER, 0xFF);
    assert_int_equal(in(UART_IER), 0x0F);
    out(UART_MCR, 0xFF);
    assert_int_equal(in(UART_MCR), 0x1F);
    assert_false(line);
}

static void the_divisor_lies_behind_a_latch(void **state)
{
    out(UART_LCR, 0x83);
    out(UART_DATA, 0x34);
    out(UART_IER, 0x12);
    assert_int_equal(in(UART_DATA), 0x34);
    assert_int_equal(in(UART_IER), 0x12);
    out(UART_LCR, 3);
    assert_int_equal(in(UART_IER), 0);
    assert_int_equal(in(UART_DATA), 0);
    out(UART_LCR, 0x83);
    assert_int_equal(in(UART_DATA), 0x34);
    assert_int_equal(ports->read(ports->context, UART_DATA, 2), 0x1234);
}

static void a_character_takes_its_time(void **state)
{
    out(UART_DATA, 'a');
    assert_int_equal(in(UART_LSR), LSR_THRE); /* THR is free as soon as the shift register has it */
    out(UART_DATA, 'b');
    assert_int_equal(in(UART_LSR), 0);
    pass(CHARACTER_NS - 100);
    assert_int_equal(in(UART_LSR), 0);
    pass(200);
    assert_int_equal(in(UART_LSR), LSR_THRE);
    pass(CHARACTER_NS);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    expect_sent("ab");
}

static void frames_and_divisors_set_the_time(void **state)
{
    static const struct {
        UCHAR lcr;
        unsigned divisor, half_bits;
    } frames[] = {{3, 1, 20},   {0, 1, 14},    {4, 1, 15},       {7, 1, 22},
                  {0xB, 1, 22}, {0x1F, 1, 24}, {3, 12, 20 * 12}, {2, 384, 18 * 384}};

    for (unsigned i = 0; i < countof(frames); i++) {
        uint64_t time = (uint64_t)frames[i].half_bits * 8 * 1000000000 / 1843200;

        out(UART_LCR, LCR_DLAB);
        out(UART_DATA, frames[i].divisor & 0xFF);
        out(UART_IER, frames[i].divisor >> 8);
        out(UART_LCR, frames[i].lcr);
        out(UART_DATA, 'x');
        pass(time - 10);
        assert_false(in(UART_LSR)&LSR_TEMT);
        pass(20);
        assert_true(in(UART_LSR)&LSR_TEMT);
    }
}

static void an_empty_transmitter_interrupts(void **state)
{
    assert_false(line);
    out(UART_IER, IER_TRANSMIT); /* it is empty already */
    assert_true(line);
    assert_int_equal(in(UART_IIR_FCR), IIR_TRANSMIT); /* the reading clears it */
    assert_false(line);
    assert_int_equal(in(UART_IIR_FCR), IIR_NONE);
    out(UART_DATA, 'a'); /* goes to the shift register: empty again */
    assert_true(line);
    out(UART_DATA, 'b'); /* the writing clears it */
    assert_false(line);
    pass(CHARACTER_NS);
    assert_true(line);
    assert_int_equal(in(UART_IIR_FCR), IIR_TRANSMIT);
    pass(10 * CHARACTER_NS);
    assert_false(line);
    out(UART_IER, 0);
    out(UART_IER, IER_TRANSMIT);
    assert_true(line);
}

static void received_data_interrupts_until_read(void **state)
{
    out(UART_IER, IER_RECEIVED);
    type("xy");
    pass(CHARACTER_NS - 100);
    assert_false(line);
    assert_int_equal(in(UART_LSR)&LSR_DR, 0);
    pass(200);
    assert_true(line);
    assert_int_equal(in(UART_IIR_FCR), IIR_RECEIVED);
    assert_int_equal(in(UART_IIR_FCR), IIR_RECEIVED);
    assert_int_equal(in(UART_LSR), LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_DATA), 'x');
    assert_false(line);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    pass(CHARACTER_NS);
    assert_true(line);
    assert_int_equal(edges, 2);
    assert_int_equal(in(UART_DATA), 'y');
}

static void an_overrun_without_fifos_loses_the_old_character(void **state)
{
    out(UART_IER, IER_RECEIVED | IER_LINE);
    type("xy");
    pass(2 * CHARACTER_NS + 100);
    assert_int_equal(in(UART_IIR_FCR), IIR_LINE); /* before the data: a higher priority */
    assert_int_equal(in(UART_LSR), LSR_OE | LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_LSR), LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_IIR_FCR), IIR_RECEIVED);
    assert_int_equal(in(UART_DATA), 'y');
    assert_false(line);
}

static void a_full_fifo_keeps_what_it_has(void **state)
{
    char text[18];

    out(UART_IIR_FCR, FCR_ENABLE);
    type("abcdefghijklmnopqr"); /* 18 */
    pass(18 * CHARACTER_NS + 100);
    assert_int_equal(in(UART_LSR), LSR_OE | LSR_DR | LSR_THRE | LSR_TEMT);
    for (unsigned i = 0; i < 16; i++)
        text[i] = (char)in(UART_DATA);
    assert_memory_equal(text, "abcdefghijklmnop", 16);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
}

static void trigger_levels(void **state)
{
    static const unsigned levels[] = {1, 4, 8, 14};

    out(UART_IER, IER_RECEIVED);
    for (unsigned i = 0; i < 4; i++) {
        out(UART_IIR_FCR, i << 6 | FCR_ENABLE | FCR_CLEAR_RECEIVER);
        assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_NONE);
        for (unsigned n = 1; n < levels[i]; n++) {
            type("c");
            pass(CHARACTER_NS);
            assert_false(line);
        }
        type("c");
        pass(CHARACTER_NS);
        assert_true(line);
        assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_RECEIVED);
        in(UART_DATA); /* below the level */
        assert_false(line);
    }
}

static void what_stays_in_the_fifo_times_out(void **state)
{
    out(UART_IER, IER_RECEIVED);
    out(UART_IIR_FCR, 0x81); /* level 8 */
    type("abc");
    pass(3 * CHARACTER_NS + 100);
    pass(4 * CHARACTER_NS - 400);
    assert_false(line);
    pass(500);
    assert_true(line);
    assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_TIMEOUT);
    assert_int_equal(in(UART_DATA), 'a'); /* clears it, and it runs anew */
    assert_false(line);
    pass(4 * CHARACTER_NS - 100);
    assert_false(line);
    pass(200);
    assert_true(line);
    in(UART_DATA);
    in(UART_DATA);
    assert_false(line);
    pass(20 * CHARACTER_NS);
    assert_false(line);
}

static void a_fifo_interrupts_late_for_one_character(void **state)
{
    out(UART_IER, IER_TRANSMIT);
    assert_int_equal(in(UART_IIR_FCR), IIR_TRANSMIT);
    out(UART_IIR_FCR, FCR_ENABLE);
    out(UART_DATA, 'a'); /* the first one after the FIFOs were enabled: at once */
    assert_true(line);
    in(UART_IIR_FCR);
    pass(2 * CHARACTER_NS);
    out(UART_DATA, 'b');
    assert_int_equal(in(UART_LSR), LSR_THRE);
    assert_false(line);
    pass(9 * BIT_NS - 100); /* a character's time without its stop bit */
    assert_false(line);
    pass(300);
    assert_true(line);
    in(UART_IIR_FCR);
    pass(2 * CHARACTER_NS);
    out(UART_DATA, 'c');
    out(UART_DATA, 'd');
    out(UART_DATA, 'e'); /* two were in the FIFO: no delay when the last one leaves it */
    pass(2 * CHARACTER_NS - 200);
    assert_false(line);
    pass(400);
    assert_true(line);
    expect_sent("abcde");
}

static void sixteen_fit_into_the_transmitter(void **state)
{
    out(UART_IIR_FCR, FCR_ENABLE);
    for (unsigned i = 0; i < 17; i++) /* one in the shift register */
        out(UART_DATA, 'A' + i);
    assert_int_equal(in(UART_LSR), 0);
    out(UART_IIR_FCR, FCR_ENABLE | FCR_CLEAR_TRANSMITTER);
    assert_int_equal(in(UART_LSR), LSR_THRE); /* the shift register goes on */
    pass(CHARACTER_NS);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    expect_sent("A");
}

static void fifos_are_emptied_when_switched(void **state)
{
    out(UART_IIR_FCR, FCR_ENABLE);
    type("ab");
    pass(2 * CHARACTER_NS + 100);
    out(UART_IIR_FCR, 0xC0); /* without the enable bit: off, and the level is not programmed */
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_IIR_FCR), IIR_NONE);
    out(UART_IIR_FCR, FCR_ENABLE);
    out(UART_IER, IER_RECEIVED);
    type("c");
    pass(CHARACTER_NS + 100);
    assert_true(line);
}

static void modem_lines_have_deltas(void **state)
{
    out(UART_MCR, MCR_LOOP);
    in(UART_MSR);
    out(UART_MCR, MCR_LOOP | MCR_DTR);
    assert_int_equal(in(UART_MSR), MSR_DSR | MSR_DSR >> 4);
    assert_int_equal(in(UART_MSR), MSR_DSR);
    out(UART_MCR, MCR_LOOP | MCR_RTS);
    assert_int_equal(in(UART_MSR), MSR_CTS | (MSR_CTS | MSR_DSR) >> 4);
    out(UART_MCR, MCR_LOOP | MCR_OUT2);
    assert_int_equal(in(UART_MSR), MSR_DCD | (MSR_CTS | MSR_DCD) >> 4);
    out(UART_MCR, MCR_LOOP | MCR_OUT1 | MCR_OUT2); /* the ring begins: no delta */
    assert_int_equal(in(UART_MSR), MSR_DCD | MSR_RI);
    out(UART_IER, IER_MODEM);
    out(UART_MCR, MCR_LOOP | MCR_OUT2); /* it ends */
    assert_int_equal(in(UART_IIR_FCR), IIR_MODEM);
    assert_int_equal(in(UART_MSR), MSR_DCD | MSR_RI >> 4);
    assert_int_equal(in(UART_IIR_FCR), IIR_NONE);
}

static void loopback_receives_what_is_sent(void **state)
{
    out(UART_IER, IER_RECEIVED);
    out(UART_MCR, MCR_LOOP | MCR_OUT2);
    out(UART_DATA, 'L');
    type("x"); /* the input pin leads nowhere */
    pass(CHARACTER_NS + 100);
    assert_int_equal(in(UART_IIR_FCR), IIR_RECEIVED);
    assert_false(line); /* OUT2 is inactive in loopback mode */
    assert_int_equal(in(UART_DATA), 'L');
    pass(CHARACTER_NS);
    assert_int_equal(in(UART_LSR), LSR_THRE | LSR_TEMT);
    out(UART_LCR, 1); /* six bits */
    out(UART_DATA, 0xFF);
    pass(CHARACTER_NS);
    assert_int_equal(in(UART_DATA), 0x3F);
    expect_sent("");
}

static void errors_come_with_their_character(void **state)
{
    out(UART_IIR_FCR, FCR_ENABLE);
    out(UART_MCR, MCR_LOOP);
    out(UART_DATA, 'a');
    pass(CHARACTER_NS + 100);
    out(UART_LCR, 3 | LCR_BREAK);
    out(UART_LCR, 3);
    out(UART_IER, IER_LINE);
    assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_NONE);
    assert_int_equal(in(UART_LSR), LSR_FIFO | LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_DATA), 'a'); /* now the break is on top */
    assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_LINE);
    assert_int_equal(in(UART_LSR), LSR_FIFO | LSR_BI | LSR_FE | LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_LSR), LSR_DR | LSR_THRE | LSR_TEMT);
    assert_int_equal(in(UART_DATA), 0);
    assert_int_equal(in(UART_IIR_FCR), IIR_FIFOS | IIR_NONE);
}

static void priorities(void **state)
{
    out(UART_MCR, MCR_LOOP);
    in(UART_MSR);
    out(UART_IER, IER_RECEIVED | IER_TRANSMIT | IER_LINE | IER_MODEM);
    out(UART_MCR, MCR_LOOP | MCR_DTR);
    out(UART_DATA, 'a');
    pass(CHARACTER_NS + 100);
    out(UART_DATA, 'b');
    pass(CHARACTER_NS + 100);
    assert_int_equal(in(UART_IIR_FCR), IIR_LINE);
    in(UART_LSR);
    assert_int_equal(in(UART_IIR_FCR), IIR_RECEIVED);
    in(UART_DATA);
    assert_int_equal(in(UART_IIR_FCR), IIR_TRANSMIT);
    assert_int_equal(in(UART_IIR_FCR), IIR_MODEM);
    in(UART_MSR);
    assert_int_equal(in(UART_IIR_FCR), IIR_NONE);
}

static void out2_opens_the_gate(void **state)
{
    out(UART_MCR, 0);
    out(UART_IER, IER_TRANSMIT);
    assert_false(line);
    out(UART_MCR, MCR_OUT2);
    assert_true(line);
    out(UART_MCR, 0);
    assert_false(line);
}

/* A backend's bytes wait for RTS and for room: here those of a file. */
static void a_backend_waits_for_room(void **state)
{
    char path[] = "/tmp/uart-in-XXXXXX", text[100], got[41] = "";
    int fd = mkstemp(path);

    end(NULL);
    assert_int_equal(write(fd, "0123456789012345678901234567890123456789", 40), 40);
    close(fd);
    snprintf(text, sizeof(text), "uart16550,name=uart16550,input=%s", path);
    assert_int_equal(make(text), STATUS_SUCCESS);
    unlink(path);
    set_115200();
    out(UART_IIR_FCR, FCR_ENABLE);
    pass(100 * CHARACTER_NS);
    assert_int_equal(in(UART_LSR)&LSR_DR, 0);
    out(UART_MCR, MCR_RTS);
    for (unsigned n = 0; n < 40; n++) {
        if (n % 16 == 0)
            pass(100 * CHARACTER_NS);
        assert_int_equal(in(UART_LSR) & (LSR_DR | LSR_OE), LSR_DR);
        got[n] = (char)in(UART_DATA);
    }
    assert_string_equal(got, "0123456789012345678901234567890123456789");
    pass(100 * CHARACTER_NS);
    assert_int_equal(in(UART_LSR)&LSR_DR, 0);
}

static void descriptions(void **state)
{
    static const char *const bad[][2] = {{"uart16550,port=0x2f8", "0x2f8"},
                                         {"uart16550,port=x", "port"},
                                         {"uart16550,irq=24", "irq"},
                                         {"uart16550,colour=red", "colour"},
                                         {"uart16550,flow=red", "flow"},
                                         {"uart16550,backend=red", "red"},
                                         {"uart16550,backend=file:/no/such/folder", "/no/such/folder"},
                                         {"uart16550,input=/no/such/file", "/no/such/file"},
                                         {"uart16550,backend=pty:/no/such/folder/link", "/no/such/folder"}};
    struct hal_port_range *live = ports;

    for (unsigned i = 0; i < countof(bad); i++) {
        assert_true(make(bad[i][0]) < 0);
        if (strstr(message, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], message);
    }
    ports = live;
}

#define ON_PORT(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PORT(registers_after_reset),
        ON_PORT(the_divisor_lies_behind_a_latch),
        ON_PORT(a_character_takes_its_time),
        ON_PORT(frames_and_divisors_set_the_time),
        ON_PORT(an_empty_transmitter_interrupts),
        ON_PORT(received_data_interrupts_until_read),
        ON_PORT(an_overrun_without_fifos_loses_the_old_character),
        ON_PORT(a_full_fifo_keeps_what_it_has),
        ON_PORT(trigger_levels),
        ON_PORT(what_stays_in_the_fifo_times_out),
        ON_PORT(a_fifo_interrupts_late_for_one_character),
        ON_PORT(sixteen_fit_into_the_transmitter),
        ON_PORT(fifos_are_emptied_when_switched),
        ON_PORT(modem_lines_have_deltas),
        ON_PORT(loopback_receives_what_is_sent),
        ON_PORT(errors_come_with_their_character),
        ON_PORT(priorities),
        ON_PORT(out2_opens_the_gate),
        ON_PORT(a_backend_waits_for_room),
        ON_PORT(descriptions),
    };
    int result, fd = mkstemp(sent_path);

    close(fd);
    result = cmocka_run_group_tests_name("uart16550", tests, NULL, NULL);
    unlink(sent_path);
    return result;
}
