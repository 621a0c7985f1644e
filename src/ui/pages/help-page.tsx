import { KeyTable } from '../key-table.tsx';
import { useDocumentTitle } from '../use-document-title.ts';

export function HelpPage() {
  useDocumentTitle('Help');
  return (
    <div className="help">
      <div className="section-head">
        <h1>Help</h1>
      </div>
      <section>
        <h2>Bring something to run</h2>
        <p>
          Drop a file anywhere on this page: a disk, a CD, a floppy, a kernel with its initial RAM disk. What it is is
          told by its contents, and a machine that fits is offered. Files are copied into this browser and never sent
          anywhere; what a guest writes is kept there too.
        </p>
      </section>
      <section>
        <h2>Where it is kept</h2>
        <p>
          Machines and their disks stay in this browser, for this address. Clearing its site data deletes them: export
          what is dear to you. The <a href="#/storage">storage page</a> shows what takes room and asks the browser to
          keep it when it runs short.
        </p>
      </section>
      <section>
        <h2>Keys</h2>
        <KeyTable />
        <p>
          Every other key goes to the guest, Tab too. The machine runs in a worker and goes on while you are on another
          page or in another tab.
        </p>
      </section>
      <section>
        <h2>Offline</h2>
        <p>
          Your browser can install this page as an app. What was loaded once works without a network, the guests that
          you started too.
        </p>
      </section>
    </div>
  );
}
