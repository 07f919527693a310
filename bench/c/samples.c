#include "samples.h"

#include <stdlib.h>

void samples_add(struct samples *samples, uint64_t value) {
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 4096;
        samples->values = realloc(samples->values, samples->capacity * sizeof *samples->values);
        if (!samples->values) abort();
    }
    samples->values[samples->count++] = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    samples->sum += value;
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t at(const struct samples *samples, double fraction) {
    return samples->values[(size_t)(fraction * (double)(samples->count - 1) + 0.5)];
}

void samples_print(struct samples *samples, const char *name, FILE *out) {
    if (!samples->count) {
        fprintf(out, "\"%s\":null", name);
        return;
    }
    qsort(samples->values, samples->count, sizeof *samples->values, ascending);
    fprintf(out, "\"%s\":{\"count\":%zu,\"mean\":%.1f,\"min\":%u,\"p50\":%u,\"p90\":%u,\"p99\":%u,\"max\":%u}", name,
            samples->count, (double)samples->sum / (double)samples->count, at(samples, 0), at(samples, 0.5),
            at(samples, 0.9), at(samples, 0.99), at(samples, 1));
}

void json_string(const char *text, size_t length, FILE *out) {
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') fprintf(out, "\\%c", c);
        else if (c < 32 || c > 126) fprintf(out, "\\u%04x", c);
        else fputc(c, out);
    }
    fputc('"', out);
}
