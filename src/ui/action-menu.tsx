import { Menu } from '@base-ui/react/menu';
import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

export interface MenuAction {
  readonly label: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  run(): void;
}

interface ActionMenuProps {
  readonly label: string;
  readonly trigger: ReactNode;
  readonly className: string;
  /** Undefined among them draws a line. */
  readonly actions: readonly (MenuAction | undefined)[];
}

/** A button that opens a menu: arrow keys, type-ahead, Escape and the focus are Base UI's business. */
export function ActionMenu({ label, trigger, className, actions }: ActionMenuProps) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className={className} aria-label={label} title={label}>
        {trigger}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-place" sideOffset={4} align="end">
          <Menu.Popup className="menu">
            {actions.map((action, index) =>
              action === undefined ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines are alike and stay where they are
                <Menu.Separator key={index} className="menu-line" />
              ) : (
                <Menu.Item
                  key={action.label}
                  className="menu-item"
                  data-danger={action.danger}
                  disabled={action.disabled}
                  onClick={() => action.run()}
                >
                  <Icon name={action.icon} />
                  {action.label}
                </Menu.Item>
              ),
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
