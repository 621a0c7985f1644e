/*
 * A small LZ77 of our own: text packed once and unpacked often. A byte below 128 is followed by so many literal bytes;
 * from 128 on it is a match of (byte - 128) + 4 bytes, whose distance follows in two bytes.
 */
#include "bench.h"

#define SIZE 262144u
#define ROUNDS (80 * SCALE)
#define MIN_MATCH 4
#define MAX_MATCH (MIN_MATCH + 127)
#define MAX_DISTANCE 60000u
#define AS_WRITTEN __asm__ volatile("")

static uint32_t recent[4096];

static inline uint32_t word_at(const uint8_t *p) {
  return *(const uint32_t *)p;
}

static uint32_t put_literals(uint8_t *out, uint32_t used, const uint8_t *from, uint32_t count) {
  while (count > 0) {
    uint32_t run = count > 127 ? 127 : count;
    out[used++] = (uint8_t)run;
    for (uint32_t i = 0; i < run; i++) out[used++] = *from++;
    count -= run;
  }
  return used;
}

NOINLINE static uint32_t pack(const uint8_t *text, uint32_t size, uint8_t *out) {
  uint32_t used = 0;
  uint32_t literals = 0;
  uint32_t at = 0;
  for (int i = 0; i < 4096; i++) recent[i] = 0;
  while (at + MIN_MATCH < size) {
    uint32_t *slot = &recent[word_at(text + at) * 2654435761u >> 20];
    uint32_t candidate = *slot;
    *slot = at + 1;
    if (candidate == 0 || at - (candidate - 1) > MAX_DISTANCE || word_at(text + candidate - 1) != word_at(text + at)) {
      at++;
      continue;
    }
    uint32_t start = candidate - 1;
    uint32_t length = MIN_MATCH;
    while (length < MAX_MATCH && at + length < size && text[start + length] == text[at + length]) length++;
    used = put_literals(out, used, text + literals, at - literals);
    out[used++] = (uint8_t)(128 + length - MIN_MATCH);
    out[used++] = (uint8_t)(at - start);
    out[used++] = (uint8_t)((at - start) >> 8);
    at += length;
    literals = at;
  }
  return put_literals(out, used, text + literals, size - literals);
}

NOINLINE static uint32_t unpack(const uint8_t *packed, uint32_t size, uint8_t *out) {
  const uint8_t *end = packed + size;
  uint8_t *to = out;
  while (packed < end) {
    uint32_t control = *packed++;
    if (control < 128) {
      while (control--) {
        *to++ = *packed++;
        AS_WRITTEN;
      }
    } else {
      uint32_t length = control - 128 + MIN_MATCH;
      const uint8_t *from = to - (packed[0] | packed[1] << 8);
      packed += 2;
      while (length--) {
        *to++ = *from++;
        AS_WRITTEN;
      }
    }
  }
  return (uint32_t)(to - out);
}

/* Words of 400, some letters each. */
static void write_text(uint8_t *text) {
  uint32_t seed = 6;
  for (uint32_t at = 0; at < SIZE;) {
    uint32_t word = next_random(&seed) % 400;
    uint32_t letters = word * 77;
    for (uint32_t i = 0; i < 3 + (word & 7) && at < SIZE; i++) {
      text[at++] = (uint8_t)('a' + ((letters >> i) & 15));
      letters = letters * 5 + 1;
    }
  }
}

uint32_t row_lz(void) {
  uint8_t *text = HEAP;
  uint8_t *packed = HEAP + (1 << 20);
  uint8_t *unpacked = HEAP + (2 << 20);
  crc32_init();
  write_text(text);
  uint32_t packed_size = pack(text, SIZE, packed);
  uint32_t result = packed_size;
  for (int round = 0; round < ROUNDS; round++) result = result * 3 + unpack(packed, packed_size, unpacked);
  return result * 31 + crc32_of(unpacked, SIZE);
}
