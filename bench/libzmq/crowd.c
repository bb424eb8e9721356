/* The libzmq side of the benches with many peers, subscriptions or
 * connections; bench/crowd/ has the same programs on this library, with the
 * same arguments and lines. Built by bench/contestants.ts: cc -O3 crowd.c -lzmq
 *
 *   crowd fanout      bind|connect <endpoint> <size> <count> <subscribers>
 *   crowd matching    bind|connect <endpoint> <subscriptions> <count> hit|miss
 *   crowd lanes       bind|connect <endpoint> <size> <count> <lanes> <workers>
 *   crowd connections bind|connect <endpoint> <count> <backlog>
 *   crowd burst       bind         <endpoint> <size> <count>
 *
 * Who binds says "ready" on stderr. */

#include <unistd.h>
#include "common.h"

#define TOPIC_SIZE 32
/* Messages that one subscriber takes before it is the next one's turn: fewer
 * than a high-water mark, so that all of them go on. */
#define TURN 100
/* A step through the topics that comes to each of them. */
#define TOPIC_STEP 7919
#define SETTLE_US 200000
#define GROWTH_WAIT_US 2000000.0
#define RETURN_WAIT_US 10000000.0

static void *context;

static void *open_socket(int type)
{
    void *socket = zmq_socket(context, type);
    if (!socket)
        die("zmq_socket");
    return socket;
}

static void set_int(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value))
        die("zmq_setsockopt");
}

static void bind_ready(void *socket, const char *endpoint)
{
    if (zmq_bind(socket, endpoint))
        die("zmq_bind");
    fputs("ready\n", stderr);
}

static void connect_to(void *socket, const char *endpoint)
{
    if (zmq_connect(socket, endpoint))
        die("zmq_connect");
}

static double wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double resident_kib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) {
        fputs("cannot read /proc/self/statm\n", stderr);
        exit(1);
    }
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024.0);
}

/* A publisher that sees who subscribes and waits for who is slow. */
static void *open_publisher(const char *endpoint, uint64_t subscriptions)
{
    void *publisher = open_socket(ZMQ_XPUB);
    zmq_msg_t msg;
    set_int(publisher, ZMQ_XPUB_VERBOSE, 1);
    set_int(publisher, ZMQ_XPUB_NODROP, 1);
    bind_ready(publisher, endpoint);
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < subscriptions; i++)
        if (zmq_msg_recv(&msg, publisher, 0) < 0)
            die("zmq_msg_recv");
    zmq_msg_close(&msg);
    return publisher;
}

static void publish_all(const char *endpoint, size_t size, uint64_t count,
                        int subscribers)
{
    void *publisher = open_publisher(endpoint, subscribers);
    for (uint64_t i = 0; i < count; i++)
        send_stamped(publisher, size, (uint32_t) i);
    close_socket(publisher);
}

static void subscribe_all(const char *endpoint, size_t size, uint64_t count,
                          int subscribers)
{
    void **sockets = calloc(subscribers, sizeof *sockets);
    zmq_msg_t msg;
    double start = 0;
    for (int i = 0; i < subscribers; i++) {
        sockets[i] = open_socket(ZMQ_SUB);
        if (zmq_setsockopt(sockets[i], ZMQ_SUBSCRIBE, "", 0))
            die("zmq_setsockopt");
        connect_to(sockets[i], endpoint);
    }
    zmq_msg_init(&msg);
    for (uint64_t from = 0; from < count; from += TURN) {
        uint64_t to = from + TURN < count ? from + TURN : count;
        for (int i = 0; i < subscribers; i++)
            for (uint64_t n = from; n < to; n++) {
                receive_stamped(sockets[i], &msg, size, (uint32_t) n);
                if (start == 0)
                    start = now_us();
            }
    }
    print_throughput(size, (double) count * subscribers, now_us() - start);
    zmq_msg_close(&msg);
    for (int i = 0; i < subscribers; i++)
        close_socket(sockets[i]);
    free(sockets);
}

/* Those that are published and that nobody has differ in the last octet. */
static void write_topic(char *topic, uint64_t n, char last)
{
    char text[TOPIC_SIZE + 1];
    unsigned number = (unsigned) (n % 100000000);
    snprintf(text, sizeof text, "market/%03u/instrument/%08u.%c",
             number / 100000, number, last);
    memcpy(topic, text, TOPIC_SIZE);
}

