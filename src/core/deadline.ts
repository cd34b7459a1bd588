import { AppError } from './errors.ts';

/** A client waits 6 s at the most; what is not done by then has an unknown outcome (promise 19). */
const answerWithinMs = 5500;

/** Waits for work as long as a client does; then it goes on by itself, and `unavailable` is thrown. */
export function withinDeadline<T>(work: Promise<T>, limitMs = answerWithinMs): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new AppError('unavailable')), limitMs);
    work.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
