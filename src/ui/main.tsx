import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { jobs } from './jobs.ts';
import { clearDownloads } from './library/download.ts';
import { followTheme } from './theme.ts';
import { troubleToast } from './toasts.tsx';
import './styles/base.css';

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
