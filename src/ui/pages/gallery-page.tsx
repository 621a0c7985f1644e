import { bytesText } from '../format.ts';
import { type GalleryEntry, galleryEntries } from '../gallery/entries.ts';
import type { RomFile } from '../guest-files.ts';
import { Icon } from '../icon.tsx';
import { filesOf } from '../library/machine-spec.ts';
import { findRom } from '../rom-index.ts';
import { startEntry } from '../starting.ts';
import { useDocumentTitle } from '../use-document-title.ts';
import { useRomIndex } from '../use-rom-index.ts';
import { OwnImageCard } from './own-image-card.tsx';

export function GalleryPage() {
  useDocumentTitle('Gallery');
  return (
    <>
      <div className="section-head">
        <h1>Gallery</h1>
      </div>
      <p className="lead">
        Systems that run as they are. Each becomes a machine of your own when you start it: change it as you like.
      </p>
      <GalleryGrid />
    </>
  );
}

export function GalleryGrid() {
  const roms = useRomIndex();
  return (
    <ul className="cards">
      {galleryEntries.map((entry) => (
        <EntryCard key={entry.id} entry={entry} roms={roms} />
      ))}
      <OwnImageCard />
    </ul>
  );
}

function EntryCard({ entry, roms }: { readonly entry: GalleryEntry; readonly roms: readonly RomFile[] | undefined }) {
  const { id, title, summary, advice, spec } = entry;
  const names = filesOf(spec).flatMap((file) => (file.kind === 'rom' ? [file.name] : []));
  const files = names.map((name) => findRom(roms, name));
  const missing = roms === undefined ? [] : names.filter((_, index) => files[index] === undefined);
  const size = files.reduce((sum, file) => sum + (file?.size ?? 0), 0);
  return (
    <li className="card" aria-labelledby={`card-${id}`}>
      <h3 id={`card-${id}`}>{title}</h3>
      <p className="card-summary">{summary}</p>
      <p className="card-advice">{advice}</p>
      {missing.length > 0 && (
        <p className="card-missing">
          Not on this server: {missing.join(', ')}. Where it is served, <code>npm run roms</code> fetches it.
        </p>
      )}
      <div className="card-foot">
        <button
          type="button"
          className="button button-primary"
          aria-describedby={`card-${id}`}
          disabled={missing.length > 0}
          onClick={() => void startEntry(entry)}
        >
          <Icon name="resume" /> Start
        </button>
        <a className="button button-quiet" href={`#/new?from=${id}`} aria-label={`Change ${title} before it starts`}>
          Change…
        </a>
        <span className="card-facts">
          {spec.ramMiB} MiB RAM{size > 0 && `, ${bytesText(size)} to fetch`}
        </span>
      </div>
    </li>
  );
}
