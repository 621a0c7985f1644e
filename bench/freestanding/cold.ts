/** Writes the C source of many small functions, no two alike and always the same ones. */

const VARIABLES = 'abcd';
const MIN_CALLS = 2;
const MAX_CALLS = 20;

export function coldSource(count: number): string {
  let seed = 12345;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const variable = (): string => VARIABLES.charAt(below(VARIABLES.length));

  const other = (than: string): string => VARIABLES.replace(than, '').charAt(below(VARIABLES.length - 1));

  const statement = (): string => {
    const [v, x] = [variable(), variable()];
    const y = other(x);
    switch (below(9)) {
      case 0:
        return `${v} = ${x} + ${y} * ${below(50) + 3}u;`;
      case 1:
        return `${v} ^= ${x} >> ${below(30) + 1};`;
      case 2:
        return `if (${x} > ${y}) ${v} += ${below(1000)}u; else ${v} = ${y} - ${x};`;
      case 3:
        return `cold_globals[${below(64)}] += ${v};`;
      case 4:
        return `${v} = (${x} << ${below(30) + 1}) | (${y} >> 3);`;
      case 5:
        return `if (${x} & ${1 << below(8)}) ${v} = cold_globals[${below(64)}] - ${y};`;
      case 6:
        return `${v} += cold_globals[(${x} >> ${below(20)}) & 63];`;
      case 7:
        return `if (${x} == ${y}) ${v} *= ${below(99) + 3}u;`;
      default:
        return `${v} -= ${x} & ${y};`;
    }
  };
  const body = (): string => Array.from({ length: 4 + below(8) }, statement).join('\n  ');
  const numbers = Array.from({ length: count }, (_, i) => i);
  const functions = numbers.map(
    (i) => `NOINLINE static uint32_t f${i}(uint32_t a, uint32_t b) {
  uint32_t c = ${below(1e9)}u;
  uint32_t d = a ^ b;
  ${body()}
  return a + b * 3 + c * 5 + d * 7;
}
`,
  );
  const calls = numbers.map(() => MIN_CALLS + below(MAX_CALLS - MIN_CALLS + 1));
  return `#include "cold.h"

${functions.join('\n')}
uint32_t (*const cold_functions[])(uint32_t, uint32_t) = {${numbers.map((i) => `f${i}`).join(', ')}};
const uint8_t cold_calls[] = {${calls.join(', ')}};
const uint32_t cold_count = ${count};
`;
}
