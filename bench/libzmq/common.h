/* What the libzmq programs of the benches share. */

#ifndef PUREZMQ_BENCH_COMMON_H
#define PUREZMQ_BENCH_COMMON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

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
    return 4 + sequence % (uint32_t) (size - 5);
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

static void send_stamped(void *socket, size_t size, uint32_t sequence)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, size))
        die("zmq_msg_init_size");
    stamp(zmq_msg_data(&msg), size, sequence);
    if (zmq_msg_send(&msg, socket, 0) < 0)
        die("zmq_msg_send");
}

static void receive_stamped(void *socket, zmq_msg_t *msg, size_t size,
                            uint32_t sequence)
{
    if (zmq_msg_recv(msg, socket, 0) < 0)
        die("zmq_msg_recv");
    if (zmq_msg_size(msg) != size || zmq_msg_more(msg))
        fail("message of incorrect size received", size, zmq_msg_size(msg));
    check_stamp(zmq_msg_data(msg), size, sequence);
}

static void close_socket(void *socket)
{
    if (zmq_close(socket))
        die("zmq_close");
}

static void print_throughput(double size, double count, double elapsed_us)
{
    if (elapsed_us < 1)
        elapsed_us = 1;
    double throughput = count / elapsed_us * 1e6;
    printf("message size: %.0f [B]\n", size);
    printf("message count: %.0f\n", count);
    printf("mean throughput: %.0f [msg/s]\n", throughput);
    printf("mean throughput: %.3f [Mb/s]\n", throughput * size * 8 / 1e6);
}

#endif
