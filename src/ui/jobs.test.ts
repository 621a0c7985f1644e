import { expect, test, vi } from 'vitest';
import { Jobs } from './jobs.ts';

test('a job tells how far it is and, once its speed is known, how long it takes', async () => {
  let now = 0;
  const jobs = new Jobs(() => now);
  const end = Promise.withResolvers<string>();
  const result = jobs.run('Import', async ({ report }) => {
    report(0, 1000);
    expect(jobs.view[0]).toMatchObject({ title: 'Import', doneBytes: 0, totalBytes: 1000, secondsLeft: undefined });
    now = 2000;
    report(250, 1000);
    expect(jobs.view[0]).toMatchObject({ doneBytes: 250, secondsLeft: 6 });
    now = 2010;
    report(260, 1000); // too soon to be painted
    expect(jobs.view[0]).toMatchObject({ doneBytes: 250 });
    return end.promise;
  });
  end.resolve('done');
  expect(await result).toBe('done');
  expect(jobs.view).toEqual([]);
});

test('a job that is cancelled ends without a word, one that fails says why', async () => {
  const jobs = new Jobs(() => 0);
  jobs.onTrouble = vi.fn();
  const cancelled = jobs.run('Import', ({ signal }) => {
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('stopped'))),
    );
    jobs.view[0]?.cancel();
    return stopped;
  });
  expect(await cancelled).toBeUndefined();
  expect(jobs.onTrouble).not.toHaveBeenCalled();
  expect(await jobs.run('Export', () => Promise.reject(new Error('no room')))).toBeUndefined();
  expect(jobs.onTrouble).toHaveBeenCalledWith('Export', expect.objectContaining({ message: 'no room' }));
  expect(jobs.view).toEqual([]);
});
