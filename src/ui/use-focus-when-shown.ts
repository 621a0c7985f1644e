import { type RefObject, useEffect, useRef } from 'react';

/** For a field that the person has just asked for: the focus goes there when it appears. */
export function useFocusWhenShown<T extends HTMLElement>(): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => element.current?.focus(), []);
  return element;
}
