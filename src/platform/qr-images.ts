/** Blank modules around the code, and how much of it may be unreadable: M restores about 15 %. */
const look = { margin: 2, errorCorrectionLevel: 'M' } as const;
const widthPx = 512;

// not at the start, which has no use for it
const load = () => import('qrcode');

/** A text as the PNG image of a QR code, 512 pixels wide. Rejects if it is empty or too long for one. */
export async function qrPng(text: string): Promise<Buffer> {
  return (await load()).default.toBuffer(text, { ...look, type: 'png', width: widthPx });
}

/** A text as the SVG document of a QR code, which scales to any size. Rejects if it is empty or too long for one. */
export async function qrSvg(text: string): Promise<string> {
  return (await load()).default.toString(text, { ...look, type: 'svg' });
}
