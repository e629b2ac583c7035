/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer: mutate COUNT SEED FILE... makes COUNT
 * inputs from the files, the same ones every time, and gives each to the
 * target in an allocation of exactly its size. On a crash the mutation's
 * number is the last line written.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;
static unsigned long current;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void die(int signal)
{
    char text[96];
    int length = snprintf(text, sizeof(text), "mutate: input %lu ended with signal %d\n", current, signal);

    if (write(2, text, (size_t)length) < 0)
        _exit(2);
    _exit(1);
}

/* Numbers that sit on the edges that a parser checks. */
static uint32_t interesting(size_t size)
{
    static const uint32_t edges[] = {0,          1,          4,          8,         0x28,    0x7F,
                                     0x80,       0xFFF,      0x1000,     0xFFFF,    0x10000, 0x7FFFFFFF,
                                     0x80000000, 0xFFFFF000, 0xFFFFFFF8, 0xFFFFFFFF};
    uint64_t pick = next();

    if (pick % 4 == 0)
        return (uint32_t)size + (uint32_t)(pick >> 8) % 17 - 8;
    return edges[(pick >> 8) % (sizeof(edges) / sizeof(edges[0]))];
}

/* Most mutations go to the first KiB, where the headers are, and to where the directories lie. */
static size_t place(size_t size, size_t width)
{
    size_t limit = next() % 3 != 0 && size > 1024 ? 1024 : size;

    return limit > width ? next() % (limit - width) : 0;
}

static size_t mutate(uint8_t *data, size_t size)
{
    for (unsigned n = 1 + next() % 6; n > 0 && size > 8; n--) {
        uint32_t value = interesting(size);
        switch (next() % 8) {
        case 0:
            data[place(size, 1)] = (uint8_t)next();
            break;
        case 1:
            data[place(size, 1)] ^= (uint8_t)(1 << next() % 8);
            break;
        case 2:
            memcpy(data + place(size, 2), &value, 2);
            break;
        case 3:
            size = next() % 8 == 0 ? next() % size : size - next() % 64 % size;
            break;
        case 4: {
            size_t length = next() % 64 % size, to = place(size, length), from = place(size, length);
            memmove(data + to, data + from, length);
            break;
        }
        default:
            memcpy(data + place(size, 4) / 4 * 4, &value, 4);
            break;
        }
    }
    return size;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 22);

    if (file == NULL || data == NULL) {
        perror(path);
        exit(2);
    }
    *size = fread(data, 1, 1 << 22, file);
    fclose(file);
    return data;
}

static void run_one(const uint8_t *seed_data, size_t size)
{
    uint8_t *scratch = malloc(size + 1), *exact;

    memcpy(scratch, seed_data, size);
    size = mutate(scratch, size);
    exact = malloc(size != 0 ? size : 1);
    memcpy(exact, scratch, size);
    free(scratch);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;

    if (count == 0) {
        fprintf(stderr, "usage: mutate COUNT SEED FILE...\n");
        return 2;
    }
    signal(SIGSEGV, die);
    signal(SIGBUS, die);
    signal(SIGABRT, die);
    signal(SIGALRM, die);
    for (int i = 3; i < argc; i++) {
        size_t size;
        uint8_t *data = read_file(argv[i], &size);
        state = 0x9E3779B97F4A7C15u * (strtoul(argv[2], NULL, 10) + (unsigned)i);
        for (unsigned long n = 0; n < count; n++) {
            current = n;
            alarm(10);
            run_one(data, size);
        }
        free(data);
    }
    printf("%lu inputs from %d files\n", count * (unsigned long)(argc - 3), argc - 3);
    return 0;
}
