import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

const root = document.getElementById('root');
if (!root) throw new Error('BUG: index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <h1>Lockstep</h1>
  </StrictMode>,
);
