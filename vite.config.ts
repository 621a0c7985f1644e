import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Shared guest memory needs a cross-origin isolated page; scripts/serve.mjs sends the same headers. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  plugins: [react()],
  worker: { format: 'es' },
  build: { target: 'esnext', outDir: 'dist', chunkSizeWarningLimit: 1500 },
  server: { headers: isolation },
  preview: { headers: isolation },
});
