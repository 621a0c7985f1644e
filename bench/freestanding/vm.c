/* A stack machine interpreted through a switch: indirect jumps that a history tells apart. */
#include "bench.h"

#define ITERATIONS (600000u * SCALE)

enum { PUSH, ADD, SUB, MUL, DUP, SWAP, LOAD, STORE, BRANCH_IF, XOR, SHIFT_LEFT, AND_WITH, STOP };

NOINLINE static uint32_t interpret(const uint8_t *code, uint32_t *variables) {
  uint32_t stack[64];
  uint32_t *top = stack;
  for (const uint8_t *next = code;;) {
    switch (*next++) {
      case PUSH:
        *top++ = *next++;
        break;
      case ADD:
        top--;
        top[-1] += top[0];
        break;
      case SUB:
        top--;
        top[-1] -= top[0];
        break;
      case MUL:
        top--;
        top[-1] *= top[0];
        break;
      case DUP:
        top[0] = top[-1];
        top++;
        break;
      case SWAP: {
        uint32_t swapped = top[-1];
        top[-1] = top[-2];
        top[-2] = swapped;
        break;
      }
      case LOAD:
        *top++ = variables[*next++];
        break;
      case STORE:
        variables[*next++] = *--top;
        break;
      case BRANCH_IF: {
        int8_t distance = (int8_t)*next++;
        if (*--top) next += distance;
        break;
      }
      case XOR:
        top--;
        top[-1] ^= top[0];
        break;
      case SHIFT_LEFT:
        top--;
        top[-1] <<= top[0] & 31;
        break;
      case AND_WITH:
        top[-1] &= *next++;
        break;
      default:
        return variables[1];
    }
  }
}

/* Counts variable 0 down to nothing while 1 to 3 are stirred: 43 bytes back from the branch to the beginning. */
static const uint8_t program[] = {
    LOAD, 1, PUSH, 31, MUL, LOAD, 0, XOR, STORE, 1,
    LOAD, 1, PUSH, 3, SHIFT_LEFT, LOAD, 2, ADD, DUP, AND_WITH, 127, STORE, 3, STORE, 2,
    LOAD, 2, LOAD, 3, SWAP, SUB, STORE, 2,
    LOAD, 0, PUSH, 1, SUB, DUP, STORE, 0, BRANCH_IF, (uint8_t)-43,
    STOP,
};

uint32_t row_vm(void) {
  uint32_t variables[8] = {ITERATIONS, 7, 9, 0};
  uint32_t result = interpret(program, variables);
  return result ^ variables[2];
}
