import { useEffect, useEffectEvent, useRef, useState } from 'react';
import './styles/running-machine.css';
import type { MenuAction } from './action-menu.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { EndingNotice } from './ending-notice.tsx';
import { HelpDialog } from './help-dialog.tsx';
import type { MachineSession, SessionView } from './machine-session.ts';
import { keepThumbnail } from './machine-thumbnail.ts';
import { MachineToolbar } from './machine-toolbar.tsx';
import { MediaDialog } from './media-dialog.tsx';
import { MonitorDrawer } from './monitor-drawer.tsx';
import { NoticeList } from './notice-list.tsx';
import { home } from './route.ts';
import { GuestScreen } from './screen/guest-screen.tsx';
import type { PainterClient } from './screen/painter-client.ts';
import { Views } from './screen/views.tsx';
import { changeSettings, scalings, scalingTexts } from './settings.ts';
import { type Command, commandOf } from './shortcuts.ts';
import { SoundControl } from './sound/sound-control.tsx';
import { stateText } from './state-text.ts';
import { StatusLine } from './status-line.tsx';
import { Terminal, type TerminalHandle } from './terminal.tsx';
import { TerminalSearch } from './terminal-search.tsx';
import { useDocumentTitle } from './use-document-title.ts';
import { go } from './use-route.ts';
import { useSettings } from './use-settings.ts';

/** What is asked before it is done, because the guest's memory is lost. */
const questions = {
  reset: { title: 'Reset the machine?', action: 'Reset' },
  'power-off': { title: 'Power the machine off?', action: 'Power off' },
} as const;

interface RunningMachineProps {
  readonly session: MachineSession;
  readonly view: SessionView;
  /** False: another page is on view and the machine goes on behind it, its terminal as it is. */
  readonly shown: boolean;
}

