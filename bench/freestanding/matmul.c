/* Product of integer matrices, the inner loop down a column. */
#include "bench.h"

#define N 160
#define ROUNDS (16 * SCALE)

NOINLINE static void multiply(const int32_t *a, const int32_t *b, int32_t *product) {
  for (int row = 0; row < N; row++) {
    for (int column = 0; column < N; column++) {
      int32_t sum = 0;
      for (int k = 0; k < N; k++) sum += a[row * N + k] * b[k * N + column];
      product[row * N + column] = sum;
    }
  }
}

uint32_t row_matmul(void) {
  int32_t *a = (int32_t *)HEAP;
  int32_t *b = a + N * N;
  int32_t *product = b + N * N;
  uint32_t seed = 4;
  uint32_t result = 0;
  for (int i = 0; i < N * N; i++) {
    a[i] = next_random(&seed) & 1023;
    b[i] = next_random(&seed) & 1023;
  }
  for (int round = 0; round < ROUNDS; round++) {
    multiply(a, b, product);
    result = result * 31 + (uint32_t)product[round * 7 % (N * N)];
    a[round % (N * N)] += result & 3;
  }
  return result;
}
