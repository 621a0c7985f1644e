/* Quicksort of random integers: branches that nobody can foresee. */
#include "bench.h"

#define COUNT 200000
#define ROUNDS (3 * SCALE)

/* Recurses into the smaller part and goes on with the larger. */
NOINLINE static void sort(int32_t *items, int low, int high) {
  while (low < high) {
    int32_t pivot = items[low + (high - low) / 2];
    int i = low;
    int j = high;
    while (i <= j) {
      while (items[i] < pivot) i++;
      while (items[j] > pivot) j--;
      if (i > j) break;
      int32_t swapped = items[i];
      items[i++] = items[j];
      items[j--] = swapped;
    }
    if (j - low < high - i) {
      sort(items, low, j);
      low = i;
    } else {
      sort(items, i, high);
      high = j;
    }
  }
}

uint32_t row_qsort(void) {
  int32_t *items = (int32_t *)HEAP;
  uint32_t result = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    uint32_t seed = 3 + round;
    for (int i = 0; i < COUNT; i++) items[i] = (int32_t)next_random(&seed) - (1 << 27);
    sort(items, 0, COUNT - 1);
    for (int i = 0; i < COUNT; i += 997) result = result * 31 + (uint32_t)items[i];
  }
  return result;
}
