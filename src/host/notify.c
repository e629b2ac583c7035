/* SPDX-License-Identifier: MIT */
/* Small host services without state: how many cores there are, and telling a poller that something happened.
 */
#include "host/host.h"

#include <sched.h>
#include <unistd.h>

unsigned host_cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > 64 ? 64 : (unsigned)count;
}

void host_eventfd_signal(int fd)
{
    uint64_t one = 1;

    if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
        return; /* EAGAIN: the counter is full, so the poller is being told already */
}