static void send_bytes(void *socket, const void *bytes, size_t size)
{
    zmq_msg_t msg;
    if (zmq_msg_init_size(&msg, size))
        die("zmq_msg_init_size");
    memcpy(zmq_msg_data(&msg), bytes, size);
    if (zmq_msg_send(&msg, socket, 0) < 0)
        die("zmq_msg_send");
}

static void publish_topics(const char *endpoint, uint64_t subscriptions,
                           uint64_t count, int hit)
{
    char *topics = malloc(subscriptions * TOPIC_SIZE);
    for (uint64_t n = 0; n < subscriptions; n++)
        write_topic(topics + n * TOPIC_SIZE, n * TOPIC_STEP % subscriptions,
                    hit ? 'A' : 'B');
    void *publisher = open_publisher(endpoint, subscriptions + 1);
    double start = now_us();
    for (uint64_t i = 0; i < count; i++)
        send_bytes(publisher, topics + i % subscriptions * TOPIC_SIZE,
                   TOPIC_SIZE);
    double elapsed_us = now_us() - start;
    printf("time per message: %.1f [ns]\n", elapsed_us * 1e3 / count);
    send_bytes(publisher, "end", 3);
    close_socket(publisher);
    free(topics);
}

static void subscribe_topics(const char *endpoint, uint64_t subscriptions,
                             uint64_t count, int hit)
{
    void *subscriber = open_socket(ZMQ_SUB);
    char *topics = malloc(subscriptions * TOPIC_SIZE);
    zmq_msg_t msg;
    /* Beyond its high-water mark a subscription would be dropped. */
    set_int(subscriber, ZMQ_SNDHWM, 0);
    connect_to(subscriber, endpoint);
    for (uint64_t n = 0; n < subscriptions; n++) {
        char *topic = topics + n * TOPIC_SIZE;
        write_topic(topic, n, 'A');
        if (zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, topic, TOPIC_SIZE))
            die("zmq_setsockopt");
    }
    if (zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "end", 3))
        die("zmq_setsockopt");
    zmq_msg_init(&msg);
    for (uint64_t i = 0; hit && i < count; i++) {
        if (zmq_msg_recv(&msg, subscriber, 0) < 0)
            die("zmq_msg_recv");
        const char *topic = topics + i % subscriptions * TOPIC_STEP
            % subscriptions * TOPIC_SIZE;
        if (zmq_msg_size(&msg) != TOPIC_SIZE
            || memcmp(zmq_msg_data(&msg), topic, TOPIC_SIZE))
            fail("order of topics", i, 0);
    }
    if (zmq_msg_recv(&msg, subscriber, 0) < 0)
        die("zmq_msg_recv");
    if (zmq_msg_size(&msg) != 3)
        fail("size of the last message", 3, zmq_msg_size(&msg));
    zmq_msg_close(&msg);
    free(topics);
    close_socket(subscriber);
}

static void receive_lanes(const char *endpoint, size_t size, uint64_t count,
                          uint32_t lanes)
{
    void *pull = open_socket(ZMQ_PULL);
    uint32_t *next = calloc(lanes, sizeof *next);
    zmq_msg_t msg;
    double start = 0;
    bind_ready(pull, endpoint);
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < count; i++) {
        if (zmq_msg_recv(&msg, pull, 0) < 0)
            die("zmq_msg_recv");
        if (i == 0)
            start = now_us();
        if (zmq_msg_size(&msg) != size)
            fail("message of incorrect size received", size,
                 zmq_msg_size(&msg));
        uint32_t found;
        memcpy(&found, zmq_msg_data(&msg), 4);
        uint32_t lane = found % lanes;
        check_stamp(zmq_msg_data(&msg), size, next[lane]++ * lanes + lane);
    }
    print_throughput(size, (double) count, now_us() - start);
    zmq_msg_close(&msg);
    free(next);
    close_socket(pull);
}

static void send_lanes(const char *endpoint, size_t size, uint64_t count,
                       int lanes)
{
    void **sockets = calloc(lanes, sizeof *sockets);
    for (int i = 0; i < lanes; i++) {
        sockets[i] = open_socket(ZMQ_PUSH);
        connect_to(sockets[i], endpoint);
    }
    for (uint64_t i = 0; i < count; i++)
        send_stamped(sockets[i % lanes], size, (uint32_t) i);
    for (int i = 0; i < lanes; i++)
        close_socket(sockets[i]);
    free(sockets);
}

