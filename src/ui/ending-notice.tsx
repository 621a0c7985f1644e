import type { Ending } from './machine-session.ts';
import { endingText } from './state-text.ts';

interface EndingNoticeProps {
  readonly ending: Ending;
  onStartAgain(): void;
  onLeave(): void;
}

/** The machine is off; its output stays on view. */
export function EndingNotice({ ending, onStartAgain, onLeave }: EndingNoticeProps) {
  return (
    <section className="ending" aria-label="The machine is off">
      <p>{endingText(ending)}</p>
      <button type="button" className="button button-primary" onClick={onStartAgain}>
        Start again
      </button>
      <button type="button" className="button" onClick={onLeave}>
        Other machines
      </button>
    </section>
  );
}
