/** Short words about what was done, with a way to undo it. */
import { Toast } from '@base-ui/react/toast';
import { Icon } from './icon.tsx';

const manager = Toast.createToastManager();

/** An undo is offered for a while; the trash of the storage page has it for longer. */
const UNDO_MS = 10_000;

export function toast(title: string, action?: { readonly label: string; run(): void }): void {
  const id = manager.add({
    title,
    ...(action && {
      timeout: UNDO_MS,
      actionProps: {
        children: action.label,
        onClick() {
          action.run();
          manager.close(id);
        },
      },
    }),
  });
}

/** For what went wrong: stays until it is dismissed. */
export function troubleToast(title: string, description: string): void {
  manager.add({ title, description, type: 'trouble', timeout: 0, priority: 'high' });
}

export function Toasts() {
  return (
    <Toast.Provider toastManager={manager}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function ToastList() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((shown) => (
    <Toast.Root key={shown.id} toast={shown} className="toast" data-kind={shown.type}>
      <div className="toast-text">
        <Toast.Title className="toast-title" />
        <Toast.Description className="toast-description" />
      </div>
      <Toast.Action className="button" />
      <Toast.Close className="tool" aria-label="Dismiss">
        <Icon name="close" />
      </Toast.Close>
    </Toast.Root>
  ));
}
