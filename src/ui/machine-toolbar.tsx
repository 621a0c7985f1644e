import type { Ref } from 'react';
import type { RunState } from '../vm/api.ts';
import { Icon, type IconName } from './icon.tsx';
import { type Command, keysOf } from './shortcuts.ts';
import { runStateText } from './state-text.ts';

interface MachineToolbarProps {
  readonly ref: Ref<HTMLElement>;
  readonly title: string;
  /** Undefined once the machine is off. */
  readonly state: RunState | undefined;
  onCommand(command: Command): void;
  /** Back to the start screen. */
  onLeave(): void;
}

export function MachineToolbar({ ref, title, state, onCommand, onLeave }: MachineToolbarProps) {
  const off = state === undefined;
  const button = (command: Command, icon: IconName, label: string, disabled = false) => (
    <button
      type="button"
      className="tool"
      aria-label={label}
      title={`${label} (${keysOf(command)})`}
      aria-keyshortcuts={keysOf(command).replace('Ctrl', 'Control')}
      disabled={disabled}
      onClick={() => onCommand(command)}
    >
      <Icon name={icon} />
      <span className="tool-label" aria-hidden="true">
        {label}
      </span>
    </button>
  );
  return (
    <header className="toolbar" ref={ref}>
      <button type="button" className="tool" aria-label="Machines" title="Back to the machines" onClick={onLeave}>
        <Icon name="back" />
      </button>
      <h1 className="toolbar-title">{title}</h1>
      <span className="state-badge" data-state={state ?? 'off'} aria-hidden="true">
        {runStateText(state)}
      </span>
      <div className="toolbar-group" role="toolbar" aria-label="Machine">
        {state === 'running' || off
          ? button('pause', 'pause', 'Pause', off)
          : button('pause', 'resume', 'Resume', state === 'shutdown' || state === 'internal-error')}
        {button('reset', 'reset', 'Reset', off)}
        {button('power-off', 'power', 'Power off', off)}
      </div>
      <div className="toolbar-group" role="toolbar" aria-label="View">
        {button('search', 'search', 'Search')}
        {button('monitor', 'monitor', 'Monitor', off)}
        {button('help', 'help', 'Help')}
      </div>
    </header>
  );
}
