import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,workers,tests,roms,scripts,bench,tools}/**/*.test.{ts,tsx}'],
    exclude: ['**/node_modules/**', '**/native/**'],
    testTimeout: 30_000,
  },
});
