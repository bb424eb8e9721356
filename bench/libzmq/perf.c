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
 * Messages are numbered, and their order and content verified. --ready says
 * "ready" on stderr once the endpoint is bound. */

#include <pthread.h>
#include "common.h"

static size_t message_size;
static uint64_t message_count;
static int ready;
static void *context;

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

static void push_all(const char *connect_to)
{
    void *push = open_socket(ZMQ_PUSH, NULL, connect_to);
    for (uint64_t i = 0; i < message_count; i++)
        send_stamped(push, message_size, (uint32_t) i);
    close_socket(push);
}

static void reply_all(const char *bind_to, const char *connect_to)
{
    void *reply = open_socket(ZMQ_REP, bind_to, connect_to);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < message_count; i++) {
        receive_stamped(reply, &msg, message_size, (uint32_t) i);
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
        receive_stamped(pull, &msg, message_size, (uint32_t) i);
        if (i == 0)
            start = now_us();
    }
    double elapsed_us = now_us() - start;
    zmq_msg_close(&msg);
    close_socket(pull);
    print_throughput(message_size, message_count, elapsed_us);
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *) a, right = *(const double *) b;
    return (left > right) - (left < right);
}

/* The nearest rank, as bench/latency.ts takes it. */
static double percentile(const double *sorted, uint64_t count, double share)
{
    uint64_t rank = (uint64_t) (share * count);
    if (rank < share * count)
        rank++;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static void time_requests(void *request)
{
    zmq_msg_t msg;
    double *times = malloc(message_count * sizeof *times);
    if (!times)
        die("malloc");
    zmq_msg_init(&msg);
    double last = now_us(), start = last;
    for (uint64_t i = 0; i < message_count; i++) {
        send_stamped(request, message_size, (uint32_t) i);
        receive_stamped(request, &msg, message_size, (uint32_t) i);
        double now = now_us();
        times[i] = (now - last) / 2;
        last = now;
        if (i == 0 && message_count > 1)
            start = now;
    }
    zmq_msg_close(&msg);
    close_socket(request);
    /* The first round trip connects and is left out, unless it is all. */
    uint64_t skipped = message_count > 1;
    uint64_t timed = message_count - skipped;
    double latency_us = (last - start) / (timed * 2);
    qsort(times + skipped, timed, sizeof *times, ascending);
    printf("message size: %d [B]\n", (int) message_size);
    printf("roundtrip count: %d\n", (int) message_count);
    printf("average latency: %.3f [us]\n", latency_us);
    printf("latency p50: %.3f [us]\n",
           percentile(times + skipped, timed, 0.5));
    printf("latency p99: %.3f [us]\n",
           percentile(times + skipped, timed, 0.99));
    printf("latency p99.9: %.3f [us]\n",
           percentile(times + skipped, timed, 0.999));
    free(times);
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
        if (!strcmp(argv[i], "--ready"))
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
               " [--ready]\n");
    return result ? 1 : 0;
}
