/** `-d`: categories of messages that the user asked for. */
export interface Logger {
  isOn(item: string): boolean;
  /** Writes text of a category, if it is asked for. */
  write(item: string, text: string): void;
}

export function createLogger(items: readonly string[], sink: ((text: string) => void) | undefined): Logger {
  const wanted: ReadonlySet<string> = new Set(items);
  const isOn = (item: string): boolean => sink !== undefined && wanted.has(item);
  return {
    isOn,
    write(item, text) {
      if (isOn(item)) sink?.(text);
    },
  };
}