export function RunningMachine({ session, view, shown }: RunningMachineProps) {
  const [terminal, setTerminal] = useState<TerminalHandle | null>(null);
  const [surface, setSurface] = useState<HTMLElement | null>(null);
  const painter = useRef<PainterClient | undefined>(undefined);
  const place = useRef<HTMLElement>(null);
  const toolbar = useRef<HTMLElement>(null);
  const [question, setQuestion] = useState<keyof typeof questions>();
  const [searching, setSearching] = useState(false);
  const [monitoring, setMonitoring] = useState(false);
  const [helping, setHelping] = useState(false);
  const [changingMedia, setChangingMedia] = useState(false);
  const { phase } = view;
  const state = phase.kind === 'on' ? phase.state : undefined;
  const { confirm, fontSize, scaling, smooth } = useSettings();
  const focusGuest = (): void => (surface ?? terminal)?.focus();
  useDocumentTitle(shown ? view.title : undefined, shown);

  const obey = (command: Command): void => {
    switch (command) {
      case 'pause':
        if (state === 'running') void session.pause();
        else if (state !== undefined) void session.resume();
        break;
      case 'reset':
      case 'power-off':
        if (state === undefined) break;
        if (confirm) setQuestion(command);
        else void (command === 'reset' ? session.reset() : session.powerOff());
        break;
      case 'fullscreen':
        if (document.fullscreenElement) void document.exitFullscreen();
        else void enterFullScreen(place.current);
        break;
      case 'media':
        if (state !== undefined) setChangingMedia(true);
        break;
      case 'search':
        setSearching(true);
        break;
      case 'monitor':
        if (monitoring) focusGuest();
        setMonitoring(!monitoring);
        break;
      case 'help':
        setHelping(true);
        break;
      case 'focus':
        if (toolbar.current?.contains(document.activeElement)) focusGuest();
        else toolbar.current?.querySelector('button')?.focus();
        break;
    }
  };
  const answer = (confirmed: boolean): void => {
    setQuestion(undefined);
    if (confirmed && question === 'reset') void session.reset();
    if (confirmed && question === 'power-off') void session.powerOff();
    // Once the dialog has given the focus back.
    if (confirmed) setTimeout(() => focusGuest());
  };

  const pressed = useEffectEvent((event: KeyboardEvent): void => {
    const command = commandOf(event);
    if (!shown || command === undefined || question !== undefined || helping || changingMedia) return;
    if (command === 'search' && surface?.contains(document.activeElement)) return; // the guest has a Ctrl+F of its own
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

  /** To the library: a machine that is on goes on. */
  const leave = (): void => {
    if (!isOn) session.leave();
    go(home);
  };

  const isOn = phase.kind === 'on';
  useEffect(() => {
    if (!isOn) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isOn]);

  useEffect(() => surface?.focus(), [surface]);
  useThumbnails(view.id, isOn, {
    terminal,
    screenshot: view.screen === undefined ? undefined : async () => painter.current?.screenshot(),
  });

  return (
    <main
      className="machine"
      ref={place}
      data-shown={shown}
      inert={!shown}
      style={{ '--console-size': `${fontSize}px` }}
    >
      <MachineToolbar
        ref={toolbar}
        title={view.title}
        state={state}
        more={[
          {
            label: 'Press the power button',
            icon: 'power',
            disabled: state === undefined,
            run: () => void session.powerButton(),
          },
          undefined,
          ...scalings.map(
            (way): MenuAction => ({
              label: `Screen: ${scalingTexts[way].toLowerCase()}${way === scaling ? ' (now)' : ''}`,
              icon: 'scaling',
              disabled: view.screen === undefined,
              run: () => changeSettings({ scaling: way }),
            }),
          ),
          undefined,
          {
            label: 'Edit the machine',
            icon: 'edit',
            disabled: view.id === undefined,
            run: () => view.id !== undefined && go({ page: 'edit', id: view.id }),
          },
          { label: 'Settings', icon: 'settings', run: () => go({ page: 'settings' }) },
        ]}
        onCommand={obey}
        onLeave={leave}
      />
      <p className="visually-hidden" role="status">
        {stateText(phase)}
      </p>
      <NoticeList notices={view.notices} onDismiss={(id) => session.dismiss(id)} />
      {phase.kind === 'ended' && (
        <EndingNotice ending={phase.ending} onStartAgain={() => void session.startAgain()} onLeave={leave} />
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
                      scaling={scaling}
                      smooth={smooth}
                      onSurface={setSurface}
                      onPainter={(made) => {
                        painter.current = made;
                      }}
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
            focusGuest();
          }}
        />
      )}
      {view.sound && <SoundControl key={view.run} source={view.sound} />}
      <StatusLine state={state} status={view.status} />
      {question !== undefined && <ConfirmDialog {...questions[question]} onAnswer={answer} />}
      {changingMedia && <MediaDialog session={session} onClose={() => setChangingMedia(false)} />}
      {helping && <HelpDialog onClose={() => setHelping(false)} />}
    </main>
  );
}

/** Chrome and Edge hand the keys that they keep for themselves to the guest then. */
async function enterFullScreen(element: HTMLElement | null): Promise<void> {
  try {
    await element?.requestFullscreen();
    await (navigator as KeyboardLockNavigator).keyboard?.lock?.();
  } catch {
    // refused: the page stays as it is
  }
}

interface KeyboardLockNavigator extends Navigator {
  readonly keyboard?: { lock?(): Promise<void> };
}

/** A machine that is closed with its tab leaves a picture that is not older than this. */
const THUMBNAIL_INTERVAL_MS = 15_000;

interface Look {
  readonly terminal: TerminalHandle | null;
  readonly screenshot: (() => Promise<Blob | undefined>) | undefined;
}

/** Keeps how the machine looks: now and then, when the tab is left, and at its end. */
function useThumbnails(id: string | undefined, isOn: boolean, { terminal, screenshot }: Look): void {
  const keep = useEffectEvent(async (): Promise<void> => {
    if (id === undefined) return;
    const image = await screenshot?.().catch(() => undefined);
    if (image) await keepThumbnail(id, { screenshot: async () => image });
    else if (screenshot === undefined && terminal) await keepThumbnail(id, { lines: () => terminal.lines() });
  });
  useEffect(() => {
    if (!isOn) return;
    const hidden = (): void => void (document.hidden && keep());
    const timer = setInterval(() => void keep(), THUMBNAIL_INTERVAL_MS);
    document.addEventListener('visibilitychange', hidden);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', hidden);
      void keep();
    };
  }, [isOn]);
}
