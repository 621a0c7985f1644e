/* A linked list whose nodes lie far apart: every step is another page. */
#include "bench.h"

#define NODES (1u << 20)
#define STRIDE 611953u /* odd, so that all nodes are visited before one is again */
#define STEPS (1500000u * SCALE)

struct node {
  struct node *next;
  uint32_t value;
};

uint32_t row_list(void) {
  struct node *nodes = (struct node *)HEAP;
  uint32_t at = 0;
  for (uint32_t i = 0; i < NODES; i++) {
    uint32_t following = (at + STRIDE) & (NODES - 1);
    nodes[at].next = &nodes[following];
    nodes[at].value = at;
    at = following;
  }
  uint32_t sum = 0;
  const struct node *node = nodes;
  for (uint32_t i = 0; i < STEPS; i++) {
    sum += node->value;
    node = node->next;
  }
  return sum;
}
