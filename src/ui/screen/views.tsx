import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';

export interface View {
  readonly name: string;
  readonly content: ReactNode;
}

/** Views of the running machine behind tabs; all of them stay alive. One alone needs no tab. */
export function Views({ views }: { readonly views: readonly View[] }) {
  const id = useId();
  const [chosen, setChosen] = useState(0);
  const current = Math.min(chosen, views.length - 1);
  const turn = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = (current + step + views.length) % views.length;
    setChosen(next);
    document.getElementById(`${id}-tab-${next}`)?.focus();
  };
  return (
    <div className="views">
      {views.length > 1 && (
        <div className="view-tabs" role="tablist" aria-label="Views" onKeyDown={turn}>
          {views.map(({ name }, i) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`${id}-tab-${i}`}
              aria-selected={i === current}
              aria-controls={`${id}-view-${i}`}
              tabIndex={i === current ? 0 : -1}
              onClick={() => setChosen(i)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      {views.map(({ name, content }, i) => (
        <div
          key={name}
          className="view"
          id={`${id}-view-${i}`}
          {...(views.length > 1 && { role: 'tabpanel', 'aria-labelledby': `${id}-tab-${i}` })}
          hidden={i !== current}
        >
          {content}
        </div>
      ))}
    </div>
  );
}
