import './styles/shell.css';

/** Shown instead of all else: without shared memory no machine can run. */
export function IsolationMissing({ reason }: { readonly reason: string }) {
  return (
    <main className="page">
      <section className="trouble" role="alert">
        <h1>This page is not cross-origin isolated</h1>
        <p>{reason}</p>
        <p>
          The machine’s memory is shared between workers, which browsers allow on isolated pages only. Whoever serves
          the page can send these headers:
        </p>
        <pre>
          Cross-Origin-Opener-Policy: same-origin{'\n'}
          Cross-Origin-Embedder-Policy: require-corp
        </pre>
        <p>Where that is not possible, allow service workers for this address and reload.</p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Reload
        </button>
      </section>
    </main>
  );
}
