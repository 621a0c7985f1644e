/* Runs the rows, with a marker on the first serial line before and after each; the host takes the time. */
#include "bench.h"

#define COM1 0x3F8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

static inline void outb(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

static void put_char(char c) {
  while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY)) {
  }
  outb(COM1, (uint8_t)c);
}

static void put(const char *text) {
  while (*text) put_char(*text++);
}

static void put_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) put_char("0123456789abcdef"[(value >> shift) & 15]);
}

/* The compiler may call these for structures. */
void *memcpy(void *to, const void *from, size_t size) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}

void *memset(void *to, int byte, size_t size) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(byte) : "memory");
  return result;
}

void bench_main(void) {
  for (unsigned i = 0; i < row_count; i++) {
    put("@start ");
    put(rows[i].name);
    put("\n");
    uint32_t value = rows[i].run();
    put("@end ");
    put(rows[i].name);
    put(" ");
    put_hex(value);
    put("\n");
  }
  put("@done\n");
}
