/* SPDX-License-Identifier: MIT */
/*
 * ram,size=BYTES: the simulated machine's memory. It is there before anything
 * else, so its size is read before the machine is made; what arrives here
 * later can only agree with it.
 */
#include "models/ram.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/status.h"

static const char *const keys[] = {"size", NULL};

static bool read_size(const struct model_description *description, uint64_t *bytes, char *message,
                      size_t size)
{
    const char *text = model_value(description, "size");

    if (!model_only_keys(description, keys, message, size))
        return false;
    if (text != NULL && model_number(text, bytes) && *bytes != 0 && *bytes % PAGE_SIZE == 0)
        return true;
    host_snprintf(message, size, "ram wants size=BYTES, whole pages, as in ram,size=256M");
    return false;
}

static NTSTATUS create(const struct model_description *description, char *message, size_t size)
{
    uint64_t bytes;

    if (!read_size(description, &bytes, message, size))
        return STATUS_INVALID_PARAMETER;
    if (bytes == hmem_ram_bytes())
        return STATUS_SUCCESS;
    host_snprintf(message, size, "the machine has been made with %llu MiB of memory",
                  (unsigned long long)hmem_ram_bytes() >> 20);
    return STATUS_DEVICE_CONFIGURATION_ERROR;
}

const struct model_type model_ram = {"ram", "ram,size=BYTES: the machine's memory (64M)", create};
