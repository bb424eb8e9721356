/* What the libzmq programs of the benches share. */

#ifndef PUREZMQ_BENCH_COMMON_H
#define PUREZMQ_BENCH_COMMON_H

#include <zmq.h>
#include "stamp.h"

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
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
