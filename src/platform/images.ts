import { fileTypeFromBuffer } from 'file-type';
import pLimit from 'p-limit';
import sharp, { type Sharp } from 'sharp';
import { AppError } from '../core/errors.ts';

/** What is decoded, by the MIME types that the bytes themselves are recognised as. */
const accepted = new Set(['image/jpeg', 'image/png', 'image/apng', 'image/webp', 'image/gif', 'image/avif']);
const decoders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Heif'];

const mostPixels = 24_000_000;
/** Of all its pictures together. */
const mostPixelsOfAnimation = 48_000_000;
const decodeWithinSeconds = 10;
const animateWithinSeconds = 30;
const sizes = { large: 512, small: 128 };
const thumbnailSize = 320;

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

interface Picture {
  bytes: Buffer;
  mimeType: string;
  /** Of one picture of an animation. */
  width: number;
  height: number;
  /** WebP, 320 pixels at its longer edge at most. */
  thumbnail: Buffer;
}

interface ImagesOptions {
  /** How many pictures are decoded at the same time; one takes up to 100 MB. */
  mostAtOnce: number;
}

export type Images = ReturnType<typeof createImages>;

/** Decodes pictures that people send and encodes them anew, so that nothing but their pixels remains. */
export function createImages({ mostAtOnce }: ImagesOptions) {
  const limit = pLimit(mostAtOnce);

  return {
    /**
     * The same picture upright, in sRGB and its own format – AVIF as WebP, as encoding it takes too long –, with a
     * thumbnail. GIF and WebP stay animated. It is read when its turn comes, which lasts until it is kept, so that no more
     * of them are in memory. Throws as `encodeAvatar` does; an animation may have 48 million pixels in all.
     */
    async encodePicture<T>(read: () => Promise<Buffer>, keep: (picture: Picture) => Promise<T>): Promise<T> {
      return limit(async () => keep(await encodePicture(await read())));
    },

    /**
     * Upright squares in WebP, cut from the middle; of an animation, its first picture. Takes JPEG, PNG, WebP, GIF
     * and AVIF. Throws `unsupported_media_type` for anything else, and `image_invalid` for what is broken or has
     * more than 24 million pixels.
     */
    async encodeAvatar(bytes: Buffer): Promise<Avatar> {
      await refuseOthers(bytes);
      return limit(() => encodeAvatar(bytes).catch(refuseBroken));
    },
  };
}

async function refuseOthers(bytes: Buffer): Promise<void> {
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (!accepted.has(type?.mime ?? '')) throw new AppError('unsupported_media_type');
}

function refuseBroken(error: unknown): never {
  throw new AppError('image_invalid', { cause: error });
}

async function encodePicture(bytes: Buffer): Promise<Picture> {
  await refuseOthers(bytes);
  try {
    const { pages, format, isPalette } = await sharp(bytes, { failOn: 'error' }).metadata();
    const isAnimated = (pages ?? 1) > 1 && (format === 'gif' || format === 'webp');
    const { data, info } = await upright(bytes, isAnimated)
      .toFormat(format === 'jpeg' || format === 'png' || format === 'gif' ? format : 'webp', {
        // as most cameras do it; a palette stays one, which keeps drawings small
        ...(format === 'jpeg' && { quality: 85 }),
        ...(format === 'png' && { palette: isPalette === true }),
        ...(isAnimated && { effort: 1 }),
      })
      .toBuffer({ resolveWithObject: true });
    const thumbnail = sharp(data, { limitInputPixels: mostPixels })
      .timeout({ seconds: decodeWithinSeconds })
      .resize(thumbnailSize, thumbnailSize, { fit: 'inside', withoutEnlargement: true })
      .webp();
    return {
      bytes: data,
      mimeType: `image/${info.format}`,
      width: info.width,
      height: info.pageHeight ?? info.height,
      thumbnail: await thumbnail.toBuffer(),
    };
  } catch (error) {
    return refuseBroken(error);
  }
}

/** What EXIF says of its turn is done to the picture itself; the rest of its metadata is left behind. */
function upright(bytes: Buffer, isAnimated: boolean): Sharp {
  return sharp(bytes, {
    failOn: 'error',
    animated: isAnimated,
    limitInputPixels: isAnimated ? mostPixelsOfAnimation : mostPixels,
  })
    .timeout({ seconds: isAnimated ? animateWithinSeconds : decodeWithinSeconds })
    .autoOrient()
    .toColourspace('srgb');
}

async function encodeAvatar(bytes: Buffer): Promise<Avatar> {
  const { data, info } = await upright(bytes, false)
    .resize(sizes.large, sizes.large, { fit: 'cover' })
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
