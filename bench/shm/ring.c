/* The queue of src/shm in C: the same file, the same protocol and the same
 * order of accesses, so that it talks to producers and consumers in TypeScript.
 * It serves to measure, not as a library: records of one slot, consumers that
 * join before the first record, and a producer that waits for them without a
 * limit. Its arguments are in task.h, the layout in ../../src/shm/layout.ts. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "task.h"

enum {
    MAGIC = 0, MAGIC_END, VERSION, BYTE_ORDER_WORD, ROWS_AT, SLOTS, SLOT_BYTES,
    ROWS, WAITING, HOLD_BACK_MS, FILE_BYTES_LOW, FILE_BYTES_HIGH, PID,
    START_LOW, START_HIGH, EPOCH_LOW, EPOCH_HIGH, FIRST_LOW, FIRST_BLOCK,
    HEAD_LOW = 32, HEAD_BLOCK, INTENT_LOW, INTENT_BLOCK, STATE,
    SLEEPERS = 48, CROWD = 49, GATE_WAITING = 64, GATE = 65, GATE_LOW = 66,
    FIRST_ROW = 80
};
enum { ROW_WORDS = 16, ROW_STATE = 0, ROW_LOW, ROW_BLOCK, ROW_PID };
enum { ACTIVE = 1, OPEN = 1, CLOSED = 2 };

/* As bench/shm/task.ts has them. */
#define RING_SLOTS_MIN 1024
#define RING_BYTES_MAX (256 << 10)
#define RING_ROWS 16
#define INTENT_AHEAD 64
#define LIFE_CHECK_NS 125000000
#define BATCH_PATIENCE_US 1000
#define CROWD_MIN 3
#define SHORT_WAIT_US 100
#define SHORT_WAITS_MIN 8
#define NAP_NS 100000

static _Atomic int32_t *words;
static unsigned char *file;
static uint32_t slots, slot_bytes, rows;
static int32_t *descriptors;
static unsigned char *data;
static int32_t *end_mark;
static char queue_path[256], new_path[256], lock_path[256];

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t lay_out(void)
{
    size_t at = FIRST_ROW + rows * ROW_WORDS;
    size_t data_at = (at + (size_t) slots * 4) * 4;
    data_at = (data_at + 4095) / 4096 * 4096;
    size_t bytes = data_at + (size_t) slots * slot_bytes;
    size_t end_at = (bytes + 4095) / 4096 * 4096;
    if (file) {
        end_mark = (int32_t *) (file + end_at + 4092);
        words = (_Atomic int32_t *) file;
        descriptors = (int32_t *) file + at;
        data = file + data_at;
    }
    return end_at + 4096;
}

static void map_file(int fd)
{
    size_t bytes = lay_out();
    file = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        die("mmap");
    lay_out();
}

static void lock_byte(int fd, int64_t start)
{
    struct flock range = { .l_type = F_WRLCK, .l_start = start, .l_len = 1 };
    if (fcntl(fd, F_OFD_SETLK, &range))
        die("a lock of the queue");
}

