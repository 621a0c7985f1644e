/* Many small things by turns, as programs for small controllers do: lists, a matrix, a scanner of numbers, CRC-16. */
#include "bench.h"

#define ROUNDS (4500 * SCALE)
#define ITEMS 200
#define N 12

struct item {
  struct item *next;
  int16_t key;
  int16_t value;
};

enum scan { BEGINNING, INTEGER, SIGN, FRACTION, EXPONENT_MARK, EXPONENT_SIGN, EXPONENT, INVALID, SCAN_STATES };

static struct item items[ITEMS];
static int16_t a[N * N];
static int16_t b[N * N];
static int32_t product[N * N];

NOINLINE static uint16_t crc16(uint16_t data, uint16_t crc) {
  for (int bit = 0; bit < 16; bit++) {
    uint32_t odd = (data ^ crc) & 1;
    crc >>= 1;
    data >>= 1;
    if (odd) crc ^= 0xA001;
  }
  return crc;
}

NOINLINE static struct item *reversed(struct item *list) {
  struct item *before = NULL;
  while (list) {
    struct item *next = list->next;
    list->next = before;
    before = list;
    list = next;
  }
  return before;
}

NOINLINE static const struct item *find(const struct item *list, int16_t key) {
  while (list && list->key != key) list = list->next;
  return list;
}

static inline int is_digit(char c) {
  return c >= '0' && c <= '9';
}

static enum scan scan_next(enum scan state, char c) {
  switch (state) {
    case BEGINNING:
      return is_digit(c) ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? FRACTION : INVALID;
    case SIGN:
      return is_digit(c) ? INTEGER : c == '.' ? FRACTION : INVALID;
    case INTEGER:
      return is_digit(c) ? INTEGER : c == '.' ? FRACTION : INVALID;
    case FRACTION:
      return is_digit(c) ? FRACTION : c == 'e' || c == 'E' ? EXPONENT_MARK : INVALID;
    case EXPONENT_MARK:
      return c == '+' || c == '-' ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN:
    case EXPONENT:
      return is_digit(c) ? EXPONENT : INVALID;
    default:
      return INVALID;
  }
}

/* Scans one number up to a comma; how often each state was entered is counted. */
NOINLINE static enum scan scan_number(const char **text, uint32_t counts[SCAN_STATES]) {
  enum scan state = BEGINNING;
  const char *at = *text;
  for (; *at && *at != ','; at++) {
    state = scan_next(state, *at);
    counts[state]++;
  }
  *text = *at ? at + 1 : at;
  return state;
}

NOINLINE static void multiply(void) {
  for (int row = 0; row < N; row++) {
    for (int column = 0; column < N; column++) {
      int32_t sum = 0;
      for (int k = 0; k < N; k++) sum += a[row * N + k] * b[k * N + column];
      product[row * N + column] = sum;
    }
  }
}

uint32_t row_mix(void) {
  static const char numbers[] = "123,-45.6e+7,hello,.5e-12,+99,0x12,77.125,1e5,,3.14159e+00,abc";
  uint32_t counts[SCAN_STATES] = {0};
  uint16_t crc = 0;
  for (int round = 0; round < ROUNDS; round++) {
    struct item *list = NULL;
    for (int i = 0; i < ITEMS; i++) {
      items[i] = (struct item){.next = list, .key = (int16_t)((i * 7 + round) & 255), .value = (int16_t)i};
      list = &items[i];
    }
    for (int k = 0; k < 10; k++) {
      const struct item *found = find(list, (int16_t)((round + k * 13) & 255));
      if (found) crc = crc16((uint16_t)found->value, crc);
      list = reversed(list);
    }
    for (int i = 0; i < N * N; i++) {
      a[i] = (int16_t)(i + round);
      b[i] = (int16_t)(i * 3 - round);
    }
    multiply();
    for (int i = 0; i < N * N; i += 5) crc = crc16((uint16_t)product[i], crc);
    for (const char *at = numbers; *at;) crc = crc16(scan_number(&at, counts), crc);
  }
  return crc | counts[INTEGER] << 16;
}
