/* SPDX-License-Identifier: MIT */
/*
 * pci,...: a function that is only its description. What is written to its
 * registers and ports can be read back, and its interrupt is raised from
 * outside: enough for a driver's discovery, resources and interrupt code.
 */
#include "models/pci_model.h"
#include "models/pci.h"
#include "host/host.h"
#include "nt/status.h"

#define REGISTERS_MOST (16u << 20)

struct pci_device {
    struct model model;
    struct pci_function function;
    UCHAR *registers[PCI_BARS]; /* what the last writes left; under lock */
    rl_lock lock;
};

static struct pci_device *device_of(struct pci_function *function)
{
    return container_of(function, struct pci_device, function);
}

static uint64_t read_register(struct pci_function *function, unsigned bar, uint64_t offset,
                              unsigned width_bytes)
{
    struct pci_device *device = device_of(function);
    uint64_t value = 0;

    rl_lock_acquire(&device->lock);
    __builtin_memcpy(&value, device->registers[bar] + offset, width_bytes);
    rl_lock_release(&device->lock);
    return value;
}

static void write_register(struct pci_function *function, unsigned bar, uint64_t offset, uint64_t value,
                           unsigned width_bytes)
{
    struct pci_device *device = device_of(function);

    rl_lock_acquire(&device->lock);
    __builtin_memcpy(device->registers[bar] + offset, &value, width_bytes);
    rl_lock_release(&device->lock);
}

static void clear_registers(struct pci_function *function)
{
    struct pci_device *device = device_of(function);

    rl_lock_acquire(&device->lock);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (device->registers[i] != NULL)
            __builtin_memset(device->registers[i], 0, function->bars[i].size);
    }
    rl_lock_release(&device->lock);
}

static const struct pci_ops ops = {read_register, write_register, clear_registers};

/* ---- descriptions ---- */

static const char *const keys[] = {"slot", "vendor", "device", "subsystem", "class",  "revision",
                                   "pin",  "bar0",   "bar1",   "bar2",      "bar3",   "bar4",
                                   "bar5", "msi",    "msix",   "pm",        "decode", NULL};

/* Cuts text at the first of a character; what is behind it, or NULL. */
static char *cut(char *text, char at)
{
    while (*text != '\0' && *text != at)
        text++;
    if (*text == '\0')
        return NULL;
    *text = '\0';
    return text + 1;
}

static bool same(const char *a, const char *b)
{
    return __builtin_strcmp(a, b) == 0;
}

/* A number up to a limit, if the key is there. */
static bool number_of(const struct model_description *d, const char *key, uint64_t limit, uint64_t *value)
{
    const char *text = model_value(d, key);

    return text == NULL || (model_number(text, value) && *value <= limit);
}

static bool pair_of(const char *text, char between, uint64_t limit, uint64_t *first, uint64_t *second)
{
    char copy[64];
    char *rest;

    host_snprintf(copy, sizeof(copy), "%s", text);
    rest = cut(copy, between);
    return model_number(copy, first) && *first <= limit &&
           (rest == NULL || (model_number(rest, second) && *second <= limit));
}

static bool read_identity(const struct model_description *d, struct pci_function *f)
{
    uint64_t vendor = 0, device = 0, class_code = 0xFF0000, revision = 0, of_vendor = 0, of_device = 0;
    const char *subsystem = model_value(d, "subsystem");

    if (model_value(d, "vendor") == NULL || model_value(d, "device") == NULL ||
        !number_of(d, "vendor", 0xFFFE, &vendor) || !number_of(d, "device", 0xFFFF, &device) ||
        !number_of(d, "class", 0xFFFFFF, &class_code) || !number_of(d, "revision", 0xFF, &revision) ||
        (subsystem != NULL && !pair_of(subsystem, ':', 0xFFFF, &of_vendor, &of_device)))
        return false;
    f->vendor_id = (USHORT)vendor;
    f->device_id = (USHORT)device;
    f->class_code = (ULONG)class_code;
    f->revision = (UCHAR)revision;
    f->subsystem_vendor_id = (USHORT)of_vendor;
    f->subsystem_id = (USHORT)of_device;
    return true;
}