static int try_lock_byte(int fd, int64_t start)
{
    struct flock range = { .l_type = F_WRLCK, .l_start = start, .l_len = 1 };
    return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

static int is_locked(int fd, int64_t start)
{
    struct flock range = { .l_type = F_RDLCK, .l_start = start, .l_len = 1 };
    if (fcntl(fd, F_OFD_GETLK, &range))
        die("F_OFD_GETLK");
    return range.l_type != F_UNLCK;
}

static int sleep_on(int word, int32_t expected, long ns)
{
    struct timespec limit = { 0, ns };
    return (int) syscall(SYS_futex, words + word, FUTEX_WAIT, expected, &limit);
}

static long wake_all(int word)
{
    return syscall(SYS_futex, words + word, FUTEX_WAKE, INT_MAX, NULL);
}

/* Of a position below 2^32, which is all that a measurement reaches. */
static int32_t block_of(uint32_t low) { return (int32_t) (low >> 24); }

static uint64_t start_ticks(void)
{
    char text[1024];
    FILE *stat = fopen("/proc/self/stat", "r");
    size_t length = stat ? fread(text, 1, sizeof text - 1, stat) : 0;
    text[length] = 0;
    char *field = strrchr(text, ')');
    for (int i = 0; field && i < 20; i++)
        field = strchr(field + 1, ' ');
    if (stat)
        fclose(stat);
    return field ? strtoull(field, NULL, 10) : 0;
}

/* --- the producer --- */

static uint32_t head, intent, sequence;
static int crowd;

static void create_queue(const struct task *task)
{
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        die(lock_path);
    lock_byte(lock, 0);
    int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        die(new_path);
    slot_bytes = (uint32_t) (task->size + 7) / 8 * 8;
    slots = RING_SLOTS_MIN;
    while (slots * 2 * slot_bytes <= RING_BYTES_MAX)
        slots *= 2;
    rows = RING_ROWS;
    size_t bytes = lay_out();
    if (posix_fallocate(fd, 0, (off_t) bytes))
        die("posix_fallocate");
    map_file(fd);
    uint64_t epoch = (uint64_t) now_us(), ticks = start_ticks();
    const int32_t header[][2] = {
        { VERSION, 3 }, { BYTE_ORDER_WORD, 0x01020304 },
        { ROWS_AT, FIRST_ROW }, { SLOTS, (int32_t) slots },
        { SLOT_BYTES, (int32_t) slot_bytes }, { ROWS, (int32_t) rows },
        { HOLD_BACK_MS, 60000 }, { FILE_BYTES_LOW, (int32_t) bytes },
        { PID, getpid() }, { START_LOW, (int32_t) ticks },
        { START_HIGH, (int32_t) (ticks >> 32) },
        { EPOCH_LOW, (int32_t) epoch }, { EPOCH_HIGH, (int32_t) (epoch >> 32) },
        { STATE, OPEN }, { MAGIC_END, 0x716d6873 }, { MAGIC, 0x716d7a70 },
    };
    *end_mark = 0x646e6571;
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        atomic_store(words + header[i][0], header[i][1]);
    lock_byte(lock, (1LL << 41) + (int64_t) epoch);
    if (rename(new_path, queue_path))
        die("rename");
}

static int active_rows(void)
{
    int count = 0;
    for (uint32_t row = 0; row < rows; row++)
        count += atomic_load(words + FIRST_ROW + row * ROW_WORDS) == ACTIVE;
    return count;
}

static uint32_t room(void)
{
    uint32_t least = slots;
    for (uint32_t row = 0; row < rows; row++) {
        _Atomic int32_t *at = words + FIRST_ROW + row * ROW_WORDS;
        if (atomic_load(at + ROW_STATE) != ACTIVE)
            continue;
        uint32_t behind = head - (uint32_t) atomic_load(at + ROW_LOW);
        if (slots - behind < least)
            least = slots - behind;
    }
    return least;
}

static int move_intent(void)
{
    if ((int32_t) (intent - (head + 1)) >= 0)
        return 1;
    uint32_t free_slots = room(), ahead = INTENT_AHEAD;
    if (free_slots < 1)
        return 0;
    if (ahead > free_slots - 1)
        ahead = free_slots - 1;
    uint32_t low = head + 1 + ahead;
    if (block_of(low) != block_of(intent))
        atomic_store(words + INTENT_BLOCK, block_of(low));
    atomic_store(words + INTENT_LOW, (int32_t) low);
    atomic_load(words + INTENT_LOW);
    intent = low;
    return 1;
}

static void reserve(void)
{
    if (move_intent())
        return;
    uint32_t wanted = slots / 4;
    double patient_until = now_us() + BATCH_PATIENCE_US;
    for (;;) {
        int32_t seen = atomic_load(words + GATE);
        atomic_store(words + GATE_LOW, (int32_t) (head + wanted - slots));
        atomic_store(words + GATE_WAITING, 1);
        if ((wanted == 1 || room() >= wanted) && move_intent())
            break;
        sleep_on(GATE, seen, wanted > 1 ? BATCH_PATIENCE_US * 1000 : 20000000);
        if (now_us() >= patient_until)
            wanted = 1;
    }
    atomic_store(words + GATE_WAITING, 0);
}

static void publish(size_t length)
{
    int32_t *descriptor = descriptors + (head & (slots - 1)) * 4;
    descriptor[0] = (int32_t) head;
    descriptor[1] = (int32_t) length;
    descriptor[2] = (int32_t) sequence;
    descriptor[3] = block_of(sequence);
    sequence++;
    uint32_t low = head + 1;
    if (block_of(low) != block_of(head))
        atomic_store(words + HEAD_BLOCK, block_of(low));
    head = low;
    atomic_store(words + HEAD_LOW, (int32_t) low);
    if (atomic_load(words + SLEEPERS) == 0)
        return;
    atomic_exchange(words + SLEEPERS, 0);
    int is_crowd = wake_all(HEAD_LOW) >= CROWD_MIN;
    if (is_crowd == crowd)
        return;
    crowd = is_crowd;
    atomic_store(words + CROWD, crowd);
}

static void produce(const struct task *task)
{
    unsigned char *record = calloc(1, task->size);
    create_queue(task);
    fputs("ready\n", stderr);
    while (active_rows() < task->consumers)
        usleep(1000);
    struct schedule schedule = begin_schedule(task);
    uint32_t number;
    do {
        number = next_number(&schedule);
        if (!task->in_place)
            fill_record(task, record, number);
        reserve();
        unsigned char *slot = data + (size_t) (head & (slots - 1)) * slot_bytes;
        if (task->in_place)
            fill_record(task, slot, number);
        else
            memcpy(slot, record, task->size);
        publish(task->size);
    } while (number != END);
    end_schedule(&schedule);
    atomic_store(words + STATE, CLOSED);
    wake_all(HEAD_LOW);
    unlink(queue_path);
    unlink(lock_path);
}

/* --- a consumer --- */

static int64_t life_byte;
static int lock_fd;
static uint32_t place, known;
static _Atomic int32_t *row_words;

static void open_queue(void)
{
    int32_t header[32];
    int fd = open(queue_path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || read(fd, header, sizeof header) != sizeof header)
        die(queue_path);
    slots = (uint32_t) header[SLOTS];
    slot_bytes = (uint32_t) header[SLOT_BYTES];
    rows = (uint32_t) header[ROWS];
    if (header[MAGIC] != 0x716d7a70 || header[VERSION] != 3
        || header[FILE_BYTES_LOW] != (int32_t) lay_out()
        || header[WAITING] != 0 || header[HOLD_BACK_MS] < 0) {
        fprintf(stderr, "%s is no queue for this program\n", queue_path);
        exit(1);
    }
    map_file(fd);
    life_byte = (1LL << 41) + (uint32_t) header[EPOCH_LOW]
              + ((int64_t) header[EPOCH_HIGH] << 32);
    lock_fd = open(lock_path, O_RDWR | O_CLOEXEC);
    if (lock_fd < 0)
        die(lock_path);
    uint32_t row = 0;
    while (!try_lock_byte(lock_fd, (1LL << 40) + row))
        if (++row == rows)
            die("no row is free");
    row_words = words + FIRST_ROW + row * ROW_WORDS;
    atomic_store(row_words + ROW_STATE, 0);
    place = known = (uint32_t) atomic_load(words + HEAD_LOW);
    atomic_store(row_words + ROW_BLOCK, block_of(place));
    atomic_store(row_words + ROW_LOW, (int32_t) place);
    atomic_store(row_words + ROW_PID, getpid());
    atomic_store(row_words + ROW_STATE, ACTIVE);
}

static int is_news(void)
{
    if ((uint32_t) atomic_load(words + HEAD_LOW) != place)
        return 1;
    if (atomic_load(words + STATE) != OPEN)
        fail("records until the queue's end", END, place);
    return 0;
}

static void sleep_until_news(void)
{
    for (;;) {
        atomic_store(words + SLEEPERS, 1);
        if (is_news())
            return;
        if (sleep_on(HEAD_LOW, (int32_t) place, LIFE_CHECK_NS) == 0)
            continue;
        if (errno == ETIMEDOUT && !is_locked(lock_fd, life_byte))
            fail("a living producer", 1, 0);
    }
}

/* As src/shm/wait_pace.ts: who is woken with a crowd, over and over, naps. */
static void wait_for_record(void)
{
    static int short_waits;
    if (short_waits >= SHORT_WAITS_MIN) {
        const struct timespec nap = { .tv_nsec = NAP_NS };
        nanosleep(&nap, NULL);
        if (is_news())
            return;
        short_waits = 0;
    }
    double start = now_us();
    sleep_until_news();
    int is_short = now_us() - start < SHORT_WAIT_US;
    short_waits = is_short && atomic_load(words + CROWD) ? short_waits + 1 : 0;
}

/* Held back, the producer overwrites nothing; looked at all the same, as by
 * consumers in TypeScript. */
static void check_not_overtaken(uint32_t low)
{
    uint32_t reached = (uint32_t) atomic_load(words + INTENT_LOW);
    int32_t block = atomic_load(words + INTENT_BLOCK);
    if (block - block_of(low) > 64 || (int32_t) (reached - slots - low) > 0)
        fail("a record that is still there", low, reached);
}

static void release(void)
{
    atomic_store(row_words + ROW_BLOCK, block_of(place));
    atomic_store(row_words + ROW_LOW, (int32_t) place);
    if (atomic_load(words + GATE_WAITING) == 0
        || (int32_t) (place - (uint32_t) atomic_load(words + GATE_LOW)) < 0)
        return;
    atomic_exchange(words + GATE_WAITING, 0);
    atomic_fetch_add(words + GATE, 1);
    wake_all(GATE);
}

static void consume(const struct task *task)
{
    unsigned char *copy = calloc(1, task->size);
    open_queue();
    struct tally tally = begin_tally(task);
    for (int more = 1; more;) {
        if (place == known) {
            known = (uint32_t) atomic_load(words + HEAD_LOW);
            if (place == known) {
                wait_for_record();
                continue;
            }
        }
        uint32_t low = place;
        const int32_t *descriptor = descriptors + (low & (slots - 1)) * 4;
        const unsigned char *slot =
            data + (size_t) (low & (slots - 1)) * slot_bytes;
        size_t length = (size_t) descriptor[1];
        if (descriptor[0] != (int32_t) low)
            fail("stamp of a slot", low, (uint32_t) descriptor[0]);
        if ((uint32_t) descriptor[2] != tally.received)
            fail("number of a record", tally.received,
                 (uint32_t) descriptor[2]);
        if (length > slot_bytes)
            fail("bytes in a slot", slot_bytes, length);
        place = low + 1;
        if (!task->in_place) {
            memcpy(copy, slot, length);
            check_not_overtaken(low);
            release();
            more = take_record(&tally, copy, length);
        } else {
            check_not_overtaken(low);
            more = take_record(&tally, slot, length);
            check_not_overtaken(low);
            release();
        }
    }
    end_tally(&tally);
    atomic_store(row_words + ROW_STATE, 0);
}

int main(int argc, char **argv)
{
    struct task task;
    if (!parse_task(&task, argc, argv))
        return 2;
    const char *base = "/dev/shm/purezmq.";
    snprintf(queue_path, sizeof queue_path, "%s%s.queue", base, task.address);
    snprintf(new_path, sizeof new_path, "%s%s.new", base, task.address);
    snprintf(lock_path, sizeof lock_path, "%s%s.lock", base, task.address);
    (task.produces ? produce : consume)(&task);
    return 0;
}
