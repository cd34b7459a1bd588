import type { Readable } from 'node:stream';
import { Media } from '../../core/media.ts';
import type { ExportedFile, PersonalData } from '../../core/personal-data.ts';
import type { Quota } from '../../core/quota.ts';

interface ExportDeps {
  holders: readonly PersonalData[];
  zipOf(files: readonly ExportedFile[]): Promise<Readable>;
  /** Exports of one person. */
  quota: Quota;
}

export type ExportPersonalData = ReturnType<typeof createExport>;

/** Everything that the features hold of a person, as one zip that is made while it is sent. */
export function createExport({ holders, zipOf, quota }: ExportDeps) {
  return async (userId: string): Promise<Media> => {
    await quota.take(userId);
    const files = await Promise.all(holders.map(({ exportOf }) => exportOf?.(userId) ?? []));
    const fileName = `parley-${new Date().toISOString().slice(0, 10)}.zip`;
    return new Media('application/zip', await zipOf(files.flat()), { fileName });
  };
}
