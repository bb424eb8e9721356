/* What the C programs of the bench of the shared-memory queue have in common
 * with bench/shm/task.ts: their arguments, the records and the lines that they
 * print. Each of them is
 *
 *   <program> produce|consume <address> rate|latency <size> <ms> <consumers>
 *             in-place|copied
 *
 * A producer says "ready" on stderr, waits for all consumers and then, for so
 * many ms, writes as fast as it can or once in INTERVAL_MS. The last record has
 * the number END. */

#ifndef PUREZMQ_BENCH_TASK_H
#define PUREZMQ_BENCH_TASK_H

#include "../libzmq/stamp.h"

#define END 0x7fffffffu
#define INTERVAL_MS 2
#define WARM_UP_INTERVAL_US 50
/* The part of a run that comes before what is measured. */
#define WARM_UP 0.3
/* Records between looks at the clock. */
#define CLOCK_RECORDS 256
/* Where the time is in a record whose latency is measured, ms. */
#define TIME_AT 8

struct task {
    int produces, measures_latency, in_place, consumers;
    const char *address;
    size_t size;
    double ms;
};

static int parse_task(struct task *task, int argc, char **argv)
{
    if (argc != 8)
        return 0;
    task->produces = !strcmp(argv[1], "produce");
    task->address = argv[2];
    task->measures_latency = !strcmp(argv[3], "latency");
    task->size = strtoull(argv[4], NULL, 10);
    task->ms = atof(argv[5]);
    task->consumers = atoi(argv[6]);
    task->in_place = !strcmp(argv[7], "in-place");
    return task->size >= TIME_AT + 8 && task->ms > 0 && task->consumers > 0;
}

/* --- the producer --- */

struct schedule {
    const struct task *task;
    double warm_ms, end_ms;
    uint32_t next;
    int is_warm;
};

static double now_ms(void) { return now_us() / 1e3; }

static struct schedule begin_schedule(const struct task *task)
{
    double start_ms = now_ms();
    struct schedule schedule = {
        task, start_ms + task->ms * WARM_UP, start_ms + task->ms, 0, 0
    };
    return schedule;
}

/* The number of the next record; END as the last one. Sleeps if it has to. */
static uint32_t next_number(struct schedule *schedule)
{
    int slow = schedule->task->measures_latency;
    if (slow) {
        struct timespec pause = { 0, WARM_UP_INTERVAL_US * 1000 };
        if (schedule->is_warm)
            pause.tv_nsec = INTERVAL_MS * 1000000;
        nanosleep(&pause, NULL);
    }
    if (slow || schedule->next % CLOCK_RECORDS == 0) {
        double now = now_ms();
        if (now >= schedule->end_ms)
            return END;
        schedule->is_warm = now >= schedule->warm_ms;
    }
    return schedule->next++;
}

static void fill_record(const struct task *task, unsigned char *bytes,
                        uint32_t number)
{
    if (!task->measures_latency) {
        stamp(bytes, task->size, number);
        return;
    }
    memcpy(bytes, &number, 4);
    bytes[task->size - 1] = (unsigned char) number;
    double time = now_ms();
    memcpy(bytes + TIME_AT, &time, 8);
}

static void end_schedule(const struct schedule *schedule)
{
    printf("sent: %u [records]\n", schedule->next);
}

/* --- a consumer --- */

struct tally {
    const struct task *task;
    uint32_t received, start_at;
    double first_ms, start_ms, *samples;
    size_t samples_max, sampled;
};

static struct tally begin_tally(const struct task *task)
{
    struct tally tally = { task, 0, 0, 0, 0, NULL, 0, 0 };
    tally.samples_max = (size_t) (task->ms / INTERVAL_MS) + 1;
    tally.samples = calloc(tally.samples_max, sizeof(double));
    return tally;
}

/* Checks a record and counts it; 0 when it was the last one. */
static int take_record(struct tally *tally, const unsigned char *bytes,
                       size_t size)
{
    const struct task *task = tally->task;
    uint32_t number;
    if (size != task->size)
        fail("size of a record", task->size, size);
    memcpy(&number, bytes, 4);
    if (number == END)
        return 0;
    if (task->measures_latency) {
        double now = now_ms(), time;
        memcpy(&time, bytes + TIME_AT, 8);
        if (number == 0)
            tally->first_ms = time;
        else if (time - tally->first_ms > task->ms * WARM_UP
                 && tally->sampled < tally->samples_max)
            tally->samples[tally->sampled++] = now - time;
        if (number != tally->received)
            fail("order of records", tally->received, number);
        if (bytes[size - 1] != (unsigned char) number)
            fail("content of a record", number & 0xff, bytes[size - 1]);
    } else {
        check_stamp(bytes, size, tally->received);
        if (tally->received % CLOCK_RECORDS == 0 && tally->start_ms == 0) {
            double now = now_ms();
            if (tally->received == 0)
                tally->first_ms = now;
            else if (now - tally->first_ms > task->ms * WARM_UP) {
                tally->start_ms = now;
                tally->start_at = tally->received;
            }
        }
    }
    tally->received++;
    return 1;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static void end_tally(struct tally *tally)
{
    double end_ms = now_ms();
    printf("received: %u [records]\n", tally->received);
    if (!tally->task->measures_latency) {
        double records = tally->received - tally->start_at;
        printf("rate: %.0f [records/s]\n",
               records / (end_ms - tally->start_ms) * 1e3);
        return;
    }
    size_t count = tally->sampled;
    double *samples = tally->samples;
    qsort(samples, count, sizeof(double), compare_doubles);
    printf("latency p50: %.3f [us]\n", samples[count / 2] * 1e3);
    printf("latency p99: %.3f [us]\n", samples[(size_t) (count * 0.99)] * 1e3);
}

#endif
