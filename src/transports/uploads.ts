import type { Request, Response } from 'express';
import multer from 'multer';
import { AppError, invalidField } from '../core/errors.ts';
import type { Operation } from '../core/operation.ts';

/** Uploads are held in memory while they arrive, so this many times the largest of them is what they may take. */
const mostAtOnce = 8;
const arrivesWithinMs = 30_000;

export type Uploads = ReturnType<typeof createUploads>;

/** Reads multipart bodies: one file in one field, of people who are known, one at a time per person. */
export function createUploads() {
  const uploading = new Set<string>();

  return {
    async read(
      { request, response }: { request: Request; response: Response },
      { field, maxBytes }: NonNullable<Operation['upload']>,
      userId: string,
    ): Promise<Buffer> {
      if (!request.is('multipart/form-data')) throw new AppError('unsupported_media_type');
      if (uploading.has(userId)) throw new AppError('rate_limited', { extra: { retryAfterMs: 1000 } });
      if (uploading.size >= mostAtOnce) throw new AppError('unavailable');
      uploading.add(userId);
      const timer = setTimeout(() => request.destroy(), arrivesWithinMs);
      try {
        return await receive({ request, response }, field, maxBytes);
      } finally {
        clearTimeout(timer);
        uploading.delete(userId);
      }
    },
  };
}

function receive(
  { request, response }: { request: Request; response: Response },
  field: string,
  maxBytes: number,
): Promise<Buffer> {
  const limits = { fileSize: maxBytes, files: 1, fields: 8, fieldSize: 1024, parts: 9 };
  const receiveFile = multer({ storage: multer.memoryStorage(), limits }).single(field);
  return new Promise((resolve, reject) => {
    receiveFile(request, response, (error: unknown) => {
      if (error) reject(asRefusal(error));
      else if (request.file) resolve(request.file.buffer);
      else reject(invalidField(field, { en: 'A file is wanted here', zh: '该字段须包含文件' }));
    });
  });
}

function asRefusal(error: unknown): unknown {
  if (error instanceof multer.MulterError && error.code === 'LIMIT_FILE_SIZE')
    return new AppError('payload_too_large');
  // every other fault of a multipart body is the client's: limits, unknown fields, a body that breaks off
  const detail = {
    en: 'One file is wanted, in the field that the documentation names',
    zh: '须在文档所写的字段中上传一个文件',
  };
  return new AppError('validation_failed', { detail, cause: error });
}
