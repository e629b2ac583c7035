/* SPDX-License-Identifier: MIT */
/*
 * The machine under the watch and the lines that are taken on it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "bench.h"

const char *bench_folder = ".";
static rgl_machine *machine;
static rgl_file *file;
static unsigned char page[4096];
static void *user_page;

void bench_path(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", bench_folder, name);
}

static void load(const char *name)
{
    rgl_status entry = 0;
    rgl_driver *driver;
    char path[4096];

    bench_path(path, sizeof(path), name);
    if (rgl_driver_load_file(machine, path, &driver, &entry) < 0)
        bench_fail("%s: %s", path, rgl_message());
}

rgl_file *bench_open(unsigned device)
{
    rgl_file *opened;
    char name[32];

    snprintf(name, sizeof(name), "\\Device\\Bench%u", device);
    if (rgl_open(machine, name, 0, &opened, NULL) < 0)
        bench_fail("%s: %s", name, rgl_message());
    return opened;
}

static void start(const struct rgl_config *config)
{
    if (rgl_machine_create(config, &machine) < 0)
        bench_fail("%s", rgl_message());
    bench_device_add(machine);
    load("sys/bench.sys");
    load("sys/bench-filter.sys");
    file = bench_open(0);
    user_page = rgl_user_alloc(machine, sizeof(page));
    bench_suffix = config->verify == RGL_VERIFY_NONE ? "" : ".verify";
}

void bench_machine(unsigned cpus, enum rgl_verify verify)
{
    struct rgl_config config;

    rgl_config_init(&config);
    config.cpus = cpus;
    config.verify = verify;
    start(&config);
}

void bench_simulated_machine(enum rgl_verify verify)
{
    struct rgl_config config;

    rgl_config_init(&config);
    config.simulated = true;
    config.seed = 1;
    config.verify = verify;
    start(&config);
}

void bench_machine_end(void)
{
    rgl_machine_destroy(machine);
    bench_suffix = "";
}

/* ---- inside a driver ---- */

struct inside {
    uint32_t code;
    unsigned rounds;
};

static double inside(void *context)
{
    const struct inside *what = context;
    uint32_t rounds = bench_rounds(what->rounds);
    double start = bench_now();

    if (rgl_ioctl(file, what->code, &rounds, sizeof(rounds), NULL, 0, NULL) < 0)
        bench_fail("control 0x%X: %s", what->code, rgl_message());
    return (bench_now() - start) * 1e9 / rounds;
}

void bench_driver_lines(void)
{
    static struct inside irp1 = {BENCH_IRP1, 10000}, irp2 = {BENCH_IRP2, 10000},
                         pair = {BENCH_PINGPONG, 5000}, dpc = {BENCH_DPC, 20000},
                         packet = {BENCH_STARTIO, 10000}, raise = {BENCH_RAISE, 5000},
                         fault = {BENCH_FAULT, 500}, thread = {BENCH_THREAD, 500}, pool = {BENCH_POOL, 5000},
                         port = {BENCH_PORT, 20000}, mmio = {BENCH_MMIO, 2000};
    const struct line lines[] = {
        {"irp.1driver", "ns", inside, &irp1, "malloc_free_512", floor_malloc, NULL, 61},
        {"irp.2drivers", "ns", inside, &irp2, "malloc_free_512", floor_malloc, NULL, 61},
        {"event.pingpong", "ns", inside, &pair, "futex_pingpong_one_core", floor_futex, NULL, 41},
        {"dpc.queue_to_run", "ns", inside, &dpc, "indirect_call", floor_call, NULL, 61},
        {"startio.packet", "ns", inside, &packet, "indirect_call", floor_call, NULL, 61},
        {"raise_to_except", "ns", inside, &raise, "setjmp_longjmp", floor_jump, NULL, 61},
        {"fault_to_except", "ns", inside, &fault, "signal_to_self", floor_signal, NULL, 61},
        {"pool.64", "ns", inside, &pool, "malloc_free_512", floor_malloc, NULL, 61},
        {"trap.port", "ns", inside, &port, "indirect_call", floor_call, NULL, 61},
        {"trap.mmio", "ns", inside, &mmio, "signal_to_self", floor_signal, NULL, 61},
        {"thread_create", "ns", inside, &thread, "pthread_create_join", floor_pthread, NULL, 41},
    };

    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        bench_line(&lines[i]);
}

