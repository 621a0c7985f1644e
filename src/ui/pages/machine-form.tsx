import { type FormEvent, useId, useState } from 'react';
import { CommandLinePreview } from '../command-line-preview.tsx';
import { galleryEntries } from '../gallery/entries.ts';
import { argumentsFor } from '../launch.ts';
import { library } from '../library/library-store.ts';
import { defaultSpec, type MachineSpec, shellText } from '../library/machine-spec.ts';
import type { MachineRecord } from '../library/records.ts';
import { hashOf } from '../route.ts';
import { settings } from '../settings.ts';
import { startMachine } from '../starting.ts';
import { TroubleNotice } from '../trouble-notice.tsx';
import { useDocumentTitle } from '../use-document-title.ts';
import { useLibrary } from '../use-library.ts';
import { goInstead } from '../use-route.ts';
import { catalogue, problemOf } from './check-arguments.ts';
import { DriveList } from './drive-list.tsx';
import { FilePicker } from './file-picker.tsx';

interface MachineFormProps {
  /** The machine to change; a new one without. */
  readonly id?: string;
  /** The gallery's entry to begin a new one with. */
  readonly from?: string | undefined;
}

/** Memory to choose from with one click, MiB. */
const ramChoices: readonly number[] = [32, 64, 128, 256, 512, 1024];

const bootOrders: readonly (readonly [order: string, text: string])[] = [
  ['', 'As the firmware likes'],
  ['c', 'Hard disk'],
  ['d', 'CD'],
  ['a', 'Floppy'],
  ['dc', 'CD, then hard disk'],
  ['ac', 'Floppy, then hard disk'],
  ['n', 'Network'],
];

const displayTexts = {
  std: 'Screen (standard VGA)',
  cirrus: 'Screen (Cirrus)',
  serial: 'Serial console only',
} as const;

/** A machine's choices; the command line that says the same is shown, and the real parser says what is wrong with it. */
export default function MachineForm({ id, from }: MachineFormProps) {
  const { ready } = useLibrary();
  if (!ready) return null;
  const machine = id === undefined ? undefined : library.machine(id);
  if (id !== undefined && machine === undefined) {
    return (
      <div className="claim">
        <h1>No such machine</h1>
        <p>
          <a href="#/">To the machines</a>
        </p>
      </div>
    );
  }
  const entry = galleryEntries.find((candidate) => candidate.id === from);
  const initial = machine ?? {
    name: entry?.title ?? 'New machine',
    spec: entry?.spec ?? { ...defaultSpec, ramMiB: settings().ramMiB },
  };
  return <FormOf machine={machine} initial={initial} {...(entry && { gallery: entry.id })} />;
}

interface FormOfProps {
  readonly machine: MachineRecord | undefined;
  readonly initial: { readonly name: string; readonly spec: MachineSpec };
  readonly gallery?: string;
}

