import { PassThrough, pipeline, Readable } from 'node:stream';
import type { ExportedFile } from '../core/personal-data.ts';

/** Packs files into a zip while it is read, one after the other: what it holds in memory does not grow with them. */
export async function zipOf(files: readonly ExportedFile[]): Promise<Readable> {
  // not at the start, which has no use for it
  const { ZipArchive } = await import('archiver');
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const zip = new PassThrough();
  for (const { name, content } of files) archive.append(content, { name });
  pipeline(archive, zip, (error) => {
    if (!error) return;
    // nobody reads on, or a source broke off: the others must not stay open
    for (const { content } of files) if (content instanceof Readable) content.destroy();
  });
  for (const { content } of files) {
    if (content instanceof Readable) content.on('error', (error) => zip.destroy(error));
  }
  void archive.finalize();
  return zip;
}
