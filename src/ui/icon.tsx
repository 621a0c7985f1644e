/** Drawn on a 16 by 16 grid with a 1.5 stroke. */
const paths = {
  back: 'M9.5 3.5 5 8l4.5 4.5',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  resume: 'M5 3.2v9.6L12.5 8z',
  reset: 'M12.6 6.2A5 5 0 1 0 13 8.6M13 2.8v3.6H9.4',
  power: 'M8 2.5v5M5 4.3a5 5 0 1 0 6 0',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 13.5 13.5',
  monitor: 'M2.5 4 6 7.5 2.5 11M7.5 12h6',
  help: 'M5.8 6a2.2 2.2 0 1 1 3.4 1.9c-.8.5-1.2.9-1.2 1.8M8 12.4v.1',
  close: 'M4 4l8 8M12 4l-8 8',
  camera: 'M2.5 5h2.6l1-1.5h3.8l1 1.5h2.6v7.5h-11zM8 11a2.4 2.4 0 1 0 0-4.8A2.4 2.4 0 0 0 8 11z',
  copy: 'M6 5.5h7v8H6zM3 10.5v-8h7',
  up: 'M3.5 10 8 5.5l4.5 4.5',
  down: 'M3.5 6 8 10.5 12.5 6',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
