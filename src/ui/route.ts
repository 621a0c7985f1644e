/** The page's addresses, `#/storage` and the like: it may be served from any folder of any host, so the hash it is. */

export type Route =
  | { readonly page: 'home' | 'gallery' | 'storage' | 'settings' | 'help' }
  | { readonly page: 'machine' | 'edit'; readonly id: string }
  /** `from`: a machine of the gallery to begin with. */
  | { readonly page: 'new'; readonly from?: string };

export const home: Route = { page: 'home' };

/** What an address names; anything else is the home page. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const [page, id, ...rest] = path.split('/').map(decoded);
  if (rest.length > 0) return home;
  switch (page) {
    case 'gallery':
    case 'storage':
    case 'settings':
    case 'help':
      return id === undefined ? { page } : home;
    case 'machine':
    case 'edit':
      return id === undefined || id === '' ? home : { page, id };
    case 'new': {
      const from = new URLSearchParams(query).get('from');
      return from === null ? { page } : { page, from };
    }
    default:
      return home;
  }
}

export function hashOf(route: Route): string {
  switch (route.page) {
    case 'home':
      return '#/';
    case 'machine':
    case 'edit':
      return `#/${route.page}/${encodeURIComponent(route.id)}`;
    case 'new':
      return route.from === undefined ? '#/new' : `#/new?from=${encodeURIComponent(route.from)}`;
    default:
      return `#/${route.page}`;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a malformed escape names nothing
  }
}