/* slot=D or D.F; without it the first device that is free, from 1. */
static bool read_slot(const struct model_description *d, struct pci_function *f)
{
    const char *text = model_value(d, "slot");
    uint64_t device = 1, number = 0;

    if (text == NULL) {
        USHORT vendor = 0;
        for (; device < 32; device++) {
            hal_pci_read(0, (ULONG)device, 0, 0, &vendor, sizeof(vendor));
            if (vendor == 0xFFFF)
                break;
        }
    } else if (!pair_of(text, '.', 31, &device, &number)) {
        return false;
    }
    f->device = (UCHAR)device;
    f->function = (UCHAR)number;
    return device < 32 && number < 8;
}

static bool read_pin(const struct model_description *d, struct pci_function *f)
{
    const char *text = model_value(d, "pin");

    if (text == NULL)
        return true;
    if ((text[0] | 0x20) < 'a' || (text[0] | 0x20) > 'd' || text[1] != '\0')
        return false;
    f->interrupt_pin = (UCHAR)((text[0] | 0x20) - 'a' + 1);
    return true;
}

static bool read_bar_option(struct pci_bar *bar, const char *option)
{
    if (same(option, "64"))
        bar->is_64bit = true;
    else if (same(option, "prefetch"))
        bar->prefetchable = true;
    else
        return false;
    return true;
}

/* KIND:SIZE[:64][:prefetch][@ADDRESS] */
static bool read_bar(struct pci_bar *bar, const char *text)
{
    char copy[64];
    char *address, *size, *option, *next;

    host_snprintf(copy, sizeof(copy), "%s", text);
    address = cut(copy, '@');
    size = cut(copy, ':');
    option = size != NULL ? cut(size, ':') : NULL;
    bar->kind = same(copy, "ports")       ? PCI_BAR_PORTS
                : same(copy, "registers") ? PCI_BAR_REGISTERS
                : same(copy, "memory")    ? PCI_BAR_MEMORY
                                          : PCI_BAR_NONE;
    if (bar->kind == PCI_BAR_NONE || size == NULL || !model_number(size, &bar->size) ||
        (bar->kind != PCI_BAR_MEMORY && bar->size > REGISTERS_MOST) ||
        (address != NULL && !model_number(address, &bar->address)))
        return false;
    for (; option != NULL; option = next) {
        next = cut(option, ':');
        if (!read_bar_option(bar, option))
            return false;
    }
    return true;
}

static bool read_bars(const struct model_description *d, struct pci_function *f)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        char key[] = {'b', 'a', 'r', (char)('0' + i), '\0'};
        const char *text = model_value(d, key);

        if (text != NULL && !read_bar(&f->bars[i], text))
            return false;
    }
    return true;
}

/* msix=N or N:BAR: the structures take the upper half of that BAR, or of the first one with registers. */
static bool read_msix(const char *text, struct pci_function *f)
{
    uint64_t vectors = 0, bar = 0;

    while (bar < PCI_BARS && f->bars[bar].kind != PCI_BAR_REGISTERS)
        bar++;
    if (!pair_of(text, ':', PCI_MSIX_MAX, &vectors, &bar) || vectors == 0 || bar >= PCI_BARS)
        return false;
    f->msix = (struct pci_msix){.vectors = (unsigned)vectors,
                                .bar = (unsigned)bar,
                                .table_offset = (ULONG)(f->bars[bar].size / 2),
                                .pending_offset = (ULONG)(f->bars[bar].size / 2 + vectors * 16)};
    return true;
}

static bool read_messages(const struct model_description *d, struct pci_function *f)
{
    const char *msix = model_value(d, "msix");
    uint64_t msi = 0;

    if (!number_of(d, "msi", 32, &msi) || (msix != NULL && !read_msix(msix, f)))
        return false;
    f->msi_vectors = (unsigned)msi;
    return true;
}

static bool read_power(const struct model_description *d, struct pci_function *f)
{
    const char *power = model_value(d, "pm"), *decode = model_value(d, "decode");

    f->power_management = power != NULL;
    f->loses_state_in_d3 = power != NULL && same(power, "reset");
    f->decode_off = decode != NULL && same(decode, "off");
    return (power == NULL || power[0] == '\0' || same(power, "reset")) &&
           (decode == NULL || same(decode, "off") || same(decode, "on"));
}

