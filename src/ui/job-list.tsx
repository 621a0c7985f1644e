import { useSyncExternalStore } from 'react';
import { bytesText, timeLeftText } from './format.ts';
import { jobs } from './jobs.ts';

/** What the page is at, with bytes, time left and a way to give it up. */
export function JobList() {
  const running = useSyncExternalStore(jobs.subscribe, () => jobs.view);
  if (running.length === 0) return null;
  return (
    <section className="jobs" aria-label="In progress">
      {running.map(({ id, title, doneBytes, totalBytes, secondsLeft, cancel }) => (
        <div key={id} className="job">
          <p className="job-title">{title}</p>
          <progress aria-label={title} {...(totalBytes !== undefined && { value: doneBytes, max: totalBytes })} />
          <p className="job-bytes">
            {bytesText(doneBytes)}
            {totalBytes !== undefined && ` of ${bytesText(totalBytes)}`}
            {secondsLeft !== undefined && `, ${timeLeftText(secondsLeft)}`}
          </p>
          <button type="button" className="button button-quiet" onClick={cancel}>
            Cancel
          </button>
        </div>
      ))}
    </section>
  );
}
