import { useSyncExternalStore } from 'react';
import { Dialog } from './dialog.tsx';
import { accept, currentOffer, type Offered, offerFiles, onOfferChange, setOffer } from './dropping.ts';
import { bytesText } from './format.ts';
import { Icon } from './icon.tsx';
import { type FileRole, fileRoles } from './library/records.ts';
import { useFileDrop } from './use-file-drop.ts';

/** Takes files dropped anywhere on the page and offers the machine that fits them. */
export function DropZone() {
  const offer = useSyncExternalStore(onOfferChange, currentOffer);
  const dragging = useFileDrop((files) => void offerFiles(files));
  return (
    <>
      {dragging && (
        <div className="drop-veil" aria-hidden="true">
          <p>Drop a disk, a CD, a floppy, a kernel</p>
        </div>
      )}
      {offer && <OfferDialog offer={offer} />}
    </>
  );
}

const roleTexts: Readonly<Record<FileRole, string>> = {
  disk: 'Hard disk',
  cdrom: 'CD',
  floppy: 'Floppy',
  kernel: 'Kernel',
  initrd: 'Initial RAM disk',
  bios: 'Firmware',
};

function OfferDialog({ offer }: { readonly offer: readonly Offered[] }) {
  const usable = offer.some(({ role }) => role !== undefined && role !== 'initrd');
  const choose = (chosen: Offered, role: FileRole | undefined): void =>
    setOffer(offer.map((offered) => (offered === chosen ? { ...offered, role } : offered)));
  return (
    <Dialog title={offer.length === 1 ? 'One file' : `${offer.length} files`} onClose={() => setOffer(undefined)}>
      <ul className="offer">
        {offer.map((offered) => (
          <OfferedFile key={offered.source.name} offered={offered} onChoose={(role) => choose(offered, role)} />
        ))}
      </ul>
      <p>The file stays as it is. A copy of it is kept in this browser, for the next time.</p>
      {!usable && <p>Say what it is to be used as, or drop a kernel with it.</p>}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={() => setOffer(undefined)}>
          Cancel
        </button>
        <button type="button" className="button" disabled={!usable} onClick={() => void accept(offer, 'edit')}>
          Change first…
        </button>
        <button
          type="button"
          className="button button-primary"
          disabled={!usable}
          onClick={() => void accept(offer, 'start')}
        >
          <Icon name="resume" /> Start
        </button>
      </div>
    </Dialog>
  );
}

interface OfferedFileProps {
  readonly offered: Offered;
  onChoose(role: FileRole | undefined): void;
}

function OfferedFile({ offered, onChoose }: OfferedFileProps) {
  const { source, role } = offered;
  const { name, sizeBytes, recognised, packing } = source;
  return (
    <li>
      <p className="offer-name">{name}</p>
      <p className="offer-what">
        {recognised.what}
        {sizeBytes !== undefined && `, ${bytesText(sizeBytes)}`}
        {packing !== undefined && `, unpacked from ${packing}`}
        {recognised.bootable === false && ', nothing to start on it'}
      </p>
      <label>
        Use as{' '}
        <select
          value={role ?? ''}
          aria-label={`Use ${name} as`}
          onChange={({ target }) => onChoose(fileRoles.find((known) => known === target.value))}
        >
          <option value="">nothing</option>
          {fileRoles.map((known) => (
            <option key={known} value={known}>
              {roleTexts[known]}
            </option>
          ))}
        </select>
      </label>
    </li>
  );
}
