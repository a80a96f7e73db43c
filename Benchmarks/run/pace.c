/* Requests at their times, whether answers come or not: an open loop.
 *
 *   pace PORT PER_SECOND SECONDS CONNECTIONS FIRST COUNT SEED LOGIN
 *
 * Each request has a time at which it is due and waits for a free connection, if need be; its latency counts from when
 * it was due. Customers are drawn at random. Prints the figures as JSON, in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int socket;
    double due;
    size_t have, need; /* need: the length of the whole answer, 0 until its head is there */
    char data[1 << 16];
};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int count, char **words) {
    if (count != 9) return 2;
    int port = atoi(words[1]), connections = atoi(words[4]);
    double rate = atof(words[2]), seconds = atof(words[3]);
    long first = atol(words[5]), customers = atol(words[6]);
    srandom((unsigned)atol(words[7]));
    long total = (long)(rate * seconds), sent = 0, done = 0, refused = 0;
    struct connection *all = calloc(connections, sizeof *all), **spare = calloc(connections, sizeof *spare);
    double *latencies = calloc(total + 1, sizeof *latencies), late = 0;
    int spares = 0, poll = epoll_create1(0);
    if (!all || !spare || !latencies || poll < 0) fail("start");
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int n = 0; n < connections; n++) {
        struct connection *one = &all[n];
        int yes = 1;
        one->socket = socket(AF_INET, SOCK_STREAM, 0);
        if (one->socket < 0 || connect(one->socket, (struct sockaddr *)&place, sizeof place)) fail("connect");
        setsockopt(one->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, one->socket, &event)) fail("epoll");
        spare[spares++] = one;
    }
    double began = now();
    while (done < total) {
        double time = now();
        while (sent < total && spares && began + sent / rate <= time) {
            struct connection *one = spare[--spares];
            char text[1024];
            one->due = began + sent / rate;
            int size = snprintf(text, sizeof text,
                "GET /api/v01/customers/%ld HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
                "Authorization: Basic %s\r\n\r\n", first + random() % customers, words[8]);
            if (write(one->socket, text, size) != size) fail("write");
            if (time - one->due > late) late = time - one->due;
            one->have = one->need = 0;
            sent++;
        }
        double wait = sent < total && spares ? (began + sent / rate - now()) * 1e9 : 1e8;
        struct timespec pause = {0, wait < 0 ? 0 : wait > 1e8 ? 100000000 : (long)wait};
        struct epoll_event events[64];
        int ready = epoll_pwait2(poll, events, 64, &pause, NULL);
        if (ready < 0 && errno != EINTR) fail("wait");
        for (int n = 0; n < ready; n++) {
            struct connection *one = events[n].data.ptr;
            ssize_t got = read(one->socket, one->data + one->have, sizeof one->data - 1 - one->have);
            if (got <= 0) fail("the connection ended");
            one->have += got;
            one->data[one->have] = 0;
            if (!one->need) {
                char *end = strstr(one->data, "\r\n\r\n"), *size = strcasestr(one->data, "\r\nContent-Length:");
                if (!end) continue;
                if (!size || size > end) fail("an answer without Content-Length");
                one->need = end + 4 - one->data + strtoul(size + 17, NULL, 10);
            }
            if (one->have < one->need) continue;
            refused += strncmp(one->data, "HTTP/1.1 200", 12) != 0;
            latencies[done++] = now() - one->due;
            spare[spares++] = one;
        }
    }
    double took = now() - began;
    qsort(latencies, done, sizeof *latencies, ascending);
    printf("{\"requests\":%ld,\"seconds\":%.6f,\"refused\":%ld,\"failed\":0,\"p50\":%.1f,\"p99\":%.1f,\"most\":%.1f,"
           "\"late\":%.1f}\n", done, took, refused, latencies[done / 2] * 1e6, latencies[done * 99 / 100] * 1e6,
           latencies[done - 1] * 1e6, late * 1e6);
    return 0;
}
