/* SPDX-License-Identifier: MIT */
/*
 * Identifiers of PCI functions in the forms that the documentation lists, from
 * the most special to the most general; texts for people; capabilities.
 */
#include "pci_bus.h"
#include "host/host.h"
#include "rtl/rtl.h"

#define ID_CHARS 48

enum part { SUBSYSTEM = 1, REVISION = 2, DEVICE = 4, CLASS = 8, PROGRAMMING = 16, VENDOR = 32 };

static const unsigned hardware_forms[] = {VENDOR | DEVICE | SUBSYSTEM | REVISION,
                                          VENDOR | DEVICE | SUBSYSTEM,
                                          VENDOR | DEVICE | REVISION,
                                          VENDOR | DEVICE,
                                          VENDOR | DEVICE | CLASS | PROGRAMMING,
                                          VENDOR | DEVICE | CLASS};
static const unsigned compatible_forms[] = {VENDOR | DEVICE | REVISION,
                                            VENDOR | DEVICE,
                                            VENDOR | CLASS | PROGRAMMING,
                                            VENDOR | CLASS,
                                            VENDOR,
                                            CLASS | PROGRAMMING,
                                            CLASS};

struct text {
    char bytes[ID_CHARS * 8];
    size_t used;
};

static void append(struct text *text, const char *format, ULONG a, ULONG b)
{
    text->used += (size_t)host_snprintf(text->bytes + text->used, sizeof(text->bytes) - text->used, format,
                                        (unsigned)a, (unsigned)b);
}

static void append_form(struct text *text, const struct pci_child *child, unsigned form)
{
    const char *between = "PCI\\";
    if (form & VENDOR) {
        append(text, "PCI\\VEN_%04X", child->vendor_id, 0);
        between = "&";
    }
    if (form & DEVICE)
        append(text, "&DEV_%04X", child->device_id, 0);
    if (form & SUBSYSTEM)
        append(text, "&SUBSYS_%04X%04X", child->subsystem_id, child->subsystem_vendor_id);
    if (form & REVISION)
        append(text, "&REV_%02X", child->revision, 0);
    if (form & CLASS) {
        append(text, between, 0, 0);
        append(text, "CC_%04X", child->class_code >> 8, 0);
    }
    if (form & PROGRAMMING)
        append(text, "%02X", child->class_code & 0xFF, 0);
}

/* A list ends with an empty identifier, and each with its zero. */
static void append_forms(struct text *text, const struct pci_child *child, const unsigned *forms,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append_form(text, child, forms[i]);
        text->bytes[text->used++] = '\0';
    }
}

static WCHAR *in_pool(const struct text *text)
{
    WCHAR *copy = mm_pool_allocate(PagedPool, (text->used + 1) * sizeof(WCHAR), PCI_BUS_TAG, true, in_pool);
    for (size_t i = 0; copy && i < text->used; i++)
        copy[i] = (UCHAR)text->bytes[i];
    return copy;
}

WCHAR *pci_id(const struct pci_child *child, BUS_QUERY_ID_TYPE type)
{
    struct text text = {.used = 0};
    switch (type) {
    case BusQueryDeviceID:
        append_form(&text, child, hardware_forms[0]);
        break;
    case BusQueryHardwareIDs:
        append_forms(&text, child, hardware_forms, countof(hardware_forms));
        break;
    case BusQueryCompatibleIDs:
        append_forms(&text, child, compatible_forms, countof(compatible_forms));
        break;
    case BusQueryInstanceID:
        append(&text, "%02X", child->device << 3 | child->function, 0);
        break;
    default:
        return NULL;
    }
    return in_pool(&text);
}

/* ---- for people ---- */

static const struct {
    USHORT class; /* base class and subclass; 0xFF: any subclass */
    const char *text;
} descriptions[] = {
    {0x0100, "SCSI Controller"},
    {0x0101, "IDE Controller"},
    {0x0106, "SATA Controller"},
    {0x0108, "NVM Express Controller"},
    {0x01FF, "Mass Storage Controller"},
    {0x0200, "Ethernet Controller"},
    {0x02FF, "Network Controller"},
    {0x0300, "VGA Compatible Controller"},
    {0x03FF, "Video Controller"},
    {0x0401, "Audio Device"},
    {0x04FF, "Multimedia Controller"},
    {0x05FF, "Memory Controller"},
    {0x06FF, "Bridge"},
    {0x0700, "Serial Port"},
    {0x07FF, "Simple Communications Controller"},
    {0x08FF, "Base System Device"},
    {0x09FF, "Input Device"},
    {0x0C03, "Universal Serial Bus Controller"},
    {0x0CFF, "Serial Bus Controller"},
    {0x10FF, "Encryption/Decryption Controller"},
};

static const char *description_of(const struct pci_child *child)
{
    USHORT class = (USHORT)(child->class_code >> 8);
    for (size_t i = 0; i < countof(descriptions); i++)
        if (descriptions[i].class == class || descriptions[i].class == (class | 0xFF))
            return descriptions[i].text;
    return "PCI Device";
}

WCHAR *pci_text(const struct pci_child *child, DEVICE_TEXT_TYPE type)
{
    struct text text = {.used = 0};
    if (type == DeviceTextDescription) {
        append(&text, description_of(child), 0, 0);
    } else if (type == DeviceTextLocationInformation) {
        append(&text, "PCI bus 0, device %u, function %u", child->device, child->function);
    } else {
        return NULL;
    }
    return in_pool(&text);
}

/* ---- capabilities ---- */

static void power_capabilities(const struct pci_child *child, DEVICE_CAPABILITIES *capabilities)
{
    enum { D1 = 1 << 9, D2 = 1 << 10, WAKE_SHIFT = 11 };
    ULONG power = child->power_at ? pci_read(child, child->power_at + 2u, 2) : 0;
    capabilities->DeviceD1 = (power & D1) != 0;
    capabilities->DeviceD2 = (power & D2) != 0;
    capabilities->WakeFromD0 = power >> WAKE_SHIFT & 1;
    capabilities->WakeFromD1 = power >> (WAKE_SHIFT + 1) & 1;
    capabilities->WakeFromD2 = power >> (WAKE_SHIFT + 2) & 1;
    capabilities->WakeFromD3 = power >> (WAKE_SHIFT + 3) & 1;
}

void pci_capabilities(const struct pci_child *child, DEVICE_CAPABILITIES *capabilities)
{
    capabilities->Address = (ULONG)child->device << 16 | child->function;
    capabilities->UniqueID = FALSE;
    power_capabilities(child, capabilities);
    capabilities->DeviceState[PowerSystemUnspecified] = PowerDeviceUnspecified;
    capabilities->DeviceState[PowerSystemWorking] = PowerDeviceD0;
    for (unsigned state = PowerSystemSleeping1; state <= PowerSystemShutdown; state++)
        capabilities->DeviceState[state] = PowerDeviceD3;
    capabilities->SystemWake = PowerSystemUnspecified;
    capabilities->DeviceWake = PowerDeviceUnspecified;
}
