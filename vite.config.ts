import { cpSync, createReadStream, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { isolationHeaders } from './scripts/headers.ts';

/** Firmware and the default guest (roms/out) are the page's /roms/: copied into a build, read from there by the dev server. */
function roms(): Plugin {
  const from = join(import.meta.dirname, 'roms/out');
  let to = '';
  return {
    name: 'roms',
    configResolved(config) {
      to = join(config.root, config.build.outDir, 'roms');
    },
    configureServer(server) {
      server.middlewares.use('/roms', (request, response, next) => {
        const file = join(from, basename((request.url ?? '').split('?', 1)[0] ?? ''));
        if (existsSync(file)) createReadStream(file).pipe(response);
        else next();
      });
    },
    closeBundle() {
      if (existsSync(from)) cpSync(from, to, { recursive: true });
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), roms()],
  worker: { format: 'es' },
  build: { target: 'esnext', outDir: 'dist', chunkSizeWarningLimit: 2000 },
  server: { headers: isolationHeaders },
  preview: { headers: isolationHeaders },
});
