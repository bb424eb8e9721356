/* What bench/pollers/serve.ts does, in C over epoll: the peer that the pollers
 * are compared with in the same run. Built by bench/pollers/contenders.ts:
 * cc -O3 echo_epoll.c
 *
 *   echo_epoll <port> <connections> <warm-up events> <measured ms>
 *
 * Accepts the connections and echoes what comes. Once every connection and the
 * warm-up's events were there it measures for a while, says "x" to the first
 * connection, waits for its end and prints one line of JSON. */

#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* As in src/poller/poller.ts, src/transport/stream_listener.ts and serve.ts. */
enum { EVENTS_PER_TURN = 256, ACCEPTS_PER_TURN = 64, WAKE_MS = 1000 };
enum { BACKLOG = 4096, BUFFER = 64 };

struct reading {
    double wall_us, cpu_us;
};

static int epoll_fd, listen_fd, first_fd = -1;
static long accepted, wanted, events, turns;
static int finishing, ended;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct reading now(void)
{
    struct timespec t;
    struct rusage u;
    struct reading r;
    clock_gettime(CLOCK_MONOTONIC, &t);
    getrusage(RUSAGE_SELF, &u);
    r.wall_us = t.tv_sec * 1e6 + t.tv_nsec / 1e3;
    r.cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6
               + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
    return r;
}

static void watch(int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
        die("epoll_ctl");
}

static void open_listener(int port)
{
    int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd < 0)
        die("socket");
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listen_fd, (struct sockaddr *) &address, sizeof address))
        die("bind");
    if (listen(listen_fd, BACKLOG))
        die("listen");
    watch(listen_fd);
}

static void accept_some(void)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && accepted < wanted; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN)
                return;
            die("accept4");
        }
        if (first_fd < 0)
            first_fd = fd;
        watch(fd);
        accepted++;
    }
    /* What is watched from now on is the connections alone. */
    if (accepted == wanted)
        close(listen_fd);
}

static void echo(int fd)
{
    char bytes[BUFFER];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count > 0) {
        /* A peer that was told to end resets what is still on its way. */
        if (send(fd, bytes, count, MSG_NOSIGNAL) != count && !finishing)
            die("send");
        events++;
    } else if (count == 0 || errno != EAGAIN) {
        ended |= fd == first_fd;
        close(fd);
    }
}

static void turn(int timeout_ms)
{
    struct epoll_event found[EVENTS_PER_TURN];
    int count = epoll_wait(epoll_fd, found, EVENTS_PER_TURN, timeout_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait");
    turns++;
    for (int i = 0; i < count; i++) {
        if (found[i].data.fd == listen_fd && accepted < wanted)
            accept_some();
        else
            echo(found[i].data.fd);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: echo_epoll <port> <connections> <warm-up events>"
              " <measured ms>\n",
              stderr);
        return 1;
    }
    wanted = atol(argv[2]);
    long warm = atol(argv[3]);
    double measured_us = atof(argv[4]) * 1e3;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll_create1");
    open_listener(atoi(argv[1]));
    fputs("ready\n", stderr);

    while (accepted == 0)
        turn(-1);
    struct reading start = now();
    while (accepted < wanted || events < wanted)
        turn(-1);
    struct reading opened = now();
    while (events < wanted + warm)
        turn(-1);

    long events_before = events, turns_before = turns;
    struct reading before = now(), after = before;
    double left_us = measured_us;
    while (left_us > 0) {
        turn(left_us > WAKE_MS * 1e3 ? WAKE_MS : (int) (left_us / 1e3) + 1);
        after = now();
        left_us = before.wall_us + measured_us - after.wall_us;
    }
    long measured = events - events_before, measured_turns = turns - turns_before;

    finishing = 1;
    if (send(first_fd, "x", 1, MSG_NOSIGNAL) != 1)
        die("send");
    while (!ended)
        turn(-1);
    printf("{\"connections\":%ld,\"setupCpuUs\":%.0f,\"setupWallUs\":%.0f,"
           "\"events\":%ld,\"turns\":%ld,\"cpuUs\":%.0f,\"wallUs\":%.0f}\n",
           accepted, opened.cpu_us - start.cpu_us,
           opened.wall_us - start.wall_us, measured, measured_turns,
           after.cpu_us - before.cpu_us, after.wall_us - before.wall_us);
    return 0;
}
