/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: loading any bytes in full (mapping, relocation, binding,
 * rewriting, symbols, lines), under both kinds of processor, and unloading.
 * Nothing of the image is run.
 */
#include "host/host.h"
#include "host/memory.h"
#include "arch/rewrite.h"
#include "ldr/ldr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char shared_page[PAGE_SIZE];

static void *shared_data(void)
{
    return shared_page;
}

static void init_once(void)
{
    static bool done;
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 64 << 20};

    if (done)
        return;
    done = true;
    if (!NT_SUCCESS(host_init(&config)) || !NT_SUCCESS(hmem_init(config.ram_bytes)))
        abort();
    rewrite_targets.user_shared_data = shared_data;
}

static void visit_addresses(struct ldr_image *image)
{
    char words[160];

    for (size_t at = 0; at < image->size && at < 0x8000; at += 61)
        ldr_describe((char *)image->base + at, words, sizeof(words));
    for (ULONG64 at = 0; at < image->arch.thunk_size; at += 13)
        ldr_describe((void *)(image->arch.thunk_base + at), words, sizeof(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ldr_load_options options = {.name = "fuzz.sys", .deterministic = size % 2 == 0};
    struct ldr_error error;
    struct ldr_image *image;

    init_once();
    image = ldr_load(data, size, &options, &error);
    if (image == NULL) {
        if (error.result == LDR_OK || error.text[0] == '\0')
            abort();
        return 0;
    }
    visit_addresses(image);
    ldr_discard_init(image);
    ldr_unload(image);
    return 0;
}
