import { withoutInvisible } from '../../core/text.ts';
import type { AttachmentType } from './files.contract.ts';

/** Pictures are decoded and encoded anew. */
const images = ['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif', 'image/avif'];

const officeXml = 'application/vnd.openxmlformats-officedocument';
const openDocument = 'application/vnd.oasis.opendocument';

/** What else is taken as it is. */
const others = [
  'audio/mpeg',
  'audio/mp4',
  'audio/aac',
  'audio/ogg',
  'audio/wav',
  'audio/flac',
  'audio/amr',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'video/quicktime',
  'video/3gpp',
  'application/pdf',
  'application/rtf',
  'application/epub+zip',
  // Word, Excel and PowerPoint before 2007
  'application/x-cfb',
  ...['wordprocessingml.document', 'spreadsheetml.sheet', 'presentationml.presentation'].map(
    (kind) => `${officeXml}.${kind}`,
  ),
  ...['text', 'spreadsheet', 'presentation'].map((kind) => `${openDocument}.${kind}`),
  'application/zip',
  'application/gzip',
  'application/x-7z-compressed',
  'application/x-rar-compressed',
];

/** One name for what is known by several. */
const sameAs: Readonly<Record<string, string>> = {
  'audio/x-m4a': 'audio/mp4',
  'audio/ogg; codecs=opus': 'audio/ogg',
  'video/x-m4v': 'video/mp4',
};

/** Containers that carry sound alone as well, which their first bytes do not tell: what recorders of browsers make. */
const soundIn: Readonly<Record<string, string>> = { 'video/webm': 'audio/webm', 'video/mp4': 'audio/mp4' };

const plainText = 'text/plain';

export type FileKind = 'image' | 'text' | 'other';

/**
 * What a file is taken for, by what its first bytes are recognised as and, where they leave it open, by what its
 * sender says. What is not recognised has to prove plain text.
 */
export function classify(
  recognised: string | undefined,
  claimed: string,
): { kind: FileKind; mimeType: string } {
  const mimeType = sameAs[recognised ?? ''] ?? recognised ?? '';
  if (images.includes(mimeType)) return { kind: 'image', mimeType };
  if (!others.includes(mimeType)) return { kind: 'text', mimeType: plainText };
  const sound = soundIn[mimeType];
  return { kind: 'other', mimeType: sound && claimed.startsWith('audio/') ? sound : mimeType };
}

/** Whether a message may attach such a file as such content. */
export function fits(contentType: AttachmentType, mimeType: string): boolean {
  if (contentType === 'file') return true;
  if (contentType === 'audio' && mimeType in soundIn) return true;
  return mimeType.startsWith(`${contentType}/`);
}

/** What browsers show in place without running anything of it. */
export function isShownInPlace(mimeType: string): boolean {
  return /^(image|audio|video)\//.test(mimeType);
}

/** Line breaks, tabs and form feeds apart. */
const controlCharacter = /[\p{Cc}--[\t\n\f\r]]/v;

export const isPlain = (text: string): boolean => !controlCharacter.test(text);

/** Pages, drawings and their like: text that a careless reader would run. */
export const isMarkup = (start: string): boolean => /^[\s\ufeff]*</.test(start);

const nameMaxBytes = 255;
const fallbackName = 'file';

/** A file's name without folders and without characters that hide or turn something; never empty. */
export function cleanName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = withoutInvisible(last).normalize('NFC').trim();
  return /^\.*$/.test(clean) ? fallbackName : shorten(clean);
}

/** The name with another ending. */
export function withEnding(name: string, ending: string): string {
  return shorten(`${name.replace(/\.[^.]*$/, '')}.${ending}`);
}

/** Cuts in front of the ending, and between characters. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= nameMaxBytes) return name;
  const ending = /\.[^.]{1,16}$/.exec(name)?.[0] ?? '';
  const room = nameMaxBytes - Buffer.byteLength(ending);
  let stem = '';
  let bytes = 0;
  for (const { segment } of new Intl.Segmenter().segment(name.slice(0, name.length - ending.length))) {
    bytes += Buffer.byteLength(segment);
    if (bytes > room) break;
    stem += segment;
  }
  return stem + ending;
}
