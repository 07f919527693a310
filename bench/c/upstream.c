/* A mock provider: OpenAI Chat and Anthropic Messages, plain and streamed, for next to no CPU.
 *
 * One thread, epoll. A stream is an opening, N text events one interval apart, and an ending; each leaves with
 * its own send(). N and the interval come from the model's name (`any-c600-i100`), from the query
 * (`?chunks=600&interval=100`) or from the command line, in this order. Due streams hang in a wheel of 1 ms slots.
 *
 * The model's name also asks for faults: `-e3` refuses every third request with 503, `-x3` breaks every third
 * stream off in the middle, `-h500` keeps the head back for 500 ms, `-z100` answers 500 with a body of 100 MB. */
#include "replies.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 1024
#define READ_SIZE (256 * 1024)

enum phase { READ_HEAD, READ_BODY, DELAYED, STREAMING };
enum fault { REFUSAL, CUT, FAULTS };

struct connection {
    int fd;
    enum phase phase;
    bool writable_wanted, closing;
    struct buffer input, request;
    struct outbox output;
    struct body body;
    enum dialect dialect;
    bool usage_wanted, stream, cut;
    unsigned sent, chunks, interval;
    uint64_t due;
    struct connection *next, **link;
};

static struct {
    unsigned long connections_open, connections_total, requests, streams_active, streams_done, streams_aborted,
        faults;
} stats;
static unsigned delayed, turns[FAULTS];
static struct script scripts[DIALECTS];
static struct connection *wheel[SLOTS];
static struct connection *doomed;
static unsigned default_chunks = 100, default_interval = 10;
static int epoll_fd;
static char scratch[READ_SIZE];

static void wheel_insert(struct connection *c) {
    struct connection **slot = &wheel[c->due % SLOTS];
    c->next = *slot;
    if (c->next) c->next->link = &c->next;
    c->link = slot;
    *slot = c;
}

static void wheel_remove(struct connection *c) {
    if (!c->link) return;
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    c->link = NULL;
}

/* The connection is freed at the end of the loop's turn: events of this turn may still point to it. */
static void close_connection(struct connection *c) {
    if (c->fd < 0) return;
    if (c->phase == STREAMING) {
        stats.streams_active--;
        stats.streams_aborted++;
    }
    delayed -= c->phase == DELAYED;
    wheel_remove(c);
    close(c->fd);
    c->fd = -1;
    stats.connections_open--;
    c->next = doomed;
    doomed = c;
}

static void bury(void) {
    while (doomed) {
        struct connection *c = doomed;
        doomed = c->next;
        buffer_free(&c->input);
        buffer_free(&c->request);
        buffer_free(&c->output.bytes);
        free(c);
    }
}

static void reply(struct connection *c, const void *data, size_t length) {
    if (c->fd < 0) return;
    if (!outbox_send(&c->output, c->fd, data, length)) {
        close_connection(c);
        return;
    }
    bool wanted = !outbox_empty(&c->output);
    if (wanted == c->writable_wanted) return;
    c->writable_wanted = wanted;
    watch(epoll_fd, EPOLL_CTL_MOD, c->fd, EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0), c);
}

static void reply_json(struct connection *c, const char *status, const char *json) {
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
                          strlen(json), json);
    reply(c, text, (size_t)length);
}

static void reply_stats(struct connection *c) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"connections_open\":%lu,\"connections_total\":%lu,\"requests\":%lu,\"streams_active\":%lu,"
             "\"streams_done\":%lu,\"streams_aborted\":%lu,\"faults\":%lu}",
             stats.connections_open, stats.connections_total, stats.requests, stats.streams_active,
             stats.streams_done, stats.streams_aborted, stats.faults);
    reply_json(c, "200 OK", json);
}

