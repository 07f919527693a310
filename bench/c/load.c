/* A closed-loop load client: N keep-alive connections, each sends its next request when the last reply is whole.
 *
 * A reply counts only if its status is 200, its framing ended, and `--expect` stands in its last bytes. In streams
 * it follows the markers ~000017~ of the mock: their order, their number (`--chunks`), and how many separate reads
 * brought new ones, which tells whether somebody between has glued chunks together; with `--interval-ms` also how much
 * later than its turn each came, by the stream's own pace. With `--pair-port` one
 * connection to each of two servers is used in turn, for latency side by side. With `--rate` requests leave at a
 * steady pace whatever the replies do, and latency counts from when a request was due, so that a server that
 * stands still is not flattered. `--hangup-ms` leaves each request after about that time; `--slow` reads so many
 * bytes a second. The result is JSON on stdout. */
#include "common.h"
#include "samples.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAIL 160
#define RETRY_US 20000
#define SLOW_SLICES 20 /* a slow reader reads so often in a second */

enum failure { F_CONNECT, F_STATUS, F_TRUNCATED, F_MALFORMED, F_TERMINATOR, F_SEQUENCE, F_TIMEOUT, FAILURES };
static const char *const failure_names[FAILURES] = {"connect",    "status",   "truncated", "malformed",
                                                    "terminator", "sequence", "timeout"};

struct server {
    struct sockaddr_in address;
    struct samples latency, first_byte;
    unsigned long completed;
};

struct connection {
    int fd;
    struct server *server;
    bool active, writable_wanted, head_done, out_of_order;
    size_t sent, tail_length;
    uint64_t start_at, started, first_byte, last_activity, hangup_at, resume_at;
    int64_t pace; /* when marker 0 would have come, had none been late so far */
    struct buffer input;
    struct head head;
    struct body body;
    int marker_digits;
    unsigned marker, next_marker;
    char tail[TAIL], request_id[64];
};

static struct {
    const char *host, *path, *body, *expect, *record;
    int port, pair_port, connections, chunks;
    unsigned long requests;
    double seconds, rate;
    uint64_t ramp_us, cut_us, hangup_us, timeout_us, interval_us;
    size_t slow;
} options = {.host = "127.0.0.1", .path = "/v1/chat/completions", .connections = 16, .timeout_us = 30000000};

static struct server servers[2];
static struct connection *connections;
static struct buffer request, headers;
static int epoll_fd, active_count;
static volatile sig_atomic_t stopping;
static uint64_t begun;
static double due;
static unsigned long issued, failures[FAILURES], cut, hung_up, markers, marker_reads, reads, body_bytes;
static struct samples gaps, lateness;
static char first_error[512];
static char scratch[256 * 1024];
static FILE *record;

static void begin(struct connection *c);

static void on_signal(int number) {
    (void)number;
    stopping = 1;
}

static void drop(struct connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->writable_wanted = false;
}

static bool may_issue(void) {
    return !stopping && (!options.requests || issued < options.requests);
}

/* Takes the connection out of its request; the next one follows at once or after a pause. */
static void release(struct connection *c, uint64_t pause) {
    c->active = false;
    active_count--;
    if (options.pair_port) c = &connections[c == &connections[0]];
    c->start_at = monotonic_us() + pause;
    if (!pause && !options.rate && may_issue()) begin(c);
}

static void fail(struct connection *c, enum failure kind, const char *text, size_t length) {
    failures[kind]++;
    if (!first_error[0])
        snprintf(first_error, sizeof first_error, "%s after %.3f s: %.*s", failure_names[kind],
                 (double)(monotonic_us() - c->started) / 1e6, (int)length, text);
    drop(c);
    release(c, RETRY_US);
}

static void flush_request(struct connection *c) {
    ssize_t sent = send(c->fd, request.data + c->sent, request.length - c->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) return fail(c, F_CONNECT, strerror(errno), 40);
    if (sent > 0) c->sent += (size_t)sent;
    bool wanted = c->sent < request.length;
    if (wanted == c->writable_wanted) return;
    c->writable_wanted = wanted;
    watch(epoll_fd, EPOLL_CTL_MOD, c->fd, EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), c);
}

