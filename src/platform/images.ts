import { fileTypeFromBuffer } from 'file-type';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { AppError } from '../core/errors.ts';

/** What is decoded, by the MIME types that the bytes themselves are recognised as. */
const accepted = new Set(['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif', 'image/avif']);
const decoders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'];

const mostPixels = 24_000_000;
const decodeWithinSeconds = 10;
const sizes = { large: 512, small: 128 };

// for the whole process: what is not accepted has no decoder, whatever it looks like
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: decoders.map((name) => `VipsForeignLoad${name}`) });
// every picture is decoded once
sharp.cache(false);

interface Avatar {
  /** 512 by 512 pixels. */
  large: Buffer;
  /** 128 by 128 pixels. */
  small: Buffer;
}

interface ImagesOptions {
  /** How many pictures are decoded at the same time; one takes up to 100 MB. */
  mostAtOnce: number;
}

/** Decodes pictures that people send and encodes them anew, so that nothing but their pixels remains. */
export function createImages({ mostAtOnce }: ImagesOptions) {
  const limit = pLimit(mostAtOnce);

  return {
    /**
     * Upright squares in WebP, cut from the middle; of an animation, its first picture. Takes JPEG, PNG, WebP, GIF
     * and AVIF. Throws `unsupported_media_type` for anything else, and `image_invalid` for what is broken or has
     * more than 24 million pixels.
     */
    async encodeAvatar(bytes: Buffer): Promise<Avatar> {
      const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
      if (!accepted.has(type?.mime ?? '')) throw new AppError('unsupported_media_type');
      return limit(() => encode(bytes)).catch((error: unknown) => {
        throw new AppError('image_invalid', { cause: error });
      });
    },
  };
}

async function encode(bytes: Buffer): Promise<Avatar> {
  const { data, info } = await sharp(bytes, { failOn: 'error', limitInputPixels: mostPixels })
    .timeout({ seconds: decodeWithinSeconds })
    .autoOrient()
    .resize(sizes.large, sizes.large, { fit: 'cover' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const square = sharp(data, { raw: { width, height, channels } });
  const [large, small] = await Promise.all([
    square.clone().webp().toBuffer(),
    square.clone().resize(sizes.small, sizes.small).webp().toBuffer(),
  ]);
  return { large, small };
}
