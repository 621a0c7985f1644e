/**
 * Two services to the page. Cross-origin isolation on hosts that cannot set headers: COOP and COEP are added to all that
 * it fetches. And work without a network: what the page is made of is kept from the start, guests once they were fetched.
 *
 * The build puts the list of the page's files before this, as `pageFiles`; with it the script changes, and browsers
 * take that for an update. Where the list is missing (the dev server) nothing is kept.
 */
const files = self.pageFiles ?? [];
const CACHE = 'lockstep-page';
const scope = new URL('./', self.location.href);

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(keepPage());
});
self.addEventListener('activate', (event) => event.waitUntil(Promise.all([self.clients.claim(), dropOld()])));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return; // Chromium's devtools; fetch() would throw
  const kept = files.length > 0 && request.method === 'GET' && request.url.startsWith(scope.href);
  event.respondWith(kept && !request.headers.has('range') ? fromEither(request) : fetch(request).then(withIsolation));
});

/** Names of assets hold a hash of their contents: what is kept is right. All else is asked for anew where there is a network. */
async function fromEither(request) {
  const cache = await caches.open(CACHE);
  const isAsset = new URL(request.url).pathname.includes('/assets/');
  const kept = isAsset ? await cache.match(request.url) : undefined;
  if (kept) return kept;
  try {
    const response = await withIsolation(await fetch(request));
    if (response.status === 200) await cache.put(request.url, response.clone()).catch(() => {}); // no room: it works online
    return response;
  } catch (error) {
    const stored = await cache.match(request.mode === 'navigate' ? scope.href : request.url, { ignoreSearch: true });
    if (stored) return stored;
    throw error;
  }
}

async function keepPage() {
  if (files.length === 0) return;
  const cache = await caches.open(CACHE);
  await Promise.all(
    files.map(async (file) => {
      const url = new URL(file, scope).href;
      if (file.startsWith('assets/') && (await cache.match(url))) return;
      const response = await fetch(url, { cache: 'no-cache' });
      if (!response.ok) throw new Error(`${file}: ${response.status}`);
      await cache.put(url, await withIsolation(response));
    }),
  );
}

/** Assets of earlier builds. */
async function dropOld() {
  const cache = await caches.open(CACHE);
  const current = new Set(files.map((file) => new URL(file, scope).href));
  for (const { url } of await cache.keys()) {
    if (url.includes('/assets/') && !current.has(url)) await cache.delete(url);
  }
}

async function withIsolation(response) {
  if (response.status === 0 || response.type === 'opaque') return response; // foreign: its headers cannot be changed
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const body = [204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}
