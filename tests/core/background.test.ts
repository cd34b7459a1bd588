import { expect } from 'chai';
import { createBackground } from '../../src/core/background.ts';

function createLog() {
  const lines: string[] = [];
  const note = (level: string) => (_line: object, message: string) => void lines.push(`${level}: ${message}`);
  return { lines, debug: note('debug'), warn: note('warn') };
}

const failing = () => Promise.reject(new Error('the connection is closed'));

describe('core: background work', () => {
  it('that fails is a warning', async () => {
    const log = createLog();
    createBackground(log).doOnce(failing);
    await new Promise(setImmediate);
    expect(log.lines).to.deep.equal(['warn: background work failed']);
  });

  it('that the stop interrupts is none, done once or again and again', async () => {
    const log = createLog();
    const background = createBackground(log);
    const begun: (() => void)[] = [];
    const interrupted = () =>
      new Promise<void>((_resolve, reject) =>
        begun.push(() => reject(new Error('the connection is closed'))),
      );
    background.doOnce(interrupted);
    background.repeat(1, interrupted);
    while (begun.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    background.stop();
    for (const interrupt of begun) interrupt();
    await new Promise(setImmediate);
    expect(log.lines).to.deep.equal(Array(2).fill('debug: background work was interrupted by the stop'));
  });
});
