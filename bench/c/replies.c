#include "replies.h"

#include <stdio.h>
#include <string.h>

#define PROSE \
    "The change keeps the public function as it was and moves the parsing into a small pure helper, so the " \
    "retry loop only decides when to stop. Two call sites relied on the old exception type; both now catch the " \
    "narrow one and keep the original message for the log. The slow test was slow because it waited for a real " \
    "timer, and the clock is an argument now, so it finishes at once and checks the same thing. I left the public " \
    "defaults alone, added a line to the change log and one case for the empty input that used to raise an index " \
    "error. Nothing else in the package imports the moved name, which I checked with a search over the tree."
#define DELTA " ~000000~ and"

static const char *const STREAM_HEAD =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\nx-request-id: req_mock_stream\r\n\r\n";

#define OPENAI_EVENT(choices, usage) \
    "data: {\"id\":\"chatcmpl-mock0001\",\"object\":\"chat.completion.chunk\",\"created\":1760000000," \
    "\"model\":\"mock\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock0001\"," \
    "\"choices\":[" choices "],\"usage\":" usage "}\n\n"
#define OPENAI_DELTA(delta, finish) "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":" finish "}"
#define OPENAI_USAGE \
    "{\"prompt_tokens\":210,\"completion_tokens\":180,\"total_tokens\":390," \
    "\"prompt_tokens_details\":{\"cached_tokens\":128},\"completion_tokens_details\":{\"reasoning_tokens\":0}}"
#define ANTHROPIC_EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"

static void chunk(struct buffer *buffer, const char *event) {
    char size[24];
    int digits = snprintf(size, sizeof size, "%zx\r\n", strlen(event));
    buffer_append(buffer, size, (size_t)digits);
    buffer_append(buffer, event, strlen(event));
    buffer_append(buffer, "\r\n", 2);
}

static void plain(struct buffer *buffer, const char *body) {
    char head[256];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                          "Connection: keep-alive\r\nx-request-id: req_mock_plain\r\n\r\n",
                          strlen(body));
    buffer_append(buffer, head, (size_t)length);
    buffer_append(buffer, body, strlen(body));
}

static void build_openai(struct script *script) {
    plain(&script->plain,
          "{\"id\":\"chatcmpl-mock0001\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"mock\","
          "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" PROSE "\",\"refusal\":null},"
          "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":" OPENAI_USAGE
          ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock0001\"}");
    chunk(&script->opening,
          OPENAI_EVENT(OPENAI_DELTA("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null"), "null"));
    chunk(&script->text, OPENAI_EVENT(OPENAI_DELTA("\"content\":\"" DELTA "\"", "null"), "null"));
    chunk(&script->ending, OPENAI_EVENT(OPENAI_DELTA("", "\"stop\""), "null"));
    buffer_append(&script->ending_bare, script->ending.data, script->ending.length);
    chunk(&script->ending, OPENAI_EVENT("", OPENAI_USAGE));
    chunk(&script->ending, "data: [DONE]\n\n");
    chunk(&script->ending_bare, "data: [DONE]\n\n");
}

static void build_anthropic(struct script *script) {
    plain(&script->plain,
          "{\"id\":\"msg_mock0001\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock\",\"content\":"
          "[{\"type\":\"text\",\"text\":\"" PROSE "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,"
          "\"usage\":{\"input_tokens\":82,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":128,"
          "\"output_tokens\":180,\"service_tier\":\"standard\"}}");
    chunk(&script->opening,
          ANTHROPIC_EVENT("message_start",
                          ",\"message\":{\"id\":\"msg_mock0001\",\"type\":\"message\",\"role\":\"assistant\","
                          "\"model\":\"mock\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":"
                          "{\"input_tokens\":82,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":128,"
                          "\"output_tokens\":1}}"));
    chunk(&script->opening, ANTHROPIC_EVENT("content_block_start",
                                            ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}"));
    chunk(&script->opening, ANTHROPIC_EVENT("ping", ""));
    chunk(&script->text, ANTHROPIC_EVENT("content_block_delta",
                                         ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" DELTA "\"}"));
    chunk(&script->ending, ANTHROPIC_EVENT("content_block_stop", ",\"index\":0"));
    chunk(&script->ending,
          ANTHROPIC_EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                                           "\"usage\":{\"output_tokens\":180}"));
    chunk(&script->ending, ANTHROPIC_EVENT("message_stop", ""));
    buffer_append(&script->ending_bare, script->ending.data, script->ending.length);
}

void scripts_build(struct script scripts[DIALECTS]) {
    build_openai(&scripts[OPENAI_CHAT]);
    build_anthropic(&scripts[ANTHROPIC]);
    for (int i = 0; i < DIALECTS; i++) {
        struct buffer opening = scripts[i].opening;
        scripts[i].opening = (struct buffer){0};
        buffer_append(&scripts[i].opening, STREAM_HEAD, strlen(STREAM_HEAD));
        buffer_append(&scripts[i].opening, opening.data, opening.length);
        buffer_free(&opening);
        buffer_append(&scripts[i].ending, "0\r\n\r\n", 5);
        buffer_append(&scripts[i].ending_bare, "0\r\n\r\n", 5);
        char *digits = memmem(scripts[i].text.data, scripts[i].text.length, "~000000~", 8);
        scripts[i].marker = (size_t)(digits + 1 - scripts[i].text.data);
    }
}

void marker_write(char *text, const struct script *script, unsigned number) {
    for (int i = 5; i >= 0; i--, number /= 10) text[script->marker + (size_t)i] = (char)('0' + number % 10);
}
