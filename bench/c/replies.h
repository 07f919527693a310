/* The bytes a mock upstream answers with, in the two dialects. */
#ifndef FLOW_BENCH_REPLIES_H
#define FLOW_BENCH_REPLIES_H

#include "common.h"

enum dialect { OPENAI_CHAT, ANTHROPIC, DIALECTS };

/* Chunked-encoded pieces of one dialect's stream. Piece `k` of the text carries the marker ~00000k~. */
struct script {
    struct buffer plain;      /* a whole plain reply with its head */
    struct buffer opening;    /* stream head and the events before the text */
    struct buffer text;       /* one text event */
    size_t marker;            /* offset of the six digits inside `text` */
    struct buffer ending;     /* the events after the text and the last chunk */
    struct buffer ending_bare; /* the same without the usage event, where the dialect makes it optional */
};

void scripts_build(struct script scripts[DIALECTS]);
/* Writes the running number of a text event into a copy of it. */
void marker_write(char *text, const struct script *script, unsigned number);

#endif
