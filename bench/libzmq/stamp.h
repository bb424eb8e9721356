/* Numbered messages and the clock, of all C programs of the benches. */

#ifndef PUREZMQ_BENCH_STAMP_H
#define PUREZMQ_BENCH_STAMP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void fail(const char *what, uint64_t expected, uint64_t found)
{
    fprintf(stderr, "%s: expected %llu, found %llu\n", what,
            (unsigned long long) expected, (unsigned long long) found);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* Where the sequence's byte among the middle ones is; bench/sequence.ts has
 * the layout. */
static size_t middle_of(size_t size, uint32_t sequence)
{
    return 4 + (sequence * 7919u & 0x7fffffffu) % (uint32_t) (size - 5);
}

static void stamp(unsigned char *bytes, size_t size, uint32_t sequence)
{
    if (size == 0)
        return;
    if (size > 5) {
        memcpy(bytes, &sequence, 4);
        bytes[middle_of(size, sequence)] = (unsigned char) ~sequence;
    }
    bytes[size - 1] = (unsigned char) sequence;
}

static void check_stamp(const unsigned char *bytes, size_t size,
                        uint32_t sequence)
{
    if (size == 0)
        return;
    if (size > 5) {
        uint32_t found;
        memcpy(&found, bytes, 4);
        if (found != sequence)
            fail("order of messages", sequence, found);
        unsigned char middle = bytes[middle_of(size, sequence)];
        if (middle != (unsigned char) ~sequence)
            fail("content of a message", (unsigned char) ~sequence, middle);
    }
    if (bytes[size - 1] != (unsigned char) sequence)
        fail("content of a message", (unsigned char) sequence,
             bytes[size - 1]);
}

#endif
