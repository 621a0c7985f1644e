import type { RunState, VmStatus } from '../vm/api.ts';
import { bytesText, countText, guestTimeText, mipsText, percentText } from './format.ts';
import { runStateText } from './state-text.ts';

/** Where the host's time goes, in the order of the bar. */
const shares: readonly (readonly [keyof VmStatus['share'], label: string])[] = [
  ['jit', 'JIT'],
  ['interpreter', 'interpreter'],
  ['translation', 'translation'],
  ['devices', 'devices'],
  ['idle', 'idle'],
];

interface StatusLineProps {
  readonly state: RunState | undefined;
  /** Undefined until the first figures come. */
  readonly status: VmStatus | undefined;
}

/** The figures of the machine, four times a second; not announced, but there to be read. */
export function StatusLine({ state, status }: StatusLineProps) {
  const running = state === 'running';
  return (
    <footer className="status">
      <dl>
        <div data-figure="state">
          <dt className="visually-hidden">State</dt>
          <dd>{runStateText(state)}</dd>
        </div>
        {status && (
          <>
            <Figure label="Guest time" value={guestTimeText(status.guestNs)} />
            <Figure label="MIPS" value={running ? mipsText(status.mips) : '0'} />
            <Figure label="Instructions" value={countText(status.instructions)} />
            <div className="status-shares">
              <dt className="visually-hidden">Host time</dt>
              <dd>
                <span className="share-bar" aria-hidden="true">
                  {shares.map(([key]) => (
                    <span key={key} data-share={key} style={{ flexGrow: running ? status.share[key] : 0 }} />
                  ))}
                </span>
                {shares.map(([key, label]) => (
                  <span key={key} className="share" data-share={key}>
                    {label} {percentText(running ? status.share[key] : 0)}
                  </span>
                ))}
              </dd>
            </div>
            <Figure label="RAM" value={bytesText(status.ramBytes)} />
            <Figure label="Engine" value={bytesText(status.engineBytes)} />
          </>
        )}
      </dl>
    </footer>
  );
}

function Figure({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div data-figure={label.toLowerCase().replace(' ', '-')}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
