import type { Request, Response } from 'express';
import multer from 'multer';
import { AppError, invalidField } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';

/** What all uploads together may hold in memory. Who sends nothing holds nothing. */
const mostHeldBytes = 128 * 1024 * 1024;
const idleWithinMs = 10_000;
const arrivesWithinMs = 60_000;
const repeatAfterMs = 1000;

export type Uploads = ReturnType<typeof createUploads>;

interface Exchange {
  request: Request;
  response: Response;
}

/** Reads multipart bodies: one file in one field, of people who are known, one at a time per person. */
export function createUploads() {
  const uploading = new Set<string>();
  let heldBytes = 0;

  /** Collects a file in memory, as long as all of them together stay below the limit. */
  const storage: multer.StorageEngine = {
    _handleFile(_request, file, done) {
      const chunks: Buffer[] = [];
      let size = 0;
      const release = () => {
        heldBytes -= size;
        size = 0;
      };
      file.stream.on('data', (chunk: Buffer) => {
        size += chunk.length;
        heldBytes += chunk.length;
        if (heldBytes > mostHeldBytes) file.stream.destroy(tooMany());
        else chunks.push(chunk);
      });
      file.stream.on('error', (error) => {
        release();
        done(error);
      });
      file.stream.on('end', () => {
        release();
        done(null, { buffer: Buffer.concat(chunks) });
      });
      file.stream.on('close', release);
    },
    _removeFile(_request, _file, done) {
      done(null);
    },
  };

  return {
    async read(
      { request, response }: Exchange,
      { field, maxBytes }: NonNullable<Operation['upload']>,
      userId: string,
    ): Promise<Buffer> {
      if (!request.is('multipart/form-data')) throw new AppError('unsupported_media_type');
      if (uploading.has(userId))
        throw new AppError('rate_limited', { extra: { retryAfterMs: repeatAfterMs } });
      uploading.add(userId);
      const giveUp = () => request.destroy();
      const timers = [setTimeout(giveUp, arrivesWithinMs), setTimeout(giveUp, idleWithinMs)] as const;
      request.on('data', () => timers[1].refresh());
      const limits = { fileSize: maxBytes, files: 1, fields: 8, fieldSize: 1024, parts: 9 };
      try {
        return await receive({ request, response }, multer({ storage, limits }).single(field), field);
      } finally {
        for (const timer of timers) clearTimeout(timer);
        uploading.delete(userId);
      }
    },
  };
}

function receive(
  { request, response }: Exchange,
  read: ReturnType<multer.Multer['single']>,
  field: string,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    read(request, response, (error: unknown) => {
      if (error) reject(asRefusal(error));
      else if (request.file) resolve(request.file.buffer);
      else reject(invalidField(field, { en: 'A file is wanted here', zh: '该字段须包含文件' }));
    });
  });
}

function tooMany(): AppError {
  return new AppError('unavailable', { extra: { retryAfterMs: repeatAfterMs } });
}

function asRefusal(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (error instanceof multer.MulterError && error.code === 'LIMIT_FILE_SIZE')
    return new AppError('payload_too_large');
  // every other fault of a multipart body is the client's: limits, unknown fields, a body that breaks off
  const detail = {
    en: 'One file is wanted, in the field that the documentation names',
    zh: '须在文档所写的字段中上传一个文件',
  };
  return new AppError('validation_failed', { detail, cause: error });
}
