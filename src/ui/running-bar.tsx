import { hashOf } from './route.ts';
import { runStateText } from './state-text.ts';
import { useMachine } from './use-machine.ts';

/** On other pages: the machine that goes on meanwhile. */
export function RunningBar() {
  const { view } = useMachine();
  const { phase, id, title } = view;
  if (phase.kind !== 'on' || id === undefined) return null;
  return (
    <p className="running-bar">
      <span className="state-badge" data-state={phase.state}>
        {runStateText(phase.state)}
      </span>
      <a href={hashOf({ page: 'machine', id })}>Back to {title}</a>
    </p>
  );
}