/* Each connection brings one message, so that all handshakes are done. */
static void accept_connections(const char *endpoint, uint64_t count,
                               int backlog)
{
    void *pull = open_socket(ZMQ_PULL);
    char *seen = calloc(count, 1);
    set_int(pull, ZMQ_BACKLOG, backlog);
    if (zmq_bind(pull, endpoint))
        die("zmq_bind");
    usleep(SETTLE_US);
    double before = resident_kib();
    fputs("ready\n", stderr);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t found;
        if (zmq_recv(pull, &found, 4, 0) != 4)
            die("zmq_recv");
        if (found >= count || seen[found]++)
            fail("number of a connection", i, found);
    }
    printf("end: %.3f [ms]\n", wall_ms());
    usleep(SETTLE_US);
    printf("connections: %.0f [count]\n", (double) count);
    printf("resident before: %.0f [KiB]\n", before);
    printf("resident after: %.0f [KiB]\n", resident_kib());
    free(seen);
    close_socket(pull);
}

static void make_connections(const char *endpoint, uint64_t count)
{
    void *push = open_socket(ZMQ_PUSH);
    printf("start: %.3f [ms]\n", wall_ms());
    fflush(stdout);
    for (uint64_t i = 0; i < count; i++)
        connect_to(push, endpoint);
    /* Sent in turns: the first round comes to each connection once. */
    for (uint64_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t) i;
        if (zmq_send(push, &number, 4, 0) != 4)
            die("zmq_send");
    }
    /* Ended by whoever started it, when the other side has measured. */
    pause();
}

static void receive_burst(const char *endpoint, size_t size, uint64_t count)
{
    void *pull = open_socket(ZMQ_PULL);
    zmq_msg_t msg;
    if (zmq_bind(pull, endpoint))
        die("zmq_bind");
    usleep(SETTLE_US);
    double before = resident_kib(), peak = before;
    fputs("ready\n", stderr);
    double all = before + 0.9 * size * count / 1024;
    for (double grown = now_us();
         peak < all && now_us() - grown < GROWTH_WAIT_US; usleep(10000)) {
        double resident = resident_kib();
        if (resident <= peak)
            continue;
        peak = resident;
        grown = now_us();
    }
    zmq_msg_init(&msg);
    for (uint64_t i = 0; i < count; i++)
        receive_stamped(pull, &msg, size, (uint32_t) i);
    zmq_msg_close(&msg);
    double end = now_us(), after = resident_kib();
    while (after > before * 1.2 && now_us() - end < RETURN_WAIT_US) {
        usleep(10000);
        after = resident_kib();
    }
    printf("resident before: %.0f [KiB]\n", before);
    printf("resident peak: %.0f [KiB]\n", peak);
    printf("resident after: %.0f [KiB]\n", after);
    close_socket(pull);
}

static int run(int argc, char **argv)
{
    if (argc < 5)
        return 1;
    int binds = !strcmp(argv[2], "bind");
    const char *endpoint = argv[3];
    uint64_t first = strtoull(argv[4], NULL, 10);
    uint64_t second = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    int third = argc > 6 ? atoi(argv[6]) : 0;
    if (!strcmp(argv[1], "fanout") && argc == 7)
        (binds ? publish_all : subscribe_all)(endpoint, first, second, third);
    else if (!strcmp(argv[1], "matching") && argc == 7)
        (binds ? publish_topics : subscribe_topics)(
            endpoint, first, second, !strcmp(argv[6], "hit"));
    else if (!strcmp(argv[1], "lanes") && argc == 8) {
        if (zmq_ctx_set(context, ZMQ_IO_THREADS, atoi(argv[7])))
            die("zmq_ctx_set");
        if (binds)
            receive_lanes(endpoint, first, second, third);
        else
            send_lanes(endpoint, first, second, third);
    } else if (!strcmp(argv[1], "connections") && argc == 6) {
        if (binds)
            accept_connections(endpoint, first, (int) second);
        else
            make_connections(endpoint, first);
    } else if (!strcmp(argv[1], "burst") && argc == 6 && binds)
        receive_burst(endpoint, first, second);
    else
        return 1;
    return 0;
}

int main(int argc, char **argv)
{
    context = zmq_ctx_new();
    int result = run(argc, argv);
    if (result)
        printf("usage: crowd <mode> bind|connect <endpoint> <arguments>\n");
    zmq_ctx_term(context);
    return result;
}
