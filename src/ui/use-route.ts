import { useSyncExternalStore } from 'react';
import { hashOf, type Route, routeOf } from './route.ts';

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

const currentHash = (): string => location.hash;

export function useRoute(): Route {
  return routeOf(useSyncExternalStore(subscribe, currentHash));
}

export function go(route: Route): void {
  location.hash = hashOf(route);
}

/** The same without a way back: for a page that has done what it was for. */
export function goInstead(route: Route): void {
  location.replace(hashOf(route));
}
