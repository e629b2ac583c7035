/* SPDX-License-Identifier: MIT */
/*
 * What a BIOS leaves in memory at 0xE0000..0xFFFFF: SMBIOS tables that describe
 * this machine, and ACPI root tables without entries. Written once, in RAM, so
 * a driver that maps the area finds them by their anchors.
 */
#include "hal/internal.h"
#include "host/host.h"
#include "host/memory.h"

#define ACPI_AT   0xE0000u
#define SMBIOS_AT 0xF0000u
#define TABLE_AT  0xF0040u
#define RESET_AT  0xFFFF0u

static UCHAR *physical(uint64_t pa)
{
    return hmem_physical(pa);
}

static UCHAR checksum(const UCHAR *bytes, size_t length)
{
    UCHAR sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (UCHAR)(sum + bytes[i]);
    return (UCHAR)-sum;
}

static void put(UCHAR *at, uint64_t value, unsigned width)
{
    __builtin_memcpy(at, &value, width);
}

/* ---- SMBIOS ---- */

struct table {
    UCHAR *at; /* the next structure */
    USHORT count, largest;
    USHORT handle;
};

/* Appends a structure; strings is a list that ends with an empty one. Returns the formatted part. */
static UCHAR *add_structure(struct table *table, UCHAR type, UCHAR length, const char *strings)
{
    UCHAR *start = table->at, *text = start + length;

    start[0] = type;
    start[1] = length;
    put(start + 2, table->handle++, 2);
    if (*strings == '\0')
        *text++ = 0;
    while (*strings != '\0') {
        while ((*text++ = (UCHAR)*strings++) != 0)
            ;
    }
    *text++ = 0;
    table->at = text;
    table->count++;
    table->largest = MAX(table->largest, (USHORT)(text - start));
    return start;
}

static void add_bios(struct table *table)
{
    UCHAR *s = add_structure(table, 0, 0x18,
                             "Ringless\0"
                             "1.0\0"
                             "01/01/2024\0");

    s[0x04] = 1; /* vendor */
    s[0x05] = 2; /* version */
    put(s + 0x06, 0xE000, 2);
    s[0x08] = 3;               /* date */
    put(s + 0x0A, 0x10080, 8); /* PCI, selectable boot */
    s[0x14] = 1;
}

static void add_system(struct table *table)
{
    UCHAR *s = add_structure(table, 1, 0x1B,
                             "Ringless\0"
                             "Simulated machine\0"
                             "1.0\0"
                             "0\0");

    s[0x04] = 1; /* manufacturer */
    s[0x05] = 2; /* product */
    s[0x06] = 3;
    s[0x07] = 4; /* serial number */
    __builtin_memcpy(s + 0x08, "Ringless machine", 16);
    s[0x18] = 6; /* woken by the power switch */
}

static void add_chassis(struct table *table)
{
    UCHAR *s = add_structure(table, 3, 0x11, "Ringless\0");

    s[0x04] = 1;
    s[0x05] = 1;                     /* other */
    s[0x09] = s[0x0A] = s[0x0B] = 3; /* safe */
    s[0x0C] = 3;
}

static void add_memory(struct table *table)
{
    uint64_t ram = hmem_ram_bytes();
    USHORT array = table->handle;
    UCHAR *s = add_structure(table, 16, 0x0F, "");

    s[0x04] = 3; /* system board */
    s[0x05] = 3; /* system memory */
    s[0x06] = 3; /* no error correction */
    put(s + 0x07, MIN(ram >> 10, 0x7FFFFFFFull), 4);
    put(s + 0x0B, 0xFFFE, 2);
    put(s + 0x0D, 1, 2);
    s = add_structure(table, 17, 0x1B, "RAM 0\0");
    put(s + 0x04, array, 2);
    put(s + 0x06, 0xFFFE, 2);
    put(s + 0x08, 64, 2);
    put(s + 0x0A, 64, 2);
    put(s + 0x0C, MIN(ram >> 20, 0x7FFFull), 2);
    s[0x0E] = 9; /* DIMM */
    s[0x10] = 1;
    s[0x12] = 7; /* RAM */
    s = add_structure(table, 19, 0x0F, "");
    put(s + 0x08, (ram >> 10) - 1, 4);
    put(s + 0x0C, array, 2);
    s[0x0E] = 1;
}

static void write_entry_point(const struct table *table)
{
    UCHAR *e = physical(SMBIOS_AT);
    ULONG length = (ULONG)(table->at - physical(TABLE_AT));

    __builtin_memcpy(e, "_SM_", 4);
    e[0x05] = 0x1F;
    e[0x06] = 2; /* version 2.4 */
    e[0x07] = 4;
    put(e + 0x08, table->largest, 2);
    __builtin_memcpy(e + 0x10, "_DMI_", 5);
    put(e + 0x16, length, 2);
    put(e + 0x18, TABLE_AT, 4);
    put(e + 0x1C, table->count, 2);
    e[0x1E] = 0x24;
    e[0x15] = checksum(e + 0x10, 0x0F);
    e[0x04] = checksum(e, 0x1F);
}

static void write_smbios(void)
{
    struct table table = {.at = physical(TABLE_AT)};

    add_bios(&table);
    add_system(&table);
    add_chassis(&table);
    add_memory(&table);
    add_structure(&table, 127, 4, "");
    write_entry_point(&table);
}

/* ---- ACPI ---- */

static void write_root_table(ULONG at, const char *signature)
{
    UCHAR *t = physical(at);

    __builtin_memcpy(t, signature, 4);
    put(t + 4, 36, 4); /* the header alone: no tables */
    t[8] = 1;
    __builtin_memcpy(t + 10, "RNGLSSMACHINE ", 14);
    put(t + 24, 1, 4);
    __builtin_memcpy(t + 28, "RNGL", 4);
    put(t + 32, 1, 4);
    t[9] = checksum(t, 36);
}

static void write_acpi(void)
{
    UCHAR *r = physical(ACPI_AT);

    __builtin_memcpy(r, "RSD PTR ", 8);
    __builtin_memcpy(r + 9, "RNGLSS", 6);
    r[15] = 2;
    put(r + 16, ACPI_AT + 0x40, 4);
    put(r + 20, 36, 4);
    put(r + 24, ACPI_AT + 0x80, 8);
    r[8] = checksum(r, 20);
    r[32] = checksum(r, 36);
    write_root_table(ACPI_AT + 0x40, "RSDT");
    write_root_table(ACPI_AT + 0x80, "XSDT");
}

void hal_firmware_init(void)
{
    __builtin_memset(physical(0xE0000), 0, 0x20000);
    write_smbios();
    write_acpi();
    __builtin_memcpy(physical(RESET_AT),
                     "\xEA\x5B\xE0\x00\xF0"
                     "01/01/24",
                     13); /* the reset vector and the date */
}
