/* libzmq's PUB/SUB in the bench of the shared-memory queue; its arguments are
 * in ../shm/task.h. The publisher waits for who is slow, so that nothing gets
 * lost, as the queue does that holds its producer back. */

#include <zmq.h>
#include "../shm/task.h"

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void set_int(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value))
        die("zmq_setsockopt");
}

static void publish(void *context, const struct task *task)
{
    void *socket = zmq_socket(context, ZMQ_XPUB);
    zmq_msg_t msg;
    set_int(socket, ZMQ_XPUB_VERBOSE, 1);
    set_int(socket, ZMQ_XPUB_NODROP, 1);
    if (zmq_bind(socket, task->address))
        die("zmq_bind");
    fputs("ready\n", stderr);
    zmq_msg_init(&msg);
    for (int i = 0; i < task->consumers; i++)
        if (zmq_msg_recv(&msg, socket, 0) < 0)
            die("zmq_msg_recv");
    struct schedule schedule = begin_schedule(task);
    uint32_t number;
    do {
        number = next_number(&schedule);
        if (zmq_msg_init_size(&msg, task->size))
            die("zmq_msg_init_size");
        fill_record(task, zmq_msg_data(&msg), number);
        if (zmq_msg_send(&msg, socket, 0) < 0)
            die("zmq_msg_send");
    } while (number != END);
    end_schedule(&schedule);
    /* A subscriber whose queue is full drops what it has not read yet when the
     * connection ends: the last of them has to leave first, and says so. */
    do {
        if (zmq_msg_recv(&msg, socket, 0) < 0)
            die("zmq_msg_recv");
    } while (zmq_msg_size(&msg) == 0 || *(char *)zmq_msg_data(&msg) != 0);
    zmq_msg_close(&msg);
    if (zmq_close(socket))
        die("zmq_close");
}

static void subscribe(void *context, const struct task *task)
{
    void *socket = zmq_socket(context, ZMQ_SUB);
    zmq_msg_t msg;
    if (zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0))
        die("zmq_setsockopt");
    if (zmq_connect(socket, task->address))
        die("zmq_connect");
    struct tally tally = begin_tally(task);
    zmq_msg_init(&msg);
    do {
        if (zmq_msg_recv(&msg, socket, 0) < 0)
            die("zmq_msg_recv");
    } while (take_record(&tally, zmq_msg_data(&msg), zmq_msg_size(&msg)));
    end_tally(&tally);
    zmq_msg_close(&msg);
    if (zmq_close(socket))
        die("zmq_close");
}

int main(int argc, char **argv)
{
    struct task task;
    if (!parse_task(&task, argc, argv))
        return 2;
    void *context = zmq_ctx_new();
    (task.produces ? publish : subscribe)(context, &task);
    zmq_ctx_term(context);
    return 0;
}