void bench_interrupt_lines(void)
{
    static struct inside interrupt = {BENCH_INTERRUPT, 10000};
    const struct line line = {"interrupt.to_dpc", "ns",       inside, &interrupt,
                              "indirect_call",    floor_call, NULL,   61};

    bench_line(&line);
}

/* ---- through a handle ---- */

static double nop(void *context)
{
    unsigned rounds = bench_rounds(3000);
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++)
        if (rgl_ioctl(file, BENCH_NOP, NULL, 0, NULL, 0, NULL) != 0)
            bench_fail("nop: %s", rgl_message());
    return (bench_now() - start) * 1e9 / rounds;
}

/* A buffer of the user range, as every buffer of a Windows program is; or the embedder's own, copied on the
 * way. */
static double echo(void *context)
{
    void *buffer = *(void **)context;
    unsigned rounds = bench_rounds(2000);
    double start = bench_now();

    for (unsigned i = 0; i < rounds; i++)
        if (rgl_ioctl(file, BENCH_ECHO, buffer, sizeof(page), buffer, sizeof(page), NULL) != 0)
            bench_fail("echo: %s", rgl_message());
    return (bench_now() - start) * 1e9 / rounds;
}

void bench_request_lines(void)
{
    static void *own_page = page;
    const struct line lines[] = {
        {"ioctl.nop", "ns", nop, NULL, "null_system_call", floor_syscall, NULL, 61},
        {"ioctl.echo4k", "ns", echo, &user_page, "null_system_call", floor_syscall, NULL, 61},
        {"ioctl.echo4k_foreign", "ns", echo, &own_page, "null_system_call", floor_syscall, NULL, 61},
    };

    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        bench_line(&lines[i]);
}

/* ---- independent devices, each from a thread of its own ---- */

static pthread_barrier_t at_the_start;

static void *use_device(void *argument)
{
    rgl_file *own = argument;
    unsigned rounds = bench_rounds(100000);

    rgl_ioctl(own, BENCH_NOP, NULL, 0, NULL, 0, NULL);
    pthread_barrier_wait(&at_the_start);
    for (unsigned i = 0; i < rounds; i++)
        if (rgl_ioctl(own, BENCH_NOP, NULL, 0, NULL, 0, NULL) != 0)
            bench_fail("nop: %s", rgl_message());
    pthread_barrier_wait(&at_the_start);
    return NULL;
}

static double devices_seconds(rgl_file **files, unsigned threads)
{
    pthread_t thread[BENCH_DEVICES];

    pthread_barrier_init(&at_the_start, NULL, threads + 1);
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, use_device, files[i]) != 0)
            bench_fail("no thread could be made");
    pthread_barrier_wait(&at_the_start);
    double start = bench_now();
    pthread_barrier_wait(&at_the_start);
    double seconds = bench_now() - start;
    for (unsigned i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&at_the_start);
    return seconds;
}

struct scale {
    unsigned cores;
    rgl_file *files[BENCH_DEVICES];
};

static double scale(void *context)
{
    struct scale *s = context;
    double one = devices_seconds(s->files, 1);

    return one / devices_seconds(s->files, s->cores) * 100;
}

void bench_scale_line(unsigned cores)
{
    struct scale s = {.cores = cores};
    char name[16];
    const struct line line = {name,        "percent", scale, &s, "null_system_call_scale",
                              floor_scale, &s.cores,  21};

    snprintf(name, sizeof(name), "scale.%u", cores);
    for (unsigned i = 0; i < cores; i++)
        s.files[i] = bench_open(i + 1);
    bench_line(&line);
}
