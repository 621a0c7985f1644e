/** What a comparison found, as text. */
import type { Outcome } from './compare.ts';
import type { Finding } from './locate.ts';
import type { Listing } from './rig.ts';
import type { Difference } from './state.ts';

type Different = Extract<Outcome, { kind: 'different' }>;

const section = (title: string, body: string | undefined): string =>
  body === undefined ? '' : `\n--- ${title}\n${body.trimEnd()}\n`;

function differencesText(differences: readonly Difference[], left: string, right: string): string {
  return differences.map((d) => `${d.what}\n  ${left}: ${d.left}\n  ${right}: ${d.right}`).join('\n');
}

function listingText(reference: Listing, suspect: Listing, left: string, right: string): string {
  const same = reference.ir === suspect.ir;
  return [
    section('guest code', reference.guest),
    section(same ? 'IR' : `IR, ${left}`, reference.ir),
    same ? '' : section(`IR, ${right}`, suspect.ir),
    section(`IR after the passes, ${right}`, suspect.optimised),
    section(`bytecode, ${right}`, suspect.bytecode),
    section(`wasm, ${right}`, suspect.wasm),
  ].join('');
}

/** The report on a difference. */
export function describeFinding(outcome: Different, finding: Finding): string {
  const [left, right] = [outcome.reference.name, outcome.suspect.name];
  const from = outcome.boundaries.at(-1) ?? 0;
  const head = `${left} and ${right} are equal after ${from} instructions, and differ after ${outcome.to}.\n`;
  const differences = section('differences', differencesText(finding.differences, left, right));
  if (finding.kind === 'slice') {
    return [
      head,
      `No block differs when it is run by itself; the shortest run that does ends after ${finding.to} instructions.\n`,
      differences,
      section('blocks on the way, the last one last', finding.path.join('')),
    ].join('');
  }
  const first = finding.reference.guest.split('\n')[0];
  const what =
    finding.kind === 'instruction'
      ? `The instruction after ${finding.executed} is run differently: ${first}\n`
      : `The block after ${finding.executed} is run differently as a whole; each of its instructions alone is not.\n`;
  return [
    head,
    what,
    differences,
    section('registers before', finding.registers),
    listingText(finding.reference, finding.suspect, left, right),
  ].join('');
}
