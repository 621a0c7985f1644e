/* Arithmetic of 64 bits on a 32-bit processor: carries, shifts over both halves, and divisions by libgcc. */
#include "bench.h"

#define ROUNDS (1200000u * SCALE)

uint32_t row_arith64(void) {
  uint64_t x = 0x123456789ABCDEFu;
  uint64_t y = 0xFEDCBA987654321u;
  uint64_t sum = 0;
  for (uint32_t i = 1; i < ROUNDS; i++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    y ^= x >> 17;
    uint32_t divisor = i * 2654435761u | 1;
    sum += x / divisor ^ x % divisor;
    sum = sum << 7 | sum >> 57;
    sum += (uint64_t)((int64_t)(int32_t)x * (int32_t)y);
    if ((i & 255) == 0) sum += x / (y >> 20 | 1);
    sum += x < y;
    sum -= (int64_t)x < (int64_t)sum;
    sum += x >> (i & 63);
  }
  return (uint32_t)(sum ^ sum >> 32);
}
