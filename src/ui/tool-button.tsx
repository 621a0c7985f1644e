import { Icon, type IconName } from './icon.tsx';
import { type Command, keysOf } from './shortcuts.ts';

interface ToolButtonProps {
  readonly icon: IconName;
  readonly label: string;
  /** The command whose shortcut does the same. */
  readonly command?: Command;
  /** Writes the label beside the icon, where there is room. */
  readonly labelled?: boolean;
  readonly disabled?: boolean;
  onPress(): void;
}

/** A button drawn as an icon. Pressed with a mouse it does not take the focus from the terminal: one can type on. */
export function ToolButton({ icon, label, command, labelled = false, disabled = false, onPress }: ToolButtonProps) {
  const keys = command && keysOf(command);
  return (
    <button
      type="button"
      className="tool"
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      aria-keyshortcuts={keys?.replace('Ctrl', 'Control')}
      disabled={disabled}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      <Icon name={icon} />
      {labelled && (
        <span className="tool-label" aria-hidden="true">
          {label}
        </span>
      )}
    </button>
  );
}
