/* A fan-out over Unix sockets that keep records apart: one send for each record
 * and consumer. Its arguments are in task.h. */

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "task.h"

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_socket(const struct task *task, struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    strncpy(address->sun_path, task->address, sizeof address->sun_path - 1);
    return fd;
}

static void produce(const struct task *task)
{
    struct sockaddr_un address;
    int listener = open_socket(task, &address);
    int *fds = calloc(task->consumers, sizeof(int));
    unsigned char *bytes = calloc(1, task->size);
    if (bind(listener, (struct sockaddr *) &address, sizeof address))
        die("bind");
    if (listen(listener, task->consumers))
        die("listen");
    fputs("ready\n", stderr);
    for (int i = 0; i < task->consumers; i++)
        if ((fds[i] = accept(listener, NULL, NULL)) < 0)
            die("accept");
    struct schedule schedule = begin_schedule(task);
    uint32_t number;
    do {
        number = next_number(&schedule);
        fill_record(task, bytes, number);
        for (int i = 0; i < task->consumers; i++)
            if (send(fds[i], bytes, task->size, 0) != (ssize_t) task->size)
                die("send");
    } while (number != END);
    end_schedule(&schedule);
}

static void consume(const struct task *task)
{
    struct sockaddr_un address;
    int fd = open_socket(task, &address);
    unsigned char *bytes = calloc(1, task->size);
    if (connect(fd, (struct sockaddr *) &address, sizeof address))
        die("connect");
    struct tally tally = begin_tally(task);
    ssize_t length;
    do {
        length = recv(fd, bytes, task->size, 0);
        if (length <= 0)
            die("recv");
    } while (take_record(&tally, bytes, (size_t) length));
    end_tally(&tally);
}

int main(int argc, char **argv)
{
    struct task task;
    if (!parse_task(&task, argc, argv))
        return 2;
    (task.produces ? produce : consume)(&task);
    return 0;
}