static void begin(struct connection *c) {
    issued++;
    active_count++;
    c->active = true;
    c->head_done = c->out_of_order = false;
    c->sent = c->tail_length = c->input.length = 0;
    c->marker_digits = -1;
    c->next_marker = 0;
    c->first_byte = 0;
    c->request_id[0] = 0;
    c->started = c->last_activity = monotonic_us();
    c->hangup_at = options.hangup_us ? c->started + options.hangup_us / 2 + (uint64_t)rand() % options.hangup_us : 0;
    if (c->fd < 0) {
        c->fd = connect_to(&c->server->address);
        if (c->fd < 0) return fail(c, F_CONNECT, strerror(errno), 40);
        if (options.slow) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
        watch(epoll_fd, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
    }
    flush_request(c);
}

static void on_marker(struct connection *c) {
    if (c->marker != c->next_marker) c->out_of_order = true;
    if (options.interval_us) {
        int64_t begun_at = (int64_t)(c->last_activity - c->marker * options.interval_us);
        if (!c->next_marker || begun_at < c->pace) c->pace = begun_at;
        samples_add(&lateness, (uint64_t)(begun_at - c->pace));
    }
    c->next_marker++;
    markers++;
}

static void scan_markers(struct connection *c, const char *data, size_t length) {
    for (const char *at = data, *end = data + length; at < end; at++) {
        if (c->marker_digits < 0) {
            at = memchr(at, '~', (size_t)(end - at));
            if (!at) return;
            c->marker_digits = 0;
            c->marker = 0;
        } else if (*at >= '0' && *at <= '9' && c->marker_digits < 6) {
            c->marker = c->marker * 10 + (unsigned)(*at - '0');
            c->marker_digits++;
        } else {
            if (*at == '~' && c->marker_digits == 6) on_marker(c);
            c->marker_digits = -1;
        }
    }
}

static void on_body(void *owner, const char *data, size_t length) {
    struct connection *c = owner;
    body_bytes += length;
    scan_markers(c, data, length);
    if (length >= TAIL) {
        memcpy(c->tail, data + length - TAIL, TAIL);
        c->tail_length = TAIL;
        return;
    }
    size_t kept = c->tail_length + length > TAIL ? TAIL - length : c->tail_length;
    memmove(c->tail, c->tail + c->tail_length - kept, kept);
    memcpy(c->tail + kept, data, length);
    c->tail_length = kept + length;
}

static void finish(struct connection *c) {
    uint64_t now = monotonic_us();
    if (c->head.status != 200) return fail(c, F_STATUS, c->tail, c->tail_length);
    if (options.expect && !memmem(c->tail, c->tail_length, options.expect, strlen(options.expect)))
        return fail(c, F_TERMINATOR, c->tail, c->tail_length);
    if (options.chunks && (c->out_of_order || c->next_marker != (unsigned)options.chunks)) {
        char text[80];
        int length = snprintf(text, sizeof text, "%u of %d markers%s", c->next_marker, options.chunks,
                              c->out_of_order ? ", out of order" : "");
        return fail(c, F_SEQUENCE, text, (size_t)length);
    }
    c->server->completed++;
    samples_add(&c->server->latency, now - c->started);
    samples_add(&c->server->first_byte, c->first_byte - c->started);
    if (record) fprintf(record, "%llu %s\n", (unsigned long long)realtime_us(), c->request_id);
    if (c->head.close || c->body.framing == FRAME_UNTIL_CLOSE) drop(c);
    release(c, 0);
}

static void read_head(struct connection *c) {
    c->head_done = true;
    body_start(&c->body, &c->head);
    size_t size = c->head.request_id_length;
    if (!c->head.request_id || size >= sizeof c->request_id) return;
    memcpy(c->request_id, c->head.request_id, size);
    c->request_id[size] = 0;
}

static void on_bytes(struct connection *c, const char *data, size_t length) {
    if (!c->head_done) {
        buffer_append(&c->input, data, length);
        int parsed = head_parse(&c->head, c->input.data, c->input.length);
        if (parsed < 0) return fail(c, F_MALFORMED, c->input.data, 40);
        if (!parsed) return;
        read_head(c);
        data = c->input.data + c->head.size;
        length = c->input.length - c->head.size;
    }
    ssize_t used = body_feed(&c->body, data, length, on_body, c);
    if (used < 0 || (c->body.complete && (size_t)used < length))
        return fail(c, F_MALFORMED, "broken body framing", 19);
    if (c->body.complete) finish(c);
}

static void on_readable(struct connection *c) {
    ssize_t got = recv(c->fd, scratch, options.slow ? options.slow / SLOW_SLICES : sizeof scratch, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (!c->active) return drop(c);
    if (got <= 0) {
        bool ended = c->head_done && c->body.framing == FRAME_UNTIL_CLOSE && got == 0;
        if (ended) return finish(c);
        return fail(c, c->sent || c->head_done ? F_TRUNCATED : F_CONNECT, got < 0 ? strerror(errno) : "closed", 30);
    }
    uint64_t now = monotonic_us();
    unsigned long before = markers;
    if (!c->first_byte) c->first_byte = now;
    else samples_add(&gaps, now - c->last_activity);
    c->last_activity = now;
    reads++;
    if (options.slow) {
        c->resume_at = now + 1000000 / SLOW_SLICES;
        watch(epoll_fd, EPOLL_CTL_MOD, c->fd, 0, c);
    }
    on_bytes(c, scratch, (size_t)got);
    if (markers > before) marker_reads++;
}

static void on_event(struct connection *c, uint32_t events) {
    if (c->fd >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
    if (c->fd >= 0 && c->active && events & EPOLLOUT) flush_request(c);
}

/* Starts the connections whose time has come and gives up the silent ones; false when all is over. */
static bool housekeeping(uint64_t now) {
    if (options.seconds > 0 && now - begun >= (uint64_t)(options.seconds * 1e6)) stopping = 1;
    if (options.cut_us && now - begun >= options.cut_us) {
        cut = (unsigned long)active_count;
        return false;
    }
    for (int i = 0; i < options.connections; i++) {
        struct connection *c = &connections[i];
        if (c->resume_at && now >= c->resume_at) {
            c->resume_at = 0;
            if (c->fd >= 0) watch(epoll_fd, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
        }
        if (c->active && c->hangup_at && now >= c->hangup_at) {
            hung_up++;
            drop(c);
            release(c, RETRY_US);
        }
        bool may_begin = !options.rate && (!options.pair_port || !active_count);
        if (!c->active && c->start_at && now >= c->start_at && may_begin && may_issue()) begin(c);
        else if (c->active && now > c->last_activity + options.timeout_us) fail(c, F_TIMEOUT, "no bytes", 8);
    }
    return active_count > 0 || may_issue();
}

/* Starts what is due on connections that are free; what finds none waits, and its time counts. What is late by
 * less than this loop sleeps is none of the server's doing. */
static void keep_pace(uint64_t now) {
    for (int i = 0; i < options.connections && (double)now >= due && may_issue(); i++) {
        struct connection *c = &connections[i];
        if (c->active || now < c->start_at) continue;
        begin(c);
        if ((double)now - due > 2000) c->started = (uint64_t)due;
        due += 1e6 / options.rate;
    }
}

static void print_result(double elapsed) {
    unsigned long completed = servers[0].completed + servers[1].completed, failed = 0;
    for (int i = 0; i < FAILURES; i++) failed += failures[i];
    printf("{\"completed\":%lu,\"failed\":%lu,\"cut\":%lu,\"hung_up\":%lu,\"seconds\":%.6f,\"rps\":%.2f,\"errors\":{", completed,
           failed, cut, hung_up, elapsed, (double)completed / elapsed);
    const char *comma = "";
    for (int i = 0; i < FAILURES; i++) {
        if (!failures[i]) continue;
        printf("%s\"%s\":%lu", comma, failure_names[i], failures[i]);
        comma = ",";
    }
    printf("},\"first_error\":");
    json_string(first_error, strlen(first_error), stdout);
    printf(",\"reads\":%lu,\"markers\":%lu,\"marker_reads\":%lu,\"body_bytes\":%lu,", reads, markers, marker_reads,
           body_bytes);
    samples_print(&servers[0].latency, "latency_us", stdout);
    printf(",");
    samples_print(&servers[0].first_byte, "first_byte_us", stdout);
    printf(",");
    samples_print(&gaps, "gap_us", stdout);
    printf(",");
    samples_print(&lateness, "late_us", stdout);
    printf(",");
    samples_print(&servers[1].latency, "pair_latency_us", stdout);
    printf("}\n");
}

static void read_options(int count, char **arguments) {
    static const struct option names[] = {
        {"host", 1, 0, 'h'},    {"port", 1, 0, 'p'},     {"pair-port", 1, 0, 'P'}, {"path", 1, 0, 'u'},
        {"body", 1, 0, 'b'},    {"header", 1, 0, 'H'},   {"connections", 1, 0, 'c'}, {"requests", 1, 0, 'n'},
        {"seconds", 1, 0, 's'}, {"expect", 1, 0, 'e'},   {"chunks", 1, 0, 'k'},    {"record", 1, 0, 'r'},
        {"ramp-ms", 1, 0, 'a'}, {"cut-ms", 1, 0, 'x'},   {"timeout-ms", 1, 0, 't'},
        {"rate", 1, 0, 'R'},    {"hangup-ms", 1, 0, 'g'}, {"slow", 1, 0, 'S'},      {"interval-ms", 1, 0, 'I'},      {0}};
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        switch (option) {
        case 'h': options.host = optarg; break;
        case 'p': options.port = atoi(optarg); break;
        case 'P': options.pair_port = atoi(optarg); break;
        case 'u': options.path = optarg; break;
        case 'b': options.body = optarg; break;
        case 'c': options.connections = atoi(optarg); break;
        case 'n': options.requests = strtoul(optarg, NULL, 10); break;
        case 's': options.seconds = atof(optarg); break;
        case 'e': options.expect = optarg; break;
        case 'k': options.chunks = atoi(optarg); break;
        case 'r': options.record = optarg; break;
        case 'a': options.ramp_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 'x': options.cut_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 't': options.timeout_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 'R': options.rate = atof(optarg); break;
        case 'g': options.hangup_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 'I': options.interval_us = strtoull(optarg, NULL, 10) * 1000; break;
        case 'S': options.slow = strtoul(optarg, NULL, 10); break;
        case 'H':
            buffer_append(&headers, optarg, strlen(optarg));
            buffer_append(&headers, "\r\n", 2);
            break;
        default: exit(2);
        }
    }
    if (!options.port || !options.body || (!options.requests && options.seconds <= 0))
        die("load needs --port, --body FILE and --requests N or --seconds S");
    if (options.pair_port) options.connections = 2;
}

static void build_request(void) {
    FILE *file = fopen(options.body, "rb");
    if (!file) die("cannot read %s: %s", options.body, strerror(errno));
    struct buffer body = {0};
    for (size_t got; (got = fread(scratch, 1, sizeof scratch, file)) > 0;) buffer_append(&body, scratch, got);
    fclose(file);
    char head[1024];
    int length = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nAccept: */*\r\n"
                          "User-Agent: flow-router-bench\r\nContent-Length: %zu\r\n",
                          options.path, options.host, options.port, body.length);
    buffer_append(&request, head, (size_t)length);
    buffer_append(&request, headers.data, headers.length);
    buffer_append(&request, "\r\n", 2);
    buffer_append(&request, body.data, body.length);
    buffer_free(&body);
}

static void prepare_connections(void) {
    servers[0].address = address_of(options.host, options.port);
    servers[1].address = address_of(options.host, options.pair_port ? options.pair_port : options.port);
    connections = calloc((size_t)options.connections, sizeof *connections);
    if (!connections) die("out of memory");
    for (int i = 0; i < options.connections; i++) {
        connections[i].fd = -1;
        connections[i].server = &servers[options.pair_port ? i : 0];
        connections[i].start_at = begun + options.ramp_us * (uint64_t)i / (uint64_t)options.connections;
    }
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    build_request();
    if (options.record && !(record = fopen(options.record, "w"))) die("cannot write %s", options.record);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    begun = monotonic_us();
    prepare_connections();
    due = (double)begun;
    for (uint64_t checked = 0, now = begun; ; now = monotonic_us()) {
        if (now - checked >= 2000) {
            if (!housekeeping(now)) break;
            checked = now;
        }
        if (options.rate) keep_pace(now);
        struct epoll_event events[256];
        int patience = options.rate ? 1 : active_count == 0 || options.ramp_us || options.slow ? 2 : 20;
        int ready = epoll_wait(epoll_fd, events, 256, patience);
        for (int i = 0; i < ready; i++) on_event(events[i].data.ptr, events[i].events);
    }
    if (record) fclose(record);
    print_result((double)(monotonic_us() - begun) / 1e6);
    return 0;
}
