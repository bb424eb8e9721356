/* The libzmq side of the benches: one program with the six modes of libzmq's
 * perf tools, so that both sides take the same arguments, print the same lines
 * and start their clocks at the same moment (the first message, or the first
 * reply). Built by bench/contestants.ts: cc -O3 perf.c -lzmq -lpthread
 *
 *   perf local_thr  <bind-to>    <message-size> <message-count>   [flags]
 *   perf remote_thr <connect-to> <message-size> <message-count>   [flags]
 *   perf local_lat  <bind-to>    <message-size> <roundtrip-count> [flags]
 *   perf remote_lat <connect-to> <message-size> <roundtrip-count> [flags]
 *   perf inproc_thr              <message-size> <message-count>   [flags]
 *   perf inproc_lat              <message-size> <roundtrip-count> [flags]
 *
 * Flags: --check numbers the messages (bench/sequence.ts has the layout) and
 * verifies them, --ready says "ready" on stderr once the endpoint is bound. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static size_t message_size;
static uint64_t message_count;
static int check, ready;
static void *context;

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void *open_socket(int type, const char *bind_to, const char *connect_to)
{
    void *socket = zmq_socket(context, type);
    if (!socket)
        die("zmq_socket");
    if (bind_to && zmq_bind(socket, bind_to))
        die("zmq_bind");
    if (connect_to && zmq_connect(socket, connect_to))
        die("zmq_connect");
    if (bind_to && ready)
        fputs("ready\n", stderr);
    return socket;
}

static void send_one(void *socket, uint64_t sequence)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, message_size))
        die("zmq_msg_init_size");
    if (check) {
        unsigned char *bytes = zmq_msg_data(&msg);
        memset(bytes, 0, message_size);
        if (message_size >= 8) {
            bytes[message_size - 1] = (unsigned char) sequence;
            for (int i = 0; i < 8; i++)
                bytes[i] = (unsigned char) (sequence >> (8 * i));
        }
    }
    if (zmq_msg_send(&msg, socket, 0) < 0)
        die("zmq_msg_send");
}

static void receive_one(void *socket, zmq_msg_t *msg, uint64_t sequence)
{
    if (zmq_msg_recv(msg, socket, 0) < 0)
        die("zmq_msg_recv");
    if (zmq_msg_size(msg) != message_size || zmq_msg_more(msg)) {
        fprintf(stderr, "message of incorrect size received\n");
        exit(1);
    }
    if (check && message_size >= 8) {
        const unsigned char *bytes = zmq_msg_data(msg);
        uint64_t found = 0;
        for (int i = 7; i >= 0; i--)
            found = found << 8 | bytes[i];
        if (found != sequence
            || (message_size > 8
                && bytes[message_size - 1] != (unsigned char) sequence)) {
            fprintf(stderr, "Expected message %llu: received %llu\n",
                    (unsigned long long) sequence, (unsigned long long) found);
            exit(1);
        }
    }
}

static void close_socket(void *socket)
{
    if (zmq_close(socket))
        die("zmq_close");
}

static void push_all(const char *connect_to)
{
    void *push = open_socket(ZMQ_PUSH, NULL, connect_to);
    for (uint64_t i = 0; i < message_count; i++)
        send_one(push, i);
    close_socket(push);
}

static void reply_all(const char *bind_to, const char *connect_to)
{
    void *reply = open_socket(ZMQ_REP, bind_to, connect_to);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < message_count; i++) {
        receive_one(reply, &msg, i);
        if (zmq_msg_send(&msg, reply, 0) < 0)
            die("zmq_msg_send");
        zmq_msg_init(&msg);
    }
    zmq_msg_close(&msg);
    close_socket(reply);
}

static void time_pull(void *pull)
{
    zmq_msg_t msg;
    double start = 0;
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < message_count; i++) {
        receive_one(pull, &msg, i);
        if (i == 0)
            start = now_us();
    }
    double elapsed_us = now_us() - start;
    if (elapsed_us < 1)
        elapsed_us = 1;
    zmq_msg_close(&msg);
    close_socket(pull);
    double throughput = message_count / elapsed_us * 1e6;
    printf("message size: %d [B]\n", (int) message_size);
    printf("message count: %d\n", (int) message_count);
    printf("mean throughput: %d [msg/s]\n", (int) throughput);
    printf("mean throughput: %.3f [Mb/s]\n",
           throughput * message_size * 8 / 1e6);
}

static void time_requests(void *request)
{
    zmq_msg_t msg;
    uint64_t timed = message_count;
    double start = now_us();
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < message_count; i++) {
        send_one(request, i);
        receive_one(request, &msg, i);
        if (i == 0 && message_count > 1) {
            start = now_us();
            timed = message_count - 1;
        }
    }
    double latency_us = (now_us() - start) / (timed * 2);
    zmq_msg_close(&msg);
    close_socket(request);
    printf("message size: %d [B]\n", (int) message_size);
    printf("roundtrip count: %d\n", (int) message_count);
    printf("average latency: %.3f [us]\n", latency_us);
}

static void *push_thread(void *arg)
{
    (void) arg;
    push_all("inproc://thr_test");
    return NULL;
}

static void *reply_thread(void *arg)
{
    (void) arg;
    reply_all(NULL, "inproc://lat_test");
    return NULL;
}

static int run_inproc(int throughput)
{
    pthread_t thread;
    void *socket = throughput
                       ? open_socket(ZMQ_PULL, "inproc://thr_test", NULL)
                       : open_socket(ZMQ_REQ, "inproc://lat_test", NULL);
    if (pthread_create(&thread, NULL, throughput ? push_thread : reply_thread,
                       NULL)) {
        fprintf(stderr, "pthread_create failed\n");
        return 1;
    }
    if (throughput)
        time_pull(socket);
    else
        time_requests(socket);
    pthread_join(thread, NULL);
    return 0;
}

static int run(const char *mode, const char *endpoint)
{
    if (!strcmp(mode, "local_thr"))
        time_pull(open_socket(ZMQ_PULL, endpoint, NULL));
    else if (!strcmp(mode, "remote_thr"))
        push_all(endpoint);
    else if (!strcmp(mode, "local_lat"))
        reply_all(endpoint, NULL);
    else if (!strcmp(mode, "remote_lat"))
        time_requests(open_socket(ZMQ_REQ, NULL, endpoint));
    else if (!strcmp(mode, "inproc_thr"))
        return run_inproc(1);
    else if (!strcmp(mode, "inproc_lat"))
        return run_inproc(0);
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *words[4];
    int word_count = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--check"))
            check = 1;
        else if (!strcmp(argv[i], "--ready"))
            ready = 1;
        else if (word_count < 4)
            words[word_count++] = argv[i];
    }
    int inproc = word_count > 0 && !strncmp(words[0], "inproc_", 7);
    int result = -1;
    if (word_count == (inproc ? 3 : 4)) {
        message_size = strtoull(words[word_count - 2], NULL, 10);
        message_count = strtoull(words[word_count - 1], NULL, 10);
        context = zmq_ctx_new();
        result = run(words[0], inproc ? NULL : words[1]);
        zmq_ctx_term(context);
    }
    if (result < 0)
        printf("usage: perf <mode> [<endpoint>] <message-size> <count>"
               " [--check] [--ready]\n");
    return result ? 1 : 0;
}