/* The value behind a JSON key at any depth, or NULL; a key quoted inside a string does not count. */
static const char *json_value(const struct buffer *body, const char *quoted_key) {
    size_t size = strlen(quoted_key);
    const char *at = body->data, *end = body->data + body->length;
    while (at && at < end && (at = memmem(at, (size_t)(end - at), quoted_key, size))) {
        const char *value = at + size;
        while (value < end && *value == ' ') value++;
        bool escaped = at > body->data && at[-1] == '\\';
        if (!escaped && value < end && *value == ':') {
            do value++;
            while (value < end && *value == ' ');
            return value;
        }
        at += size;
    }
    return NULL;
}

static bool json_true(const struct buffer *body, const char *quoted_key) {
    const char *value = json_value(body, quoted_key);
    return value && body->data + body->length - value >= 4 && !memcmp(value, "true", 4);
}

static void number_after(const char *text, size_t length, const char *word, unsigned *number) {
    const char *found = length ? memmem(text, length, word, strlen(word)) : NULL;
    if (!found) return;
    const char *digit = found + strlen(word);
    if (digit >= text + length || *digit < '0' || *digit > '9') return;
    for (*number = 0; digit < text + length && *digit >= '0' && *digit <= '9'; digit++)
        *number = *number * 10 + (unsigned)(*digit - '0');
}

/* What the model's name and the query ask for. */
struct wishes {
    unsigned every[FAULTS], head_delay, error_megabytes;
};

static struct wishes read_wishes(struct connection *c, const char *query, size_t query_length) {
    struct wishes wishes = {0};
    c->chunks = default_chunks;
    c->interval = default_interval;
    number_after(query, query_length, "chunks=", &c->chunks);
    number_after(query, query_length, "interval=", &c->interval);
    const char *model = json_value(&c->request, "\"model\"");
    if (model && *model == '"') {
        const char *end = memchr(model + 1, '"', (size_t)(c->request.data + c->request.length - model - 1));
        size_t length = end ? (size_t)(end - model) : 0;
        number_after(model, length, "-c", &c->chunks);
        number_after(model, length, "-i", &c->interval);
        number_after(model, length, "-e", &wishes.every[REFUSAL]);
        number_after(model, length, "-x", &wishes.every[CUT]);
        number_after(model, length, "-h", &wishes.head_delay);
        number_after(model, length, "-z", &wishes.error_megabytes);
    }
    if (c->interval >= SLOTS) c->interval = SLOTS - 1;
    return wishes;
}

static bool its_turn(enum fault fault, const struct wishes *wishes) {
    if (!wishes->every[fault] || ++turns[fault] % wishes->every[fault]) return false;
    stats.faults++;
    return true;
}

static void start_stream(struct connection *c) {
    const struct script *script = &scripts[c->dialect];
    c->usage_wanted = json_true(&c->request, "\"include_usage\"");
    c->phase = STREAMING;
    c->sent = 0;
    stats.streams_active++;
    c->due = monotonic_us() / 1000 + (c->interval ? c->interval : 1);
    wheel_insert(c);
    reply(c, script->opening.data, script->opening.length);
}

static void start_reply(struct connection *c) {
    if (c->stream) start_stream(c);
    else reply(c, scripts[c->dialect].plain.data, scripts[c->dialect].plain.length);
}

