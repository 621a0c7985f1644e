/* The sieve of Eratosthenes: byte stores with long strides. */
#include "bench.h"

#define LIMIT 2000000u
#define ROUNDS (3 * SCALE)

uint32_t row_sieve(void) {
  uint8_t *is_prime = HEAP;
  uint32_t count = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (uint32_t i = 0; i < LIMIT; i++) is_prime[i] = 1;
    for (uint32_t i = 2; i * i < LIMIT; i++) {
      if (!is_prime[i]) continue;
      for (uint32_t j = i * i; j < LIMIT; j += i) is_prime[j] = 0;
    }
    for (uint32_t i = 2; i < LIMIT; i++) count += is_prime[i];
  }
  return count;
}
