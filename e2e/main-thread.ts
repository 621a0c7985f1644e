/** How long the page's main thread is held up. */
import type { Browser, Page } from '@playwright/test';

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds: of the clock, and of the processor. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

export interface MainThreadReport {
  /** What the Long Tasks API saw, ms. */
  readonly longTasks: readonly number[];
  /** The longest that one task computed, ms. */
  readonly longestComputation: number;
}

/**
 * Watches with the Long Tasks API, and traces the processor time of each task beside it: on a machine whose cores are all
 * taken a task is also long because it waits for one, which says nothing about the page.
 */
export async function watchMainThread(browser: Browser, page: Page): Promise<() => Promise<MainThreadReport>> {
  await page.evaluate(() => {
    const durations: number[] = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) durations.push(duration);
    }).observe({ entryTypes: ['longtask'] });
    Object.assign(globalThis, { longTaskDurations: durations });
  });
  await browser.startTracing(page, { categories: ['toplevel'] });
  return async () => {
    const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    const longTasks = await page.evaluate(
      () => (globalThis as typeof globalThis & { longTaskDurations: number[] }).longTaskDurations,
    );
    const threadOf = ({ pid, tid }: TraceEvent): string => `${pid}:${tid}`;
    const mainThreads = new Set(
      trace.traceEvents
        .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
        .map(threadOf),
    );
    const tasks = trace.traceEvents.filter(
      (event) => event.name === 'ThreadControllerImpl::RunTask' && mainThreads.has(threadOf(event)),
    );
    if (tasks.length === 0) throw new Error('the trace has no task of a main thread');
    return {
      longTasks: longTasks.filter((duration) => duration > 50),
      longestComputation: Math.max(...tasks.map(({ tdur = 0 }) => tdur / 1000)),
    };
  };
}
