/**
 * npm start: sets up all that is missing, builds the page and serves it on this machine.
 *
 * usage: npm start -- [--open] [--port N]      (npm start --open works too: npm takes it for an option of its own and passes it on)
 */
import { join } from 'node:path';
import { buildPage, fetchRoms, installDependencies, main, modernNode, root, run } from './set-up.mjs';

await main(async () => {
  await installDependencies();
  const node = modernNode();
  await fetchRoms(node); // without it the page starts all the same; the message says what to do
  await buildPage(node);
  const { npm_config_open: open, npm_config_port: port } = process.env;
  const viaNpm = [...(open ? ['--open'] : []), ...(port ? ['--port', port] : [])];
  return run(node, [join(root, 'scripts/serve.ts'), ...viaNpm, ...process.argv.slice(2)]);
});
