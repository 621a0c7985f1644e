/* Fibonacci numbers by recursion: calls and returns. */
#include "bench.h"

#define DEPTH 31
#define ROUNDS (3 * SCALE)

/* Both calls stay calls. */
__attribute__((noinline, optimize("no-optimize-sibling-calls,no-inline")))
static uint32_t fib(uint32_t n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint32_t row_fib(void) {
  uint32_t result = 0;
  for (int round = 0; round < ROUNDS; round++) result = result * 3 + fib(DEPTH);
  return result;
}