static bool read_description(const struct model_description *d, struct pci_function *f, char *message,
                             size_t size)
{
    const char *wrong =
        !read_identity(d, f)   ? "wants vendor=N,device=N (16 bits), class=0xCCSSPP, revision=N, "
                                 "subsystem=VENDOR:DEVICE"
        : !read_slot(d, f)     ? "wants slot=DEVICE[.FUNCTION], 0 to 31 and 0 to 7"
        : !read_pin(d, f)      ? "wants pin=a, b, c or d"
        : !read_bars(d, f)     ? "wants barN=ports|registers|memory:SIZE[:64][:prefetch][@ADDRESS]"
        : !read_messages(d, f) ? "wants msi=N, msix=N[:BAR]"
        : !read_power(d, f)    ? "wants pm, pm=reset, decode=off"
                               : NULL;

    if (!model_only_keys(d, keys, message, size))
        return false;
    if (wrong != NULL)
        host_snprintf(message, size, "pci %s", wrong);
    return wrong == NULL;
}

/* ---- from outside ---- */

static bool set_register(struct pci_device *device, char *text)
{
    char *offset_text = cut(text, ' '), *value_text = offset_text != NULL ? cut(offset_text, ' ') : NULL;
    uint64_t bar, offset, value;

    if (value_text == NULL || !model_number(text, &bar) || !model_number(offset_text, &offset) ||
        !model_number(value_text, &value) || bar >= PCI_BARS || device->registers[bar] == NULL ||
        offset % 4 != 0 || offset + 4 > device->function.bars[bar].size || value > 0xFFFFFFFF)
        return false;
    write_register(&device->function, (unsigned)bar, offset, value, 4);
    return true;
}

/* raise | lower | message N | set BAR OFFSET VALUE | unplug | plug */
static NTSTATUS input(struct model *model, const void *data, size_t length, char *message, size_t size)
{
    struct pci_device *device = container_of(model, struct pci_device, model);
    char text[64] = {0};
    uint64_t vector;
    char *rest;

    __builtin_memcpy(text, data, MIN(length, sizeof(text) - 1));
    rest = cut(text, ' ');
    if (same(text, "raise") && rest == NULL) {
        pci_set_interrupt(&device->function, true);
    } else if (same(text, "lower") && rest == NULL) {
        pci_set_interrupt(&device->function, false);
    } else if (same(text, "unplug") && rest == NULL) {
        pci_unplug(&device->function);
    } else if (same(text, "plug") && rest == NULL) {
        pci_plug(&device->function);
    } else if (same(text, "message") && rest != NULL && model_number(rest, &vector) &&
               vector < PCI_MSIX_MAX) {
        if (!pci_send_message(&device->function, (unsigned)vector)) {
            host_snprintf(message, size, "%s has no messages enabled", model->name);
            return STATUS_INVALID_DEVICE_STATE;
        }
    } else if (!same(text, "set") || rest == NULL || !set_register(device, rest)) {
        host_snprintf(message, size, "%s takes: raise, lower, message N, set BAR OFFSET VALUE, unplug, plug",
                      model->name);
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

static void free_device(struct pci_device *device)
{
    for (unsigned i = 0; i < PCI_BARS; i++)
        host_free(device->registers[i]);
    host_free(device);
}

static void destroy(struct model *model)
{
    struct pci_device *device = container_of(model, struct pci_device, model);

    pci_remove(&device->function);
    free_device(device);
}

static const struct model_ops operations = {.input = input, .destroy = destroy};

static NTSTATUS add_and_register(struct pci_device *device, const struct model_description *description,
                                 char *message, size_t size)
{
    NTSTATUS status = pci_add(&device->function, message, size);

    if (!NT_SUCCESS(status))
        return status;
    status = model_register(&device->model, description, message, size);
    if (!NT_SUCCESS(status))
        pci_remove(&device->function);
    return status;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    struct pci_device *device = host_alloc(sizeof(*device));
    struct pci_function *function = &device->function;
    NTSTATUS status = STATUS_INVALID_PARAMETER;

    device->model.ops = &operations;
    function->ops = &ops;
    if (read_description(description, function, message, size)) {
        device->model.pin = function->interrupt_pin != 0 ? &function->pin : NULL;
        for (unsigned i = 0; i < PCI_BARS; i++) {
            if (function->bars[i].kind == PCI_BAR_PORTS || function->bars[i].kind == PCI_BAR_REGISTERS)
                device->registers[i] = host_alloc(MIN(function->bars[i].size, 1ull << 30));
        }
        status = add_and_register(device, description, message, size);
    }
    if (!NT_SUCCESS(status))
        free_device(device);
    return status;
}

const struct model_type model_pci = {
    "pci",
    "pci,vendor=N,device=N[,slot=D.F][,class=N][,subsystem=V:D][,pin=a][,bar0=registers:4K ...][,msi=N]\n"
    "    [,msix=N][,pm]: a function on the PCI bus",
    create};