function FormOf({ machine, initial, gallery }: FormOfProps) {
  const [name, setName] = useState(initial.name);
  const [spec, setSpec] = useState(initial.spec);
  const form = useId();
  const change = (part: Partial<MachineSpec>): void => setSpec({ ...spec, ...part });
  useDocumentTitle(machine === undefined ? 'New machine' : `Edit ${machine.name}`);
  const args = argumentsFor(spec);
  const problem = problemOf(args);

  const save = async (): Promise<MachineRecord> => {
    const cleaned = name.trim() === '' ? initial.name : name.trim();
    if (machine === undefined) return library.addMachine(cleaned, spec, gallery);
    await library.changeMachine(machine.id, { name: cleaned, spec });
    return { ...machine, name: cleaned, spec };
  };
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const submitter = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const saved = await save();
    if (submitter?.value === 'save') goInstead({ page: 'home' });
    else startMachine(saved);
  };

  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <div className="section-head">
        <h1>{machine === undefined ? 'New machine' : `Edit ${machine.name}`}</h1>
      </div>
      <div className="form-columns">
        <div className="form-fields">
          <div className="field">
            <label htmlFor={`${form}-name`}>Name</label>
            <input
              id={`${form}-name`}
              type="text"
              value={name}
              maxLength={80}
              onChange={({ target }) => setName(target.value)}
            />
          </div>
          <div className="field-pair">
            <div className="field">
              <label htmlFor={`${form}-board`}>Machine</label>
              <select
                id={`${form}-board`}
                value={spec.board}
                onChange={({ target }) => change({ board: target.value })}
              >
                {catalogue.machines.map((board) => (
                  <option key={board.name} value={board.name}>
                    {board.name}: {board.description}
                  </option>
                ))}
              </select>
            </div>
            <div className="field">
              <label htmlFor={`${form}-cpu`}>Processor</label>
              <select id={`${form}-cpu`} value={spec.cpu} onChange={({ target }) => change({ cpu: target.value })}>
                <option value="">What the machine comes with</option>
                {catalogue.cpus.map((cpu) => (
                  <option key={cpu.name} value={cpu.name}>
                    {cpu.name}
                  </option>
                ))}
              </select>
            </div>
          </div>
          <fieldset className="field">
            <legend>Memory, MiB</legend>
            <div className="segments">
              {ramChoices.map((size) => (
                <label key={size} className="segment">
                  <input
                    type="radio"
                    name={`${form}-ram`}
                    checked={size === spec.ramMiB}
                    onChange={() => change({ ramMiB: size })}
                  />
                  <span>{size}</span>
                </label>
              ))}
            </div>
            <label className="other-size">
              or{' '}
              <input
                type="number"
                aria-label="Memory in MiB"
                min={1}
                max={2047}
                value={spec.ramMiB}
                onChange={({ target }) => change({ ramMiB: Math.max(0, Math.round(Number(target.value))) })}
              />{' '}
              MiB
            </label>
          </fieldset>
          <fieldset className="field">
            <legend>Display</legend>
            <div className="radios">
              {(['std', 'cirrus', 'serial'] as const).map((display) => (
                <label key={display}>
                  <input
                    type="radio"
                    name={`${form}-display`}
                    checked={display === spec.display}
                    onChange={() => change({ display })}
                  />{' '}
                  {displayTexts[display]}
                </label>
              ))}
            </div>
          </fieldset>
          <DriveList drives={spec.drives} onChange={(drives) => change({ drives })} />
          <div className="field-pair">
            <div className="field">
              <label htmlFor={`${form}-boot`}>Start from</label>
              <select
                id={`${form}-boot`}
                value={spec.bootOrder}
                onChange={({ target }) => change({ bootOrder: target.value })}
              >
                {bootOrders.map(([order, text]) => (
                  <option key={order} value={order}>
                    {text}
                  </option>
                ))}
                {bootOrders.every(([order]) => order !== spec.bootOrder) && (
                  <option value={spec.bootOrder}>{spec.bootOrder}</option>
                )}
              </select>
            </div>
            <div className="field switch">
              <input
                id={`${form}-menu`}
                type="checkbox"
                checked={spec.bootMenu}
                onChange={({ target }) => change({ bootMenu: target.checked })}
              />
              <label htmlFor={`${form}-menu`}>Firmware asks with a boot menu</label>
            </div>
          </div>
          <details className="field" open={spec.kernel !== undefined}>
            <summary>Start a kernel without firmware</summary>
            <FilePicker
              label="Kernel"
              purpose="kernel"
              file={spec.kernel}
              onChange={(kernel) => setSpec(withFile(spec, 'kernel', kernel))}
            />
            <FilePicker
              label="Initial RAM disk"
              purpose="initrd"
              file={spec.initrd}
              onChange={(initrd) => setSpec(withFile(spec, 'initrd', initrd))}
            />
            <label htmlFor={`${form}-append`}>Kernel command line</label>
            <input
              id={`${form}-append`}
              type="text"
              value={spec.append}
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
              onChange={({ target }) => change({ append: target.value })}
            />
          </details>
          <details className="field" open={spec.extra !== '' || spec.bios !== undefined}>
            <summary>More</summary>
            <FilePicker
              label="Firmware"
              purpose="bios"
              file={spec.bios}
              onChange={(bios) => setSpec(withFile(spec, 'bios', bios))}
            />
            <label htmlFor={`${form}-extra`}>More arguments, as QEMU knows them</label>
            <input
              id={`${form}-extra`}
              type="text"
              value={spec.extra}
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
              placeholder="-rtc base=localtime -d guest_errors"
              onChange={({ target }) => change({ extra: target.value })}
            />
          </details>
        </div>
        <div className="form-aside">
          <CommandLinePreview text={shellText(args)} />
          {problem && <TroubleNotice trouble={problem} />}
          <div className="form-actions">
            <button type="submit" value="start" className="button button-primary" disabled={problem !== undefined}>
              Save and start
            </button>
            <button type="submit" value="save" className="button">
              Save
            </button>
            <a
              className="button button-quiet"
              href={machine === undefined ? '#/' : hashOf({ page: 'machine', id: machine.id })}
            >
              Cancel
            </a>
          </div>
        </div>
      </div>
    </form>
  );
}

/** With undefined the file goes, which an object's spread would not do. */
function withFile(spec: MachineSpec, key: 'kernel' | 'initrd' | 'bios', file: MachineSpec['kernel']): MachineSpec {
  const { [key]: _, ...others } = spec;
  return file === undefined ? others : { ...others, [key]: file };
}
