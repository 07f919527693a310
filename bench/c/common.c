#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

_Noreturn void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

void buffer_reserve(struct buffer *buffer, size_t extra) {
    size_t wanted = buffer->length + extra;
    if (wanted <= buffer->capacity) return;
    size_t capacity = buffer->capacity ? buffer->capacity : 1024;
    while (capacity < wanted) capacity *= 2;
    buffer->data = realloc(buffer->data, capacity);
    if (!buffer->data) die("out of memory");
    buffer->capacity = capacity;
}

void buffer_append(struct buffer *buffer, const void *data, size_t length) {
    if (length == 0) return;
    buffer_reserve(buffer, length);
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

void buffer_consume(struct buffer *buffer, size_t length) {
    buffer->length -= length;
    if (length && buffer->length) memmove(buffer->data, buffer->data + length, buffer->length);
}

void buffer_free(struct buffer *buffer) {
    free(buffer->data);
    *buffer = (struct buffer){0};
}

bool outbox_empty(const struct outbox *outbox) { return outbox->done == outbox->bytes.length; }
size_t outbox_pending(const struct outbox *outbox) { return outbox->bytes.length - outbox->done; }

bool outbox_send(struct outbox *outbox, int fd, const void *data, size_t length) {
    if (outbox_empty(outbox)) {
        outbox->bytes.length = outbox->done = 0;
        if (length == 0) return true;
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
        size_t kept = sent < 0 ? 0 : (size_t)sent;
        buffer_append(&outbox->bytes, (const char *)data + kept, length - kept);
        return true;
    }
    buffer_append(&outbox->bytes, data, length);
    ssize_t sent = send(fd, outbox->bytes.data + outbox->done, outbox->bytes.length - outbox->done, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == ENOTCONN;
    outbox->done += (size_t)sent;
    return true;
}

static uint64_t clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t monotonic_us(void) { return clock_us(CLOCK_MONOTONIC); }
uint64_t realtime_us(void) { return clock_us(CLOCK_REALTIME); }

struct sockaddr_in address_of(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("not an IPv4 address: %s", host);
    return address;
}

void no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on(const struct sockaddr_in *address) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof *address) || listen(fd, 4096))
        die("cannot listen on port %d: %s", ntohs(address->sin_port), strerror(errno));
    return fd;
}

int connect_to(const struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    no_delay(fd);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

void watch(int epoll_fd, int operation, int fd, uint32_t events, void *owner) {
    struct epoll_event event = {.events = events, .data.ptr = owner};
    if (epoll_ctl(epoll_fd, operation, fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

static bool named(const char *line, size_t length, const char *name, const char **value, size_t *value_length) {
    size_t size = strlen(name);
    if (length <= size || line[size] != ':' || strncasecmp(line, name, size)) return false;
    const char *start = line + size + 1, *end = line + length;
    while (start < end && (*start == ' ' || *start == '\t')) start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *value = start;
    *value_length = (size_t)(end - start);
    return true;
}

static bool contains(const char *value, size_t length, const char *word) {
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= length; i++)
        if (!strncasecmp(value + i, word, size)) return true;
    return false;
}

static void read_header(struct head *head, const char *line, size_t length) {
    const char *value;
    size_t size;
    if (named(line, length, "content-length", &value, &size)) {
        if (head->framing != FRAME_CHUNKED) head->framing = FRAME_LENGTH;
        head->content_length = strtoull(value, NULL, 10);
    } else if (named(line, length, "transfer-encoding", &value, &size)) {
        if (contains(value, size, "chunked")) head->framing = FRAME_CHUNKED;
    } else if (named(line, length, "connection", &value, &size)) {
        head->close = contains(value, size, "close");
    } else if (named(line, length, "expect", &value, &size)) {
        head->expects_continue = true;
    } else if (named(line, length, "x-request-id", &value, &size)) {
        head->request_id = value;
        head->request_id_length = size;
    }
}

static bool read_start_line(struct head *head, const char *line, size_t length) {
    const char *space = memchr(line, ' ', length);
    if (!space) return false;
    if (length > 12 && !memcmp(line, "HTTP/1.", 7)) {
        head->status = atoi(space + 1);
        bool bodiless = head->status < 200 || head->status == 204 || head->status == 304;
        head->framing = bodiless ? FRAME_NONE : FRAME_UNTIL_CLOSE;
        return head->status >= 100;
    }
    head->method = line;
    head->method_length = (size_t)(space - line);
    const char *second = memchr(space + 1, ' ', length - head->method_length - 1);
    if (!second) return false;
    head->target = space + 1;
    head->target_length = (size_t)(second - space - 1);
    return true;
}

int head_parse(struct head *head, const char *data, size_t length) {
    if (length < 4) return 0;
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return length > HEAD_LIMIT ? -1 : 0;
    *head = (struct head){.size = (size_t)(end - data) + 4};
    const char *line = data;
    for (bool first = true; line < end + 2; first = false) {
        const char *stop = memchr(line, '\r', (size_t)(end + 2 - line));
        if (!stop) return -1;
        size_t size = (size_t)(stop - line);
        if (!first) read_header(head, line, size);
        else if (!read_start_line(head, line, size)) return -1;
        line = stop + 2;
    }
    return 1;
}

void body_start(struct body *body, const struct head *head) {
    *body = (struct body){.framing = head->framing, .left = head->content_length};
    body->complete = head->framing == FRAME_NONE || (head->framing == FRAME_LENGTH && head->content_length == 0);
    if (head->framing == FRAME_CHUNKED) body->left = 0;
}

enum { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, TRAILER_START, TRAILER_LINE };

/* One byte of chunk framing; false when it is broken. */
static bool chunk_byte(struct body *body, char c) {
    switch (body->state) {
    case CHUNK_SIZE:
        if (c >= '0' && c <= '9') body->left = body->left * 16 + (uint64_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f') body->left = body->left * 16 + (uint64_t)((c | 32) - 'a' + 10);
        else if (c == ';' || c == ' ') body->state = CHUNK_EXTENSION;
        else if (c == '\n') body->state = body->left ? CHUNK_DATA : TRAILER_START;
        else return c == '\r';
        return body->left < (uint64_t)1 << 40;
    case CHUNK_EXTENSION:
        if (c == '\n') body->state = body->left ? CHUNK_DATA : TRAILER_START;
        return true;
    case CHUNK_END:
        if (c == '\n') body->state = CHUNK_SIZE;
        return c == '\n' || c == '\r';
    case TRAILER_START:
        if (c == '\n') body->complete = true;
        else if (c != '\r') body->state = TRAILER_LINE;
        return true;
    default:
        if (c == '\n') body->state = TRAILER_START;
        return true;
    }
}

ssize_t body_feed(struct body *body, const char *data, size_t length, body_sink *sink, void *owner) {
    size_t used = 0;
    while (used < length && !body->complete) {
        if (body->framing == FRAME_CHUNKED && body->state != CHUNK_DATA) {
            if (!chunk_byte(body, data[used++])) return -1;
            continue;
        }
        size_t part = length - used;
        if (body->framing != FRAME_UNTIL_CLOSE && part > body->left) part = (size_t)body->left;
        if (sink) sink(owner, data + used, part);
        used += part;
        if (body->framing == FRAME_UNTIL_CLOSE) continue;
        body->left -= part;
        if (body->left) continue;
        if (body->framing == FRAME_CHUNKED) body->state = CHUNK_END;
        else body->complete = true;
    }
    return (ssize_t)used;
}
