import { repeat } from './repeat.ts';

interface BackgroundLog {
  debug(line: object, message: string): void;
  warn(line: object, message: string): void;
}

/** What goes on by itself. Its failures are told to the log and taken up at the next turn. */
export function createBackground(log: BackgroundLog) {
  const stops: (() => void)[] = [];
  let isStopped = false;

  const onFailure = (error: unknown) => {
    // it is taken up by the next start
    if (isStopped) log.debug({ err: error }, 'background work was interrupted by the stop');
    else log.warn({ err: error }, 'background work failed');
  };

  return {
    doOnce: (work: () => Promise<void>) => void work().catch(onFailure),
    repeat: (everyMs: number, work: () => Promise<void>) =>
      void stops.push(repeat({ everyMs, work, onFailure })),
    stop(): void {
      isStopped = true;
      for (const stop of stops) stop();
    },
  };
}
