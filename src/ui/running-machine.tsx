import { useEffect, useEffectEvent, useRef, useState } from 'react';
import './styles/running-machine.css';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { EndingNotice } from './ending-notice.tsx';
import { HelpDialog } from './help-dialog.tsx';
import type { MachineSession, SessionView } from './machine-session.ts';
import { MachineToolbar } from './machine-toolbar.tsx';
import { MonitorDrawer } from './monitor-drawer.tsx';
import { NoticeList } from './notice-list.tsx';
import { GuestScreen } from './screen/guest-screen.tsx';
import { Views } from './screen/views.tsx';
import { type Command, commandOf } from './shortcuts.ts';
import { SoundControl } from './sound/sound-control.tsx';
import { stateText } from './state-text.ts';
import { StatusLine } from './status-line.tsx';
import { Terminal, type TerminalHandle } from './terminal.tsx';
import { TerminalSearch } from './terminal-search.tsx';

/** What is asked before it is done, because the guest's memory is lost. */
type Question = 'reset' | 'power-off' | 'leave';

export function RunningMachine({ session, view }: { readonly session: MachineSession; readonly view: SessionView }) {
  const [terminal, setTerminal] = useState<TerminalHandle | null>(null);
  const toolbar = useRef<HTMLElement>(null);
  const [question, setQuestion] = useState<Question>();
  const [searching, setSearching] = useState(false);
  const [monitoring, setMonitoring] = useState(false);
  const [helping, setHelping] = useState(false);
  const { phase } = view;
  const state = phase.kind === 'on' ? phase.state : undefined;

  const obey = (command: Command): void => {
    switch (command) {
      case 'pause':
        if (state === 'running') void session.pause();
        else if (state !== undefined) void session.resume();
        break;
      case 'reset':
      case 'power-off':
        if (state !== undefined) setQuestion(command);
        break;
      case 'search':
        setSearching(true);
        break;
      case 'monitor':
        if (monitoring) terminal?.focus();
        setMonitoring(!monitoring);
        break;
      case 'help':
        setHelping(true);
        break;
      case 'focus':
        if (toolbar.current?.contains(document.activeElement)) terminal?.focus();
        else toolbar.current?.querySelector('button')?.focus();
        break;
    }
  };
  const answer = (confirmed: boolean): void => {
    setQuestion(undefined);
    if (confirmed && question === 'reset') void session.reset();
    if (confirmed && question === 'power-off') void session.powerOff();
    if (confirmed && question === 'leave') session.leave();
    // Once the dialog has given the focus back.
    else if (confirmed) setTimeout(() => terminal?.focus());
  };

  const pressed = useEffectEvent((event: KeyboardEvent): void => {
    const command = commandOf(event);
    if (command === undefined || question !== undefined || helping) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) obey(command);
  });
  useEffect(() => {
    // Before the terminal sees it.
    const listener = (event: KeyboardEvent): void => pressed(event);
    window.addEventListener('keydown', listener, { capture: true });
    return () => window.removeEventListener('keydown', listener, { capture: true });
  }, []);

  const isOn = phase.kind === 'on';
  useEffect(() => {
    if (!isOn) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isOn]);

  return (
    <main className="machine">
      <MachineToolbar
        ref={toolbar}
        title={view.title}
        state={state}
        onCommand={obey}
        onLeave={() => (isOn ? setQuestion('leave') : session.leave())}
      />
      <p className="visually-hidden" role="status">
        {stateText(phase)}
      </p>
      <NoticeList notices={view.notices} onDismiss={(id) => session.dismiss(id)} />
      {phase.kind === 'ended' && (
        <EndingNotice
          ending={phase.ending}
          onStartAgain={() => void session.startAgain()}
          onLeave={() => session.leave()}
        />
      )}
      {searching && terminal && (
        <TerminalSearch
          terminal={terminal}
          onClose={() => {
            setSearching(false);
            terminal.focus();
          }}
        />
      )}
      <Views
        views={[
          ...(view.screen === undefined
            ? []
            : [
                {
                  name: 'Screen',
                  content: (
                    <GuestScreen
                      key={view.run}
                      source={view.screen}
                      devices={session.devices}
                      absolute={view.absolutePointer}
                    />
                  ),
                },
              ]),
          {
            name: 'Serial',
            content: (
              <Terminal
                key={view.run}
                ref={setTerminal}
                output={session.output}
                onInput={(bytes) => session.type(bytes)}
              />
            ),
          },
        ]}
      />
      {monitoring && (
        <MonitorDrawer
          execute={(line) => session.monitor(line)}
          onClose={() => {
            setMonitoring(false);
            terminal?.focus();
          }}
        />
      )}
      {view.sound && <SoundControl key={view.run} source={view.sound} />}
      <StatusLine state={state} status={view.status} />
      {question !== undefined && <ConfirmDialog question={question} onAnswer={answer} />}
      {helping && <HelpDialog onClose={() => setHelping(false)} />}
    </main>
  );
}
