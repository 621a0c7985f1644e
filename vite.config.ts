import { cpSync, createReadStream, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** Tells the service worker which files the page is made of: it keeps them for when there is no network. */
function offline(): Plugin {
  let out = '';
  return {
    name: 'offline',
    apply: 'build',
    configResolved(config) {
      out = join(config.root, config.build.outDir);
    },
    closeBundle() {
      const assets = readdirSync(join(out, 'assets')).sort();
      const others = ['./', 'isolation.js', 'icon.svg', 'manifest.webmanifest'];
      const files = [...others, ...assets.map((name) => `assets/${name}`)];
      const worker = join(out, 'service-worker.js');
      writeFileSync(worker, `self.pageFiles = ${JSON.stringify(files)};\n${readFileSync(worker, 'utf8')}`);
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), roms(), offline()],
  worker: { format: 'es' },
  build: { target: 'esnext', outDir: 'dist', chunkSizeWarningLimit: 2000 },
  server: { headers: isolationHeaders },
  preview: { headers: isolationHeaders },
});
