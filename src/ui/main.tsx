import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { jobs } from './jobs.ts';
import { clearDownloads } from './library/download.ts';
import { followTheme } from './theme.ts';
import { troubleToast } from './toasts.tsx';
import './styles/base.css';

/** A machine that is started at once shall have the network for itself. */
const OFFLINE_DELAY_MS = 2000;

const root = document.getElementById('root');
if (!root) throw new Error('BUG: index.html has no #root');
followTheme();
void clearDownloads();
jobs.onTrouble = (title, { message, hint }) =>
  troubleToast(`${title} failed`, hint === undefined ? message : `${message}. ${hint}`);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);

// Once the page is there and has nothing else to fetch: the service worker fetches all of it again, to keep it.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  window.addEventListener('load', () => {
    setTimeout(() => void navigator.serviceWorker.register('service-worker.js').catch(() => {}), OFFLINE_DELAY_MS);
  });
}
