import { type ReactNode, useEffect, useRef } from 'react';
import { JobList } from './job-list.tsx';
import { hashOf, type Route } from './route.ts';
import { RunningBar } from './running-bar.tsx';
import './styles/shell.css';

const pages: readonly (readonly [Route, label: string])[] = [
  [{ page: 'home' }, 'Machines'],
  [{ page: 'gallery' }, 'Gallery'],
  [{ page: 'storage' }, 'Storage'],
  [{ page: 'settings' }, 'Settings'],
  [{ page: 'help' }, 'Help'],
];

/** What every page but the running machine's has around it. */
export function Shell({ route, children }: { readonly route: Route; readonly children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const address = hashOf(route);
  const first = useRef(address);
  useEffect(() => {
    // A screen reader is told of the new page; the page that was loaded is read from its top as usual.
    if (address !== first.current) main.current?.focus();
    first.current = '';
    void scrollTo(0, 0);
  }, [address]);
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header className="masthead">
        <a className="masthead-name" href="#/">
          <svg viewBox="0 0 64 64" width="30" height="30" aria-hidden="true">
            <rect x="4" y="10" width="56" height="40" rx="6" className="masthead-case" />
            <path d="M14 22l9 8-9 8M30 38h16" className="masthead-prompt" />
            <path d="M22 57h20" className="masthead-foot" />
          </svg>
          Lockstep
        </a>
        <nav aria-label="Pages">
          {pages.map(([to, label]) => (
            <a key={label} href={hashOf(to)} aria-current={to.page === route.page ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
      </header>
      <RunningBar />
      <main id="main" className="page" ref={main} tabIndex={-1}>
        {children}
      </main>
      <JobList />
    </div>
  );
}
