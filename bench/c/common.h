/* What the three bench programs share: growing buffers, sockets, clocks and HTTP/1.1 framing. */
#ifndef FLOW_BENCH_COMMON_H
#define FLOW_BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HEAD_LIMIT (64 * 1024)

struct buffer {
    char *data;
    size_t length, capacity;
};

void buffer_reserve(struct buffer *buffer, size_t extra);
void buffer_append(struct buffer *buffer, const void *data, size_t length);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_free(struct buffer *buffer);

/* Bytes waiting to leave through a socket; `done` counts those already sent. */
struct outbox {
    struct buffer bytes;
    size_t done;
};

/* Sends what waits, then `data`; keeps what the socket refuses. False when the peer is gone. */
bool outbox_send(struct outbox *outbox, int fd, const void *data, size_t length);
bool outbox_empty(const struct outbox *outbox);
size_t outbox_pending(const struct outbox *outbox);

uint64_t monotonic_us(void);
uint64_t realtime_us(void);
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct sockaddr_in address_of(const char *host, int port);
int listen_on(const struct sockaddr_in *address);
int connect_to(const struct sockaddr_in *address);
void no_delay(int fd);
void watch(int epoll_fd, int operation, int fd, uint32_t events, void *owner);

enum framing { FRAME_NONE, FRAME_LENGTH, FRAME_CHUNKED, FRAME_UNTIL_CLOSE };

/* One message head. `status` is 0 for a request. Pointers reach into the parsed bytes. */
struct head {
    size_t size;
    int status;
    const char *method, *target;
    size_t method_length, target_length;
    enum framing framing;
    uint64_t content_length;
    bool close, expects_continue;
    const char *request_id;
    size_t request_id_length;
};

/* 1: a whole head was read, 0: more bytes are needed, -1: not HTTP. */
int head_parse(struct head *head, const char *data, size_t length);

/* The rest of a body: fed with bytes as they come, says where it ends. */
struct body {
    enum framing framing;
    uint64_t left;
    int state;
    bool complete;
};

typedef void body_sink(void *owner, const char *data, size_t length);

void body_start(struct body *body, const struct head *head);
/* Consumes at most `length` bytes, hands the decoded ones to `sink` (may be NULL); -1 on broken framing. */
ssize_t body_feed(struct body *body, const char *data, size_t length, body_sink *sink, void *owner);

#endif
