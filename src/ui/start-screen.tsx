import { type FormEvent, useState } from 'react';
import './styles/start-screen.css';
import { argumentsOf, shellText } from './command-line.ts';
import { CommandLinePreview } from './command-line-preview.tsx';
import { sortDropped } from './dropped-files.ts';
import { FileSlot } from './file-slot.tsx';
import { findRom, type GuestFile, loadFiles } from './guest-choice.ts';
import { LoadingPanel } from './loading-panel.tsx';
import { MachineCardChoice } from './machine-card.tsx';
import type { MachineSession, SessionView } from './machine-session.ts';
import { cardById, machineCards } from './machines.ts';
import { Masthead } from './masthead.tsx';
import { RamChoice } from './ram-choice.tsx';
import { defaultSettings } from './settings.ts';
import { TroubleNotice } from './trouble-notice.tsx';
import { useFileDrop } from './use-file-drop.ts';
import { useRomIndex } from './use-rom-index.ts';
import { useSettings } from './use-settings.ts';

/** Files that the person brought; they outlive a machine, so that it can be started again with them. */
interface OwnFiles {
  readonly kernel?: File;
  readonly initrd?: File;
}
let rememberedFiles: OwnFiles = {};

/** The command line tells files apart by name; two of the same name may come from different folders. */
function namesOf(kernelName: string | undefined, initrdName: string | undefined) {
  const clash = initrdName !== undefined && initrdName === kernelName;
  return { kernelName, initrdName: clash ? `initrd-${initrdName}` : initrdName };
}

export function StartScreen({ session, view }: { readonly session: MachineSession; readonly view: SessionView }) {
  const [stored, change] = useSettings();
  const settings = stored ?? defaultSettings;
  const roms = useRomIndex();
  const [own, setOwn] = useState(rememberedFiles);
  const chooseFiles = (files: OwnFiles): void => {
    rememberedFiles = files;
    setOwn(files);
  };
  const loading = view.phase.kind === 'loading' ? view.phase : undefined;

  const dragging = useFileDrop((files) => {
    if (loading) return;
    void sortDropped(files, { kernel: own.kernel !== undefined }).then((sorted) => {
      chooseFiles({ ...own, ...sorted });
      change({ card: 'own' });
    });
  });

  const card = cardById(settings.card);
  const append = settings.append[card.id] ?? card.append;
  const kernel: GuestFile | undefined = card.guest ? findRom(roms, card.guest.kernel) : own.kernel;
  const initrd: GuestFile | undefined = card.guest ? findRom(roms, card.guest.initrd) : own.initrd;
  const names = namesOf(card.guest?.kernel ?? kernel?.name, card.guest?.initrd ?? initrd?.name);
  const args = argumentsOf({ card, ramMiB: settings.ramMiB, append, ...names });
  const guestMissing = card.guest !== undefined && roms?.length === 0;

  const start = (event: FormEvent): void => {
    event.preventDefault();
    if (kernel === undefined) return;
    const files = new Map<string, GuestFile>();
    if (names.kernelName !== undefined) files.set(names.kernelName, kernel);
    if (names.initrdName !== undefined && initrd !== undefined) files.set(names.initrdName, initrd);
    void session.start({ title: card.title, args, load: loadFiles(files) });
  };

  return (
    <main className="start" data-dragging={dragging}>
      <Masthead />
      <form className="start-form" onSubmit={start}>
        <fieldset className="cards" disabled={loading !== undefined}>
          <legend>Machine</legend>
          {machineCards.map((offered) => (
            <MachineCardChoice
              key={offered.id}
              card={offered}
              kernel={offered.guest && findRom(roms, offered.guest.kernel)}
              checked={offered.id === card.id}
              onChoose={() => change({ card: offered.id })}
            />
          ))}
        </fieldset>

        <div className="sheet">
          {card.id === 'own' && (
            <fieldset className="sheet-row" disabled={loading !== undefined}>
              <legend>Files</legend>
              <FileSlot
                label="Kernel"
                file={own.kernel}
                onFile={(file) => chooseFiles({ ...own, ...(file && { kernel: file }) })}
              />
              <FileSlot
                label="Initial RAM disk"
                file={own.initrd}
                onFile={(file) =>
                  chooseFiles({ ...(own.kernel && { kernel: own.kernel }), ...(file && { initrd: file }) })
                }
                removable
              />
            </fieldset>
          )}
          <RamChoice
            value={settings.ramMiB}
            disabled={loading !== undefined}
            onChoose={(ramMiB) => change({ ramMiB })}
          />
          <div className="sheet-row">
            <label htmlFor="append">Kernel command line</label>
            <input
              id="append"
              type="text"
              value={append}
              disabled={loading !== undefined}
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
              onChange={({ target }) => change({ append: { ...settings.append, [card.id]: target.value } })}
            />
          </div>
          <CommandLinePreview text={shellText(args)} />
          {view.trouble && <TroubleNotice trouble={view.trouble} />}
          {guestMissing && (
            <TroubleNotice
              trouble={{
                message: 'The default guest is not on this server.',
                hint: "Run 'npm run roms' where the page is served and reload, or drop a kernel of your own here.",
              }}
            />
          )}
          {loading ? (
            <LoadingPanel downloads={loading.downloads} onCancel={() => session.leave()} />
          ) : (
            <div className="sheet-actions">
              <button type="submit" className="button button-primary" disabled={kernel === undefined}>
                Start
              </button>
              <p>
                {card.id === 'own' && kernel === undefined
                  ? 'Choose a kernel first, or drop one anywhere on this page.'
                  : 'A kernel of your own? Drop it anywhere on this page, with its initrd.'}
              </p>
            </div>
          )}
        </div>
      </form>
      <div className="drop-veil" aria-hidden="true">
        <p>Drop a kernel, an initrd, or both</p>
      </div>
    </main>
  );
}
