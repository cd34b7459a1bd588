import { PassThrough, type Readable } from 'node:stream';
import type { Request, Response } from 'express';
import multer from 'multer';
import type { IncomingFile } from '../core/actor.ts';
import { AppError, invalidField } from '../core/errors.ts';

/** What may come besides a file that is wanted: around it, or after it was refused. More ends the connection. */
const mostUnwantedBytes = 64 * 1024 * 1024;
const limits = { files: 1, fields: 8, fieldSize: 1024, parts: 9 };

export interface Exchange {
  request: Request;
  response: Response;
}

interface Reading<T> {
  field: string;
  /** The client may be silent for so long, and take so long in all. */
  patience: { idleWithinMs: number; arrivesWithinMs: number };
  /** Asked when everything has arrived; if it rejects, the file fails. */
  readmit(): Promise<void>;
  use(file: IncomingFile): Promise<T>;
}

/**
 * Reads a multipart body with one file in one field, and answers what is made of it: `use` begins with the file, which ends
 * when the whole body has proved well-formed. Throws `validation_failed` for other bodies. What was refused is answered
 * at once; the rest of the body is read and dropped.
 */
export function readMultipart<T>({ request, response }: Exchange, reading: Reading<T>): Promise<T> {
  const { field, readmit, use } = reading;
  return new Promise((resolve, reject) => {
    const content = new PassThrough();
    // its error reaches who reads it; nobody may have begun to
    content.on('error', () => {});
    let hasFile = false;

    const storage: multer.StorageEngine = {
      _handleFile(_request, file, done) {
        file.stream.on('end', () => done(null, {}));
        if (file.fieldname !== field) {
          file.stream.resume();
          reject(fileWanted(field));
          return;
        }
        hasFile = true;
        passOn(file.stream, content);
        file.stream.on('data', ({ length }: Buffer) => arrival.expected(content.destroyed ? 0 : length));
        const { originalname: name, mimetype: mimeType } = file;
        use({ name, mimeType, content, mostBytes: announcedBytes(request) })
          .finally(() => content.destroy())
          .then(resolve, reject);
      },
      _removeFile: (_request, _file, done) => done(null),
    };

    const fail = (error: unknown) => (hasFile ? content.destroy(error as Error) : reject(error));
    const arrival = watchArrival(request, content, reading.patience);
    multer({ storage, limits, defParamCharset: 'utf8' }).any()(request, response, (error: unknown) => {
      if (error) fail(asRefusal(error));
      else if (!hasFile) fail(fileWanted(field));
      else readmit().then(() => content.end(), fail);
    });
  });
}

/** Gives on what arrives as it is taken; when it is not wanted any more, what follows is dropped. */
function passOn(from: Readable, to: PassThrough): void {
  from.pipe(to, { end: false });
  to.on('close', () => {
    from.unpipe(to);
    from.resume();
  });
}

/** Ends the connection of a client that is silent, slow, or goes on sending what nobody wants. */
function watchArrival(
  request: Request,
  content: PassThrough,
  { idleWithinMs, arrivesWithinMs }: Reading<unknown>['patience'],
) {
  let unwantedBytes = 0;
  const giveUp = () => request.destroy();
  const total = setTimeout(giveUp, arrivesWithinMs);
  // as long as our side does not take what was sent, the client cannot send
  const idle = setTimeout(() => (content.writableNeedDrain ? idle.refresh() : giveUp()), idleWithinMs);
  const stop = () => {
    clearTimeout(total);
    clearTimeout(idle);
  };
  request.on('data', ({ length }: Buffer) => {
    idle.refresh();
    unwantedBytes += length;
    if (unwantedBytes > mostUnwantedBytes) giveUp();
  });
  request.on('end', stop).on('close', stop);
  return {
    /** So much of what came is part of a file that is wanted. */
    expected(bytes: number): void {
      unwantedBytes -= bytes;
    },
  };
}

function announcedBytes(request: Request): number | null {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : null;
}

function fileWanted(field: string): AppError {
  return invalidField(field, { en: 'A file is wanted here', zh: '该字段须包含文件' });
}

/** Every fault of a multipart body is the client's: limits, unknown fields, a body that breaks off. */
function asRefusal(error: unknown): AppError {
  const detail = {
    en: 'One file is wanted, in the field that the documentation names',
    zh: '须在文档所写的字段中上传一个文件',
  };
  return new AppError('validation_failed', { detail, cause: error });
}
