import { fileTypeFromBuffer } from 'file-type';

/** The MIME type that a file's first bytes are recognised as; undefined for text and for what nobody knows. */
export async function recognise(start: Buffer): Promise<string | undefined> {
  // what is broken, or goes on behind these bytes, is not recognised
  const type = await fileTypeFromBuffer(start).catch(() => undefined);
  return type?.mime;
}
