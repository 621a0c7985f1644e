#ifndef COLD_H
#define COLD_H

#include "bench.h"

#define COLD_MAX_CALLS 20

extern volatile uint32_t cold_globals[64];
extern uint32_t (*const cold_functions[])(uint32_t, uint32_t);
extern const uint8_t cold_calls[];
extern const uint32_t cold_count;

#endif
