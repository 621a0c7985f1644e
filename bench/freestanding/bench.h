/* What the rows have in common: fixed-size types, memory to work in, and a generator of numbers. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Each row's work is done SCALE times. */
#ifndef SCALE
#define SCALE 1
#endif

#define NOINLINE __attribute__((noinline))

/* 32 MiB of RAM that nothing else uses, by their upper addresses (see start.S). */
#define HEAP ((uint8_t *)0xC0800000u)

/* A linear congruential generator (the constants of Numerical Recipes); its low bits are poor and dropped. */
static inline uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 4;
}

uint32_t crc32_of(const uint8_t *data, size_t size);
void crc32_init(void);

struct row {
  const char *name;
  uint32_t (*run)(void);
};

/* The rows of this image, by bench/images.ts. */
extern const struct row rows[];
extern const unsigned row_count;

#endif
