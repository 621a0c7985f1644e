import type { Ref } from 'react';
import type { RunState } from '../vm/api.ts';
import { ActionMenu, type MenuAction } from './action-menu.tsx';
import { Icon, type IconName } from './icon.tsx';
import type { Command } from './shortcuts.ts';
import { runStateText } from './state-text.ts';
import { ToolButton } from './tool-button.tsx';

interface MachineToolbarProps {
  readonly ref: Ref<HTMLElement>;
  readonly title: string;
  /** Undefined once the machine is off. */
  readonly state: RunState | undefined;
  /** What is asked for less often. */
  readonly more: readonly (MenuAction | undefined)[];
  onCommand(command: Command): void;
  /** Back to the library. */
  onLeave(): void;
}

export function MachineToolbar({ ref, title, state, more, onCommand, onLeave }: MachineToolbarProps) {
  const off = state === undefined;
  const stuck = state === 'shutdown' || state === 'internal-error';
  const button = (command: Command, icon: IconName, label: string, disabled = false) => (
    <ToolButton
      icon={icon}
      label={label}
      command={command}
      labelled
      disabled={disabled}
      onPress={() => onCommand(command)}
    />
  );
  return (
    <header className="toolbar" ref={ref}>
      <ToolButton icon="back" label="Machines" onPress={onLeave} />
      <h1 className="toolbar-title">{title}</h1>
      <span className="state-badge" data-state={state ?? 'off'} aria-hidden="true">
        {runStateText(state)}
      </span>
      <div className="toolbar-group" role="toolbar" aria-label="Machine">
        {state === 'running' || off
          ? button('pause', 'pause', 'Pause', off)
          : button('pause', 'resume', 'Resume', stuck)}
        {button('reset', 'reset', 'Reset', off)}
        {button('power-off', 'power', 'Power off', off)}
        {button('media', 'media', 'Media', off)}
      </div>
      <div className="toolbar-group" role="toolbar" aria-label="View">
        {button('fullscreen', 'fullscreen', 'Full screen')}
        {button('search', 'search', 'Search')}
        {button('monitor', 'monitor', 'Monitor', off)}
        {button('help', 'help', 'Help')}
        <ActionMenu label="More" className="tool" trigger={<Icon name="more" />} actions={more} />
      </div>
    </header>
  );
}
