import { useDocumentTitle } from '../use-document-title.ts';
import { useLibrary } from '../use-library.ts';
import { GalleryGrid } from './gallery-page.tsx';
import { MachineTile } from './machine-tile.tsx';

/** The person's machines, and those that are ready to run. */
export function HomePage() {
  useDocumentTitle(undefined);
  const { machines, problem } = useLibrary();
  return (
    <>
      {machines.length === 0 && (
        <div className="claim">
          <h1>A PC in this tab</h1>
          <p>
            Start one of these, or drop a disk, a CD, a floppy or a kernel anywhere on this page. Every instruction is
            translated, counted and run by your browser; nothing leaves it.
          </p>
        </div>
      )}
      {problem !== undefined && (
        <p className="notice" data-level="warning" role="alert">
          {problem}
        </p>
      )}
      {machines.length > 0 && (
        <section aria-labelledby="machines">
          <div className="section-head">
            <h1 id="machines">Your machines</h1>
            <a className="button" href="#/new">
              New machine
            </a>
          </div>
          <ul className="tiles">
            {machines.map((machine) => (
              <MachineTile key={machine.id} machine={machine} />
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="gallery">
        <div className="section-head">
          <h2 id="gallery">Ready to run</h2>
          {machines.length === 0 && (
            <a className="button" href="#/new">
              New machine
            </a>
          )}
        </div>
        <GalleryGrid />
      </section>
    </>
  );
}
