import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

interface Begun {
  path: string;
  token?: string;
  /** For servers that believe who says so. */
  user?: string;
  field?: string;
  name?: string;
}

export type SlowUpload = ReturnType<typeof beginUpload>;

/** An upload that is sent piece by piece, or never whole. */
export function beginUpload(url: string, { path, token, user, field = 'file', name = 'a.pdf' }: Begun) {
  const boundary = 'boundary-of-a-slow-upload';
  const request = httpRequest(url + path, {
    method: 'POST',
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(user !== undefined && { user }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  });
  const answer = once(request, 'response').then(async ([response]) => {
    const { statusCode } = response as IncomingMessage;
    return { status: statusCode, body: JSON.parse(await text(response as IncomingMessage)) };
  });
  const closed = new Promise<void>((resolve) => request.once('close', resolve));
  // who waits for the answer hears of a connection that ends
  answer.catch(() => {});
  request.on('error', () => {});
  request.write(
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\n\r\n`,
  );

  return {
    answer,
    closed,
    request,
    /** Sends a piece; resolves when the connection has taken it. */
    send: (bytes: Buffer | string) =>
      new Promise<void>((resolve) => {
        request.write(bytes, () => resolve());
      }),
    finish() {
      request.end(`\r\n--${boundary}--\r\n`);
      return answer;
    },
    cut: () => request.destroy(),
  };
}
