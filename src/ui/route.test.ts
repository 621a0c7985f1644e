import { expect, test } from 'vitest';
import { hashOf, type Route, routeOf } from './route.ts';

test('every route is found again by its address', () => {
  const routes: readonly Route[] = [
    { page: 'home' },
    { page: 'gallery' },
    { page: 'storage' },
    { page: 'settings' },
    { page: 'help' },
    { page: 'new' },
    { page: 'new', from: 'linux & co' },
    { page: 'machine', id: 'a/b c%' },
    { page: 'edit', id: 'x' },
  ];
  for (const route of routes) expect(routeOf(hashOf(route))).toEqual(route);
});

test('an address that names nothing is the home page', () => {
  for (const hash of ['', '#', '#/', '#/nowhere', '#/machine', '#/machine/', '#/storage/x', '#/edit/a/b', '#/%zz']) {
    expect(routeOf(hash)).toEqual({ page: 'home' });
  }
});
