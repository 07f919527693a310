/* Exact percentiles over microseconds, and the JSON text the load client prints. */
#ifndef FLOW_BENCH_SAMPLES_H
#define FLOW_BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct samples {
    uint32_t *values;
    size_t count, capacity;
    uint64_t sum;
};

void samples_add(struct samples *samples, uint64_t value);
/* Sorts, then prints `"name":{"count":…,"mean":…,"min":…,"p50":…,"p90":…,"p99":…,"max":…}`. */
void samples_print(struct samples *samples, const char *name, FILE *out);
void json_string(const char *text, size_t length, FILE *out);

#endif
