/* The lightest sender and receiver of HL7 over MLLP, so that what is measured is the gateway and not its measure.
 *
 *   mllp_load load PORT CONNECTIONS SECONDS MESSAGE FIRST_ID   one outstanding message per connection
 *   mllp_load sink PORT COUNTER_FILE                           acknowledges every message, counts them in a file
 *
 * MESSAGE is a file with runs of '#': each is overwritten by the message's number, so that control ids and specimens
 * differ. `load` prints {"count": …, "seconds": …, "p50_us": …, "p99_us": …, "bad": …}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define BUFFER 65536

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

struct line {
    int fd;
    double sent;
    size_t have;
    char in[BUFFER];
};

static char message[BUFFER];
static size_t length;
static size_t run_at[64], run_length[64];
static int runs;

static void read_message(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    message[0] = 0x0b;
    length = 1 + fread(message + 1, 1, BUFFER - 8, file);
    fclose(file);
    message[length++] = 0x1c;
    message[length++] = '\r';
    for (size_t at = 0; at < length; at++)
        if (message[at] == '#' && runs < 64) {
            run_at[runs] = at;
            while (at < length && message[at] == '#') at++;
            run_length[runs] = at - run_at[runs];
            runs++;
        }
}

static void send_next(struct line *line, uint64_t id) {
    char number[32];
    int digits = snprintf(number, sizeof number, "%020llu", (unsigned long long)id);
    for (int n = 0; n < runs; n++) {
        size_t size = run_length[n];
        memset(message + run_at[n], '0', size);
        size_t part = size < (size_t)digits ? size : (size_t)digits;
        memcpy(message + run_at[n] + size - part, number + digits - part, part);
    }
    line->sent = now();
    size_t done = 0;
    while (done < length) {
        ssize_t wrote = write(line->fd, message + done, length - done);
        if (wrote < 0 && errno != EAGAIN) die("write");
        if (wrote > 0) done += wrote;
    }
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int load(int port, int connections, double seconds, uint64_t id) {
    struct line *lines = calloc(connections, sizeof *lines);
    size_t room = 1 << 24, count = 0, bad = 0;
    float *took = malloc(room * sizeof *took);
    int poll = epoll_create1(0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    for (int n = 0; n < connections; n++) {
        lines[n].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(lines[n].fd, (struct sockaddr *)&to, sizeof to)) die("connect");
        setsockopt(lines[n].fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &lines[n]};
        epoll_ctl(poll, EPOLL_CTL_ADD, lines[n].fd, &event);
    }
    double began = now(), end = began + seconds, last = began;
    int open = connections;
    for (int n = 0; n < connections; n++) send_next(&lines[n], id++);
    struct epoll_event events[256];
    while (open > 0) {
        int found = epoll_wait(poll, events, 256, 10000);
        if (found <= 0) break;
        for (int n = 0; n < found; n++) {
            struct line *line = events[n].data.ptr;
            ssize_t got = read(line->fd, line->in + line->have, BUFFER - line->have);
            if (got <= 0) {
                bad++, open--;
                epoll_ctl(poll, EPOLL_CTL_DEL, line->fd, NULL);
                continue;
            }
            line->have += got;
            if (!memchr(line->in, 0x1c, line->have)) continue;
            last = now();
            if (count < room) took[count] = (float)(last - line->sent);
            count++;
            if (!memmem(line->in, line->have, "MSA|AA|", 7) && !memmem(line->in, line->have, "MSA|CA|", 7)) bad++;
            line->have = 0;
            if (last < end) send_next(line, id++);
            else open--;
        }
    }
    size_t kept = count < room ? count : room;
    qsort(took, kept, sizeof *took, compare);
    printf("{\"count\": %zu, \"seconds\": %.4f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"bad\": %zu, \"next\": %llu}\n", count,
           last - began, kept ? took[kept / 2] * 1e6 : 0, kept ? took[(size_t)(kept * 0.99)] * 1e6 : 0, bad,
           (unsigned long long)id);
    return 0;
}

static size_t acknowledge(const char *in, size_t size, char *out) {
    const char *id = "";
    size_t id_length = 0;
    const char *at = in;
    for (int field = 0; field < 9 && at; field++) {
        at = memchr(at, '|', size - (at - in));
        if (at) at++;
    }
    if (at) {
        const char *stop = memchr(at, '|', size - (at - in));
        if (stop) id = at, id_length = stop - at;
    }
    return sprintf(out, "\x0bMSH|^~\\&|LIS|||||||ACK|1|P|2.3.1\rMSA|AA|%.*s\r\x1c\r", (int)id_length, id);
}

static int sink(int port, const char *path) {
    int file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, 8)) die(path);
    volatile uint64_t *counter = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0), yes = 1, poll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in on = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&on, sizeof on) || listen(listener, 512)) die("listen");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    static char out[4096];
    int found;
    while ((found = epoll_wait(poll, events, 256, -1)) >= 0 || errno == EINTR) {
        for (int n = 0; n < found; n++) {
            struct line *line = events[n].data.ptr;
            if (!line) {
                line = calloc(1, sizeof *line);
                line->fd = accept(listener, NULL, NULL);
                setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                event.data.ptr = line;
                epoll_ctl(poll, EPOLL_CTL_ADD, line->fd, &event);
                continue;
            }
            ssize_t got = read(line->fd, line->in + line->have, BUFFER - line->have);
            if (got <= 0) {
                close(line->fd);
                free(line);
                continue;
            }
            line->have += got;
            char *stop;
            while ((stop = memchr(line->in, 0x1c, line->have))) {
                size_t size = stop - line->in, used = size + 1;
                while (used < line->have && line->in[used] == '\r') used++;
                size_t answer = acknowledge(line->in, size, out);
                (*counter)++;
                if (write(line->fd, out, answer) < 0 && errno != EPIPE) die("answer");
                memmove(line->in, line->in + used, line->have - used);
                line->have -= used;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 7 && !strcmp(argv[1], "load")) {
        read_message(argv[5]);
        return load(atoi(argv[2]), atoi(argv[3]), atof(argv[4]), strtoull(argv[6], NULL, 10));
    }
    if (argc == 4 && !strcmp(argv[1], "sink")) return sink(atoi(argv[2]), argv[3]);
    fprintf(stderr, "usage: see the top of mllp_load.c\n");
    return 2;
}
