/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: what a user writes about devices. Each line of the input is a
 * model's description, or, behind a ">", what it is given; then registers and
 * configuration space of whatever is there are read and written.
 */
#include "hal/internal.h"
#include "host/host.h"
#include "host/memory.h"
#include "models/model.h"
#include "nt/pcr.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static KPCR pcr __attribute__((aligned(64)));

static void init_once(void)
{
    static bool done;
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 64 << 20};

    if (done)
        return;
    done = true;
    if (!NT_SUCCESS(host_init(&config)) || !NT_SUCCESS(hmem_init(config.ram_bytes)))
        abort();
    pcr.Self = &pcr;
    arch_set_gs(&pcr);
    if (!NT_SUCCESS(hal_init()))
        abort();
}

static void run_line(const uint8_t *line, size_t length)
{
    static const char *const names[] = {"i8042", "pci", "pci-2", "timer8254", "uart16550"};
    char text[300], message[200];

    if (length != 0 && line[0] == '>') {
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            model_input(names[i], line + 1, length - 1, message, sizeof(message));
        return;
    }
    length = length < sizeof(text) ? length : sizeof(text) - 1;
    memcpy(text, line, length);
    text[length] = '\0';
    if (strstr(text, "backend") == NULL) /* no files of the host */
        model_add(text, message, sizeof(message));
}

static void touch(uint16_t value)
{
    UCHAR config[256];
    uint64_t register_value;

    hal_port_write(0x64, value & 0xFF, 1);
    hal_port_write(0x60, value >> 8, 1);
    hal_port_read(0x60, 1);
    hal_port_write(0x43, value & 0xFF, 1);
    hal_port_write(0x40 + (value & 3), value >> 8, 1);
    hal_port_read(0x40 + (value & 3), 1);
    hal_port_write(0x2F8 + (value & 7), value >> 8, 1);
    hal_port_read(0x2F8 + (value >> 3 & 7), 1);
    hal_pci_read(0, value >> 8 & 31, value & 7, 0, config, sizeof(config));
    hal_pci_write(0, value >> 8 & 31, value & 7, value & 0xFF, &value, 2);
    hal_mmio_read(0xC0000000u + value, &register_value, 8);
    hal_mmio_write(0xC0000000u + value, &register_value, 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = 0;

    init_once();
    while (at < size) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - data) - at : size - at;

        run_line(data + at, length);
        at += length + 1;
    }
    for (at = 0; at + 1 < size; at += 2)
        touch((uint16_t)(data[at] | data[at + 1] << 8));
    model_destroy_all();
    return 0;
}
