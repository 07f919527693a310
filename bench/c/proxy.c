/* The reference: a forwarding proxy that does what any proxy must and nothing else.
 *
 * One thread, epoll. It reads the request's head, replaces Host and the hop-by-hop headers, relays the body as it
 * comes, follows the reply's framing to learn its end, relays each read at once and keeps the upstream connection
 * in a pool. No JSON, no log, no limits: its CPU time is the floor a gateway's is compared with. */
#include "common.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)
#define BACKLOG_LIMIT (1024 * 1024)
#define POOL_LIMIT 1024

/* A client connection or an upstream one; while they serve one exchange, `peer` joins the two. */
struct side {
    int fd;
    bool upstream, busy, head_done, close_after;
    uint32_t watched;
    struct side *peer, *next;
    struct buffer input;
    struct outbox output;
    struct body body;
};

static struct sockaddr_in target;
static char target_name[64];
static struct side *pool[POOL_LIMIT];
static int pool_size, epoll_fd;
static struct side *doomed;
static char scratch[READ_SIZE];

static struct side *side_new(int fd, bool upstream) {
    struct side *side = calloc(1, sizeof *side);
    if (!side) die("out of memory");
    side->fd = fd;
    side->upstream = upstream;
    side->watched = EPOLLIN;
    watch(epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, side);
    return side;
}

/* Freed at the end of the loop's turn: events of this turn may still point here. */
static void side_close(struct side *side) {
    if (side->fd < 0) return;
    close(side->fd);
    side->fd = -1;
    side->next = doomed;
    doomed = side;
    struct side *peer = side->peer;
    side->peer = NULL;
    if (!peer) return;
    peer->peer = NULL;
    side_close(peer);
}

static void bury(void) {
    while (doomed) {
        struct side *side = doomed;
        doomed = side->next;
        buffer_free(&side->input);
        buffer_free(&side->output.bytes);
        free(side);
    }
}

/* Waits for room while bytes are kept back, and stops reading from a side whose peer is far behind. */
static void rewatch(struct side *side) {
    if (side->fd < 0) return;
    uint32_t wanted = outbox_empty(&side->output) ? 0 : EPOLLOUT;
    if (!side->peer || outbox_pending(&side->peer->output) < BACKLOG_LIMIT) wanted |= EPOLLIN;
    if (wanted == side->watched) return;
    side->watched = wanted;
    watch(epoll_fd, EPOLL_CTL_MOD, side->fd, wanted, side);
}

static void pass(struct side *to, const void *data, size_t length) {
    if (!outbox_send(&to->output, to->fd, data, length)) return side_close(to);
    rewatch(to);
    if (to->peer) rewatch(to->peer);
}

static struct side *upstream_take(void) {
    while (pool_size) {
        struct side *side = pool[--pool_size];
        if (side->fd >= 0) return side;
    }
    int fd = connect_to(&target);
    return fd < 0 ? NULL : side_new(fd, true);
}

static void pool_forget(const struct side *side) {
    for (int i = 0; i < pool_size; i++)
        if (pool[i] == side) pool[i--] = pool[--pool_size];
}

