/* Copying, filling, measuring and comparing: the string instructions in long and short runs, and plain loops over bytes. */
#include "bench.h"

#define SIZE 65536
#define ROUNDS (40 * SCALE)

/* Keeps the compiler from making a call or vectors of the loop around it. */
#define AS_WRITTEN __asm__ volatile("")

static inline void copy_bytes(void *to, const void *from, size_t count) {
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}
static inline void copy_words(void *to, const void *from, size_t count) {
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}
static inline void fill_bytes(void *to, uint8_t byte, size_t count) {
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(byte) : "memory");
}
static inline void fill_words(void *to, uint32_t word, size_t count) {
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(word) : "memory");
}

NOINLINE static void copy_loop(uint8_t *to, const uint8_t *from, size_t count) {
  for (size_t i = 0; i < count; i++) {
    to[i] = from[i];
    AS_WRITTEN;
  }
}

NOINLINE static uint32_t length(const uint8_t *text) {
  uint32_t count = 0;
  while (text[count]) {
    count++;
    AS_WRITTEN;
  }
  return count;
}

NOINLINE static int compare(const uint8_t *a, const uint8_t *b) {
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a - *b;
}

uint32_t row_string(void) {
  uint8_t *text = HEAP;
  uint8_t *copy = HEAP + (1 << 20);
  uint32_t seed = 5;
  uint32_t result = 0;
  for (int i = 0; i < SIZE - 1; i++) text[i] = (uint8_t)(1 + next_random(&seed) % 250);
  text[SIZE - 1] = 0;
  for (int round = 0; round < ROUNDS; round++) {
    uint8_t *changed = text + round % (SIZE - 1);
    *changed = (uint8_t)(1 + (*changed + round) % 250);
    copy_loop(copy, text, SIZE);
    result += length(copy);
    result += (uint32_t)compare(text, copy);
    for (int i = 0; i < SIZE; i += 4096) copy_bytes(copy + i + 1, text + i, 4000);
    fill_bytes(copy + 100, (uint8_t)round, 30000);
    for (int i = 0; i < 2000; i++) copy_bytes(copy + i * 8, text + i * 16, 16);
    copy_words(copy + 200000, text, 8192);
    fill_words(copy + 300000, result, 8192);
    result = result * 31 + copy[round * 100 % SIZE] + copy[200000 + round] + copy[300400];
  }
  return result;
}
