/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include "facts.h"
#include "host/host.h"
#include "host/memory.h"
#include "nt/status.h"

ULONG64 test_frames[VF_FRAMES];
unsigned test_frame_count;
const void *test_irp;
struct mm_pool_history test_block;
ULONG64 test_missed;

unsigned vf_frames(const struct ke_bugcheck_info *info, ULONG64 *frames, unsigned max)
{
    for (unsigned i = 0; i < test_frame_count; i++)
        frames[i] = test_frames[i];
    return test_frame_count;
}

void vf_each_irp(void (*visit)(PIRP irp, void *context), void *context)
{
}

ULONG64 vf_routine(const struct ke_thread *thread)
{
    return 0;
}

static const char *image_at(ULONG64 address)
{
    if (address - BROKEN_BASE < 0x10000)
        return "broken.sys";
    return address - LOWER_BASE < 0x10000 ? "lower.sys" : NULL;
}

int vf_describe(ULONG64 address, char *text, size_t size)
{
    const char *image = image_at(address);
    if (image)
        return snprintf(text, size, "%s+.text+0x%llx", image, (unsigned long long)address % 0x10000);
    return snprintf(text, size, "0x%llx", (unsigned long long)address);
}

bool vf_image_of(ULONG64 address, char *name, size_t size)
{
    if (image_at(address))
        snprintf(name, size, "%s", image_at(address));
    return image_at(address) != NULL;
}

bool vf_pool_history(const void *address, struct mm_pool_history *block)
{
    if (test_block.address == NULL || (ULONG64)address - (ULONG64)test_block.address > PAGE_SIZE)
        return false;
    *block = test_block;
    return true;
}

ULONG64 vf_special_missed(void)
{
    return test_missed;
}

ULONG vf_irp_number(const void *irp)
{
    return irp != NULL && irp == test_irp ? 4 : 0;
}

const struct vf_report *test_report(const struct ke_bugcheck_info *info)
{
    static struct vf_report_storage storage;
    vf_report_make(&storage, info);
    return &storage.report;
}

void *test_page(void)
{
    void *page = hmem_reserve(HMEM_POOL, 1, 1, 1);
    assert_non_null(page);
    assert_int_equal(hmem_commit(page, 1, HMEM_RW), STATUS_SUCCESS);
    return page;
}

void test_free_page(void *page)
{
    hmem_release(page, 1);
}

int main(void)
{
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 1, .ram_bytes = 16 << 20};
    if (host_init(&config) != STATUS_SUCCESS || hmem_init(16 << 20) != STATUS_SUCCESS)
        return 1;
    return run_report_tests() + run_peek_tests() + run_rule_tests();
}
