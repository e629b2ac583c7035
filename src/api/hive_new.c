/* SPDX-License-Identifier: MIT */
/*
 * An empty hive, for when there is none to write into: the base block and one
 * bin with the root key and the security descriptor that all keys share.
 * Offsets as the format's public descriptions give them.
 */
#include <stdio.h>
#include <string.h>
#include "api/hive.h"

enum { BLOCK = 4096, ROOT = 32, ROOT_SIZE = 0x58, SECURITY = ROOT + ROOT_SIZE, SECURITY_SIZE = 48 };
enum { FREE = SECURITY + SECURITY_SIZE };

static void put16(unsigned char *at, uint16_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void put32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

/* A cell begins with its size; negative: it is in use. */
static unsigned char *cell(unsigned char *bin, unsigned offset, int size, const char *id)
{
    put32(bin + offset, (uint32_t)-size);
    memcpy(bin + offset + 4, id, 2);
    return bin + offset;
}

static void root_key(unsigned char *bin)
{
    unsigned char *key = cell(bin, ROOT, ROOT_SIZE, "nk");

    put16(key + 6, 0x2C); /* the hive's root, not to be deleted, name in one byte per character */
    put32(key + 32, 0xFFFFFFFF);
    put32(key + 36, 0xFFFFFFFF);
    put32(key + 44, 0xFFFFFFFF); /* neither subkeys nor values */
    put32(key + 48, SECURITY);
    put32(key + 52, 0xFFFFFFFF);
    put16(key + 76, 4);
    memcpy(key + 80, "ROOT", 4);
}

/* A descriptor with neither owner nor list: everybody may everything. */
static void security(unsigned char *bin)
{
    unsigned char *key = cell(bin, SECURITY, SECURITY_SIZE, "sk");

    put32(key + 8, SECURITY);
    put32(key + 12, SECURITY);
    put32(key + 16, 1);
    put32(key + 20, 20);
    key[24] = 1;             /* revision */
    put16(key + 26, 0x8004); /* self-relative; there is a list, and it is no list */
}

static void base_block(unsigned char *base)
{
    uint32_t sum = 0, word;

    memcpy(base, "regf", 4);
    put32(base + 4, 1);
    put32(base + 8, 1);
    put32(base + 20, 1);
    put32(base + 24, 5);
    put32(base + 32, 1);
    put32(base + 36, ROOT);
    put32(base + 40, BLOCK);
    put32(base + 44, 1);
    for (unsigned at = 0; at < 508; at += 4) {
        memcpy(&word, base + at, sizeof(word));
        sum ^= word;
    }
    put32(base + 508, sum);
}

bool api_hive_new(const char *path)
{
    static unsigned char image[2 * BLOCK];
    unsigned char *bin = image + BLOCK;
    FILE *file = fopen(path, "wb");

    memset(image, 0, sizeof(image));
    base_block(image);
    memcpy(bin, "hbin", 4);
    put32(bin + 8, BLOCK);
    root_key(bin);
    security(bin);
    put32(bin + FREE, BLOCK - FREE);
    bool written = file != NULL && fwrite(image, sizeof(image), 1, file) == 1;
    if (file != NULL && fclose(file) != 0)
        written = false;
    return written;
}