static bool hop_by_hop(const char *line, size_t length) {
    static const char *const names[] = {"host:", "connection:", "keep-alive:", "proxy-connection:", "expect:"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (length >= strlen(names[i]) && !strncasecmp(line, names[i], strlen(names[i]))) return true;
    return false;
}

static size_t rewrite_head(const char *data, const struct head *head, char *out) {
    const char *end = data + head->size - 2, *line = data;
    size_t size = 0;
    for (bool first = true; line < end; first = false) {
        const char *stop = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        size_t length = (size_t)(stop - line);
        if (first || !hop_by_hop(line, length)) {
            memcpy(out + size, line, length);
            size += length;
        }
        line = stop;
    }
    return size + (size_t)sprintf(out + size, "Host: %s\r\n\r\n", target_name);
}

static void fail_gateway(struct side *client) {
    static const char text[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    outbox_send(&client->output, client->fd, text, sizeof text - 1);
    side_close(client);
}

/* Client bytes: begins an exchange when the head is whole, then relays the body. */
static void from_client(struct side *client, const char *data, size_t length) {
    if (client->busy && client->body.complete) {
        buffer_append(&client->input, data, length);
        return;
    }
    if (client->busy) {
        ssize_t used = body_feed(&client->body, data, length, NULL, NULL);
        if (used < 0) return side_close(client);
        buffer_append(&client->input, data + used, length - (size_t)used);
        return pass(client->peer, data, (size_t)used);
    }
    buffer_append(&client->input, data, length);
    struct head head;
    int parsed = head_parse(&head, client->input.data, client->input.length);
    if (parsed < 0) return side_close(client);
    if (!parsed) return;
    struct side *upstream = upstream_take();
    if (!upstream) return fail_gateway(client);
    client->peer = upstream;
    upstream->peer = client;
    client->busy = upstream->busy = true;
    client->close_after = head.close;
    upstream->head_done = false;
    upstream->input.length = 0;
    body_start(&client->body, &head);
    if (head.expects_continue) outbox_send(&client->output, client->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);

    static char out[2 * HEAD_LIMIT + 2 * READ_SIZE];
    if (client->input.length + 256 > sizeof out) return side_close(client);
    size_t size = rewrite_head(client->input.data, &head, out);
    const char *rest = client->input.data + head.size;
    size_t rest_length = client->input.length - head.size;
    ssize_t used = body_feed(&client->body, rest, rest_length, NULL, NULL);
    if (used < 0) return side_close(client);
    memcpy(out + size, rest, (size_t)used);
    buffer_consume(&client->input, head.size + (size_t)used);
    pass(upstream, out, size + (size_t)used);
}

static void finish(struct side *upstream, bool reusable) {
    struct side *client = upstream->peer;
    client->peer = upstream->peer = NULL;
    client->busy = upstream->busy = false;
    if (!reusable || pool_size == POOL_LIMIT) side_close(upstream);
    else pool[pool_size++] = upstream;
    if (client->close_after && outbox_empty(&client->output)) return side_close(client);
    rewatch(client);
    rewatch(upstream);
    if (client->input.length) from_client(client, NULL, 0);
}

static void from_upstream(struct side *upstream, const char *data, size_t length) {
    struct side *client = upstream->peer;
    const char *body = data;
    size_t body_length = length;
    if (!upstream->head_done) {
        buffer_append(&upstream->input, data, length);
        struct head head;
        int parsed = head_parse(&head, upstream->input.data, upstream->input.length);
        if (parsed < 0) return side_close(upstream);
        if (!parsed) return;
        upstream->head_done = true;
        upstream->close_after = head.close;
        body_start(&upstream->body, &head);
        data = upstream->input.data;
        length = upstream->input.length;
        body = data + head.size;
        body_length = length - head.size;
    }
    if (body_feed(&upstream->body, body, body_length, NULL, NULL) < 0) return side_close(upstream);
    pass(client, data, length);
    if (upstream->fd >= 0 && upstream->body.complete) finish(upstream, client->body.complete && !upstream->close_after);
}

static void on_closed(struct side *side) {
    bool whole = side->upstream && side->peer && side->head_done && side->body.framing == FRAME_UNTIL_CLOSE;
    if (whole) {
        side->peer->close_after = true;
        return finish(side, false);
    }
    if (side->upstream && !side->busy) pool_forget(side);
    side_close(side);
}

static void on_event(struct side *side, uint32_t events) {
    if (side->fd >= 0 && events & EPOLLOUT) {
        pass(side, NULL, 0);
        bool drained = side->fd >= 0 && !side->upstream && !side->busy && outbox_empty(&side->output);
        if (drained && side->close_after) side_close(side);
    }
    if (side->fd < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t got = recv(side->fd, scratch, sizeof scratch, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || (side->upstream && !side->busy)) on_closed(side);
    else if (side->upstream) from_upstream(side, scratch, (size_t)got);
    else from_client(side, scratch, (size_t)got);
}

int main(int count, char **arguments) {
    static const struct option names[] = {{"port", 1, 0, 'p'}, {"upstream-port", 1, 0, 'u'}, {0}};
    int port = 9002, upstream_port = 9001;
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        if (option == 'p') port = atoi(optarg);
        else if (option == 'u') upstream_port = atoi(optarg);
        else die("usage: proxy [--port P] [--upstream-port P]");
    }
    signal(SIGPIPE, SIG_IGN);
    target = address_of("127.0.0.1", upstream_port);
    snprintf(target_name, sizeof target_name, "127.0.0.1:%d", upstream_port);
    struct sockaddr_in address = address_of("127.0.0.1", port);
    int listener = listen_on(&address);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll_fd, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                on_event(events[i].data.ptr, events[i].events);
                continue;
            }
            for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                no_delay(fd);
                side_new(fd, false);
            }
        }
        bury();
    }
}