static void refuse(struct connection *c) {
    static const char *const bodies[DIALECTS] = {
        "{\"error\":{\"message\":\"The server is overloaded.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}",
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"};
    reply_json(c, "503 Service Unavailable", bodies[c->dialect]);
}

static void reply_huge_error(struct connection *c, unsigned megabytes) {
    static const char before[] = "{\"error\":{\"type\":\"api_error\",\"message\":\"", after[] = "\"}}";
    size_t filling = (size_t)megabytes * 1000000;
    struct buffer text = {0};
    buffer_reserve(&text, filling + 512);
    text.length = (size_t)sprintf(text.data,
                                  "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                                  "Content-Length: %zu\r\n\r\n%s",
                                  strlen(before) + filling + strlen(after), before);
    memset(text.data + text.length, 'x', filling);
    text.length += filling;
    buffer_append(&text, after, strlen(after));
    stats.faults++;
    reply(c, text.data, text.length);
    buffer_free(&text);
}

static void take_request(struct connection *c, const char *query, size_t query_length) {
    struct wishes wishes = read_wishes(c, query, query_length);
    c->stream = json_true(&c->request, "\"stream\"");
    c->cut = c->stream && its_turn(CUT, &wishes);
    if (its_turn(REFUSAL, &wishes)) return refuse(c);
    if (wishes.error_megabytes) return reply_huge_error(c, wishes.error_megabytes);
    if (!wishes.head_delay) return start_reply(c);
    c->phase = DELAYED;
    c->due = monotonic_us() / 1000 + wishes.head_delay;
    delayed++;
    wheel_insert(c);
}

static void process_input(struct connection *c);

static void step_stream(struct connection *c, uint64_t now_ms) {
    const struct script *script = &scripts[c->dialect];
    wheel_remove(c);
    if (c->phase == DELAYED) {
        delayed--;
        c->phase = READ_HEAD;
        start_reply(c);
        if (c->fd >= 0) process_input(c);
        return;
    }
    if (c->cut && c->sent == c->chunks / 2) return close_connection(c);
    if (c->sent < c->chunks) {
        char text[1024];
        memcpy(text, script->text.data, script->text.length);
        marker_write(text, script, c->sent++);
        uint64_t soonest = now_ms + (c->interval + 1) / 2;
        c->due += c->interval;
        if (c->due < soonest) c->due = soonest;
        if (c->due <= now_ms) c->due = now_ms + 1;
        wheel_insert(c);
        reply(c, text, script->text.length);
        return;
    }
    const struct buffer *ending = c->usage_wanted ? &script->ending : &script->ending_bare;
    stats.streams_active--;
    stats.streams_done++;
    c->phase = READ_HEAD;
    reply(c, ending->data, ending->length);
    if (c->fd >= 0) process_input(c);
}

static bool path_ends(const struct head *head, const char *suffix) {
    const char *query = memchr(head->target, '?', head->target_length);
    size_t length = query ? (size_t)(query - head->target) : head->target_length, size = strlen(suffix);
    return length >= size && !memcmp(head->target + length - size, suffix, size);
}

static void collect(void *owner, const char *data, size_t length) {
    buffer_append(&((struct connection *)owner)->request, data, length);
}

/* `head` points into c->input, which stays untouched until this returns. */
static void answer(struct connection *c, const struct head *head) {
    stats.requests++;
    c->phase = READ_HEAD;
    bool openai = path_ends(head, "/chat/completions");
    if (openai || path_ends(head, "/messages")) {
        c->dialect = openai ? OPENAI_CHAT : ANTHROPIC;
        const char *query = memchr(head->target, '?', head->target_length);
        take_request(c, query, query ? (size_t)(head->target + head->target_length - query) : 0);
    } else if (path_ends(head, "/__stats")) {
        stats.requests--;
        reply_stats(c);
    } else if (path_ends(head, "/healthz")) {
        reply_json(c, "200 OK", "{\"status\":\"ok\"}");
    } else if (path_ends(head, "/models")) {
        reply_json(c, "200 OK",
                   "{\"object\":\"list\",\"data\":[{\"id\":\"mock\",\"object\":\"model\",\"type\":\"model\","
                   "\"created\":1760000000,\"created_at\":\"2025-10-09T08:53:20Z\",\"display_name\":\"Mock\","
                   "\"owned_by\":\"mock\"}],\"has_more\":false,\"first_id\":\"mock\",\"last_id\":\"mock\"}");
    } else {
        reply_json(c, "404 Not Found", "{\"error\":{\"type\":\"not_found_error\",\"message\":\"no such path\"}}");
    }
}

/* Reads as many whole requests as the input holds; the head stays in the input until its body is complete. */
static void process_input(struct connection *c) {
    while (c->fd >= 0 && c->phase < DELAYED && !c->closing && c->input.length) {
        struct head head;
        int parsed = head_parse(&head, c->input.data, c->input.length);
        if (parsed < 0) return close_connection(c);
        if (!parsed) return;
        if (c->phase == READ_HEAD) {
            body_start(&c->body, &head);
            c->request.length = 0;
            c->phase = READ_BODY;
            if (head.expects_continue) reply(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        ssize_t used = body_feed(&c->body, c->input.data + head.size, c->input.length - head.size, collect, c);
        if (used < 0) return close_connection(c);
        if (c->body.complete) {
            c->closing = head.close;
            answer(c, &head);
            if (c->fd < 0) return;
            buffer_consume(&c->input, head.size + (size_t)used);
            continue;
        }
        size_t rest = c->input.length - head.size - (size_t)used;
        memmove(c->input.data + head.size, c->input.data + head.size + used, rest);
        c->input.length = head.size + rest;
        return;
    }
    if (c->fd >= 0 && c->closing && c->phase < DELAYED && outbox_empty(&c->output)) close_connection(c);
}

static void on_event(struct connection *c, uint32_t events) {
    if (c->fd < 0) return;
    if (events & EPOLLOUT) {
        reply(c, NULL, 0);
        process_input(c);
    }
    if (c->fd < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t got = recv(c->fd, scratch, sizeof scratch, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) close_connection(c);
        return;
    }
    buffer_append(&c->input, scratch, (size_t)got);
    process_input(c);
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection *c = calloc(1, sizeof *c);
        if (!c) die("out of memory");
        no_delay(fd);
        c->fd = fd;
        stats.connections_open++;
        stats.connections_total++;
        watch(epoll_fd, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}

/* Fires the streams due up to now; a stream put back into the wheel is never due in the same turn. */
static uint64_t turn_wheel(uint64_t last_ms, uint64_t now_ms) {
    uint64_t first = now_ms - last_ms >= SLOTS ? now_ms - SLOTS + 1 : last_ms + 1;
    for (uint64_t ms = first; ms <= now_ms; ms++) {
        for (struct connection *c = wheel[ms % SLOTS], *next; c; c = next) {
            next = c->next;
            if (c->due <= now_ms) step_stream(c, now_ms);
        }
    }
    return now_ms;
}

static int wait_ms(uint64_t now_ms) {
    if (!stats.streams_active && !delayed) return -1;
    for (int ahead = 1; ahead < 50; ahead++)
        if (wheel[(now_ms + (uint64_t)ahead) % SLOTS]) return ahead;
    return 50;
}

int main(int count, char **arguments) {
    static const struct option options[] = {{"host", 1, 0, 'h'},   {"port", 1, 0, 'p'}, {"chunks", 1, 0, 'c'},
                                            {"interval", 1, 0, 'i'}, {0}};
    const char *host = "127.0.0.1";
    int port = 9001;
    for (int option; (option = getopt_long(count, arguments, "h:p:c:i:", options, NULL)) != -1;) {
        if (option == 'h') host = optarg;
        else if (option == 'p') port = atoi(optarg);
        else if (option == 'c') default_chunks = (unsigned)atoi(optarg);
        else if (option == 'i') default_interval = (unsigned)atoi(optarg);
        else die("usage: upstream [--host H] [--port P] [--chunks N] [--interval MS]");
    }
    signal(SIGPIPE, SIG_IGN);
    scripts_build(scripts);
    struct sockaddr_in address = address_of(host, port);
    int listener = listen_on(&address);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(epoll_fd, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    uint64_t last_ms = monotonic_us() / 1000;
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll_fd, events, 256, wait_ms(last_ms));
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) on_event(events[i].data.ptr, events[i].events);
            else accept_all(listener);
        }
        last_ms = turn_wheel(last_ms, monotonic_us() / 1000);
        bury();
    }
}
