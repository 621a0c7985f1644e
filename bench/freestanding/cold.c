/* Code that runs a few times only, as most code of a system does. The functions are written by bench/freestanding/cold.ts. */
#include "cold.h"

volatile uint32_t cold_globals[64];

uint32_t row_cold(void) {
  uint32_t result = 1;
  for (uint32_t i = 0; i < 64; i++) cold_globals[i] = i * 77;
  for (uint32_t pass = 0; pass < COLD_MAX_CALLS; pass++) {
    for (uint32_t i = 0; i < cold_count; i++) {
      if (pass < cold_calls[i]) result = result * 5 + cold_functions[i](result, i);
    }
  }
  return result;
}
