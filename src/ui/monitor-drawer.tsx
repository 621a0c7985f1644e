import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { ToolButton } from './tool-button.tsx';
import { useFocusWhenShown } from './use-focus-when-shown.ts';

interface MonitorDrawerProps {
  execute(line: string): Promise<string>;
  onClose(): void;
}

const MAX_TRANSCRIPT = 200_000;

/** The human monitor: commands as in QEMU, beside the guest's console. */
export function MonitorDrawer({ execute, onClose }: MonitorDrawerProps) {
  const [transcript, setTranscript] = useState("Type 'help' for the commands.\n");
  const [line, setLine] = useState('');
  const history = useRef<string[]>([]);
  const recalled = useRef(0);
  const output = useRef<HTMLPreElement>(null);
  const input = useFocusWhenShown<HTMLInputElement>();

  // biome-ignore lint/correctness/useExhaustiveDependencies: new text is what it scrolls to
  useEffect(() => {
    output.current?.scrollTo({ top: output.current.scrollHeight });
  }, [transcript]);

  const print = (text: string): void => setTranscript((before) => (before + text).slice(-MAX_TRANSCRIPT));
  const submit = async (): Promise<void> => {
    const command = line.trim();
    setLine('');
    print(`(lockstep) ${command}\n`);
    if (command === '') return;
    history.current.push(command);
    recalled.current = history.current.length;
    print(await execute(command));
  };
  const recall = (step: number): void => {
    recalled.current = Math.min(Math.max(recalled.current + step, 0), history.current.length);
    setLine(history.current[recalled.current] ?? '');
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') onClose();
    else if (event.key === 'ArrowUp') recall(-1);
    else if (event.key === 'ArrowDown') recall(1);
    else return;
    event.preventDefault();
  };

  return (
    <section className="monitor" aria-label="Monitor">
      <div className="monitor-close">
        <ToolButton icon="close" label="Close the monitor" onPress={onClose} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <pre ref={output} role="log" aria-label="Monitor output" tabIndex={0}>
        {transcript}
      </pre>
      <form
        className="monitor-prompt"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label htmlFor="monitor-line">(lockstep)</label>
        <input
          id="monitor-line"
          aria-label="Monitor command"
          value={line}
          ref={input}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={({ target }) => setLine(target.value)}
          onKeyDown={pressed}
        />
      </form>
    </section>
  );
}
