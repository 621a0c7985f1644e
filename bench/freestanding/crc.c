/* CRC-32 as in Ethernet, a byte at a time by table. */
#include "bench.h"

#define SIZE (1u << 20)
#define ROUNDS (24 * SCALE)
#define POLYNOMIAL 0xEDB88320u

static uint32_t table[256];

void crc32_init(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? POLYNOMIAL ^ (crc >> 1) : crc >> 1;
    table[byte] = crc;
  }
}

NOINLINE uint32_t crc32_of(const uint8_t *data, size_t size) {
  uint32_t crc = ~0u;
  while (size--) crc = table[(crc ^ *data++) & 255] ^ (crc >> 8);
  return ~crc;
}

uint32_t row_crc(void) {
  uint32_t seed = 1;
  uint32_t result = 0;
  crc32_init();
  for (uint32_t i = 0; i < SIZE; i++) HEAP[i] = (uint8_t)next_random(&seed);
  for (int round = 0; round < ROUNDS; round++) {
    HEAP[round * 5] += (uint8_t)result;
    result = result * 31 + crc32_of(HEAP, SIZE);
  }
  return result;
}
