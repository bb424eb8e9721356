/* The other ends of the connections that a poller watches. bench/pollers/peer.ts
 * does the same where there is no compiler; this one takes less time away from
 * the process that is measured. It polls only those few that it expects
 * something from, so that its own cost does not grow with the connections.
 * Built by bench/pollers/contenders.ts: cc -O3 peer.c
 *
 *   peer <port> <connections> <active>
 *
 * Connects, sends a byte on each connection and waits for its echo, with at
 * most WINDOW echoes outstanding; then bounces one byte on each of the active
 * connections until an "x" comes on the first connection. Prints one line of
 * JSON: the time from the first connect to the last of the first echoes. */

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WINDOW = 128, BUFFER = 64 };

static int ended;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int open_connection(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* Closed with a reset: ten thousand TIME_WAITs would outlive the run. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(fd, (struct sockaddr *) &address, sizeof address))
        die("connect");
    return fd;
}

static void send_byte(int fd)
{
    if (send(fd, "e", 1, 0) != 1)
        die("send");
}

/* Notes the byte that ends the run, which may come close behind an echo. */
static void receive_echo(int fd)
{
    char bytes[BUFFER];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count < 0)
        die("recv");
    if (count == 0) {
        fputs("recv: the server closed a connection\n", stderr);
        exit(1);
    }
    if (memchr(bytes, 'x', count))
        ended = 1;
}

static void open_all(int *fds, int count, int port)
{
    struct pollfd window[WINDOW];
    int opened = 0, outstanding = 0;
    while (opened < count || outstanding > 0) {
        if (opened < count && outstanding < WINDOW) {
            fds[opened] = open_connection(port);
            send_byte(fds[opened]);
            window[outstanding].fd = fds[opened];
            window[outstanding++].events = POLLIN;
            opened++;
            continue;
        }
        if (poll(window, outstanding, -1) < 0)
            die("poll");
        int kept = 0;
        for (int i = 0; i < outstanding; i++) {
            if (window[i].revents)
                receive_echo(window[i].fd);
            else
                window[kept++] = window[i];
        }
        outstanding = kept;
    }
}

static void bounce(const int *fds, int count, int active)
{
    int watched = active > 0 ? active : 1;
    struct pollfd *set = calloc(watched, sizeof *set);
    for (int i = 0; i < watched; i++) {
        /* Spread over all, the first connection among them. */
        set[i].fd = fds[(long) i * count / watched];
        set[i].events = POLLIN;
        if (active > 0)
            send_byte(set[i].fd);
    }
    while (!ended) {
        if (poll(set, watched, -1) < 0)
            die("poll");
        for (int i = 0; i < watched && !ended; i++) {
            if (!set[i].revents)
                continue;
            receive_echo(set[i].fd);
            if (!ended)
                send_byte(set[i].fd);
        }
    }
    free(set);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: peer <port> <connections> <active>\n", stderr);
        return 1;
    }
    int count = atoi(argv[2]);
    int *fds = calloc(count, sizeof *fds);
    double start = now_us();
    open_all(fds, count, atoi(argv[1]));
    double opened_us = now_us() - start;
    bounce(fds, count, atoi(argv[3]));
    /* The server ends when its first connection does: that one is the last. */
    for (int i = count - 1; i >= 0; i--)
        close(fds[i]);
    printf("{\"openedUs\":%.0f}\n", opened_us);
    return 0;
}
