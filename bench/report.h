/* What the benchmarks share: processor time, medians, and how a figure is told to bench/run.sh. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* Of this thread, so that whatever else runs on the machine counts little. */
double bench_cpu_ns(void);

/* Sorts the values. */
double bench_median(double *values, size_t count);

/* splitmix64: what benchmarks make their inputs of. */
uint64_t bench_random(uint64_t *seed);

/* One line for the table: "metric | figure | unit | target | against". The target is as "<= 2" or ">= 1000", and empty
 * where there is none; `against` says what the figure is compared with or measured on. */
void bench_report(const char *metric, double figure, const char *unit, const char *target, const char *against);

#endif
