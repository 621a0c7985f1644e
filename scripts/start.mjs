/**
 * npm start: sets up all that is missing, builds the page and serves it on this machine.
 *
 * usage: npm start -- [--open] [--port N]
 */
import { join } from 'node:path';
import { buildPage, fetchRoms, installDependencies, main, modernNode, root, run } from './set-up.mjs';

await main(async () => {
  await installDependencies();
  const node = modernNode();
  await fetchRoms(node); // without it the page starts all the same; the message says what to do
  await buildPage(node);
  return run(node, [join(root, 'scripts/serve.ts'), ...process.argv.slice(2)]);
});
