export const providerTimeoutMs = 5000;

interface ProviderRequest {
  /** As it is named in errors. */
  provider: string;
  url: URL;
  headers: Record<string, string>;
  /** `null` sends none, and no Content-Type that would have to be signed. */
  body: string | URLSearchParams | null;
  timeoutMs: number;
}

/**
 * Posts and gives the answer, whatever its status; rejects when there is none in time or when it is a redirect, which
 * would carry the code to somebody the settings do not name.
 */
export async function postToProvider(request: ProviderRequest): Promise<Response> {
  const { provider, url, headers, body, timeoutMs } = request;
  try {
    return await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    throw notTaken(provider, reasonOf(error, timeoutMs));
  }
}

/** The body as JSON; `null` when it is none, or breaks off. */
export async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** For answers whose status says everything: frees the connection without waiting for the rest. */
export async function discardBody(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Carries no `cause`, and no text of a provider's: either could repeat the code, the number or a secret. */
export function notTaken(provider: string, reason: string): Error {
  return new Error(`${provider} did not take the SMS: ${reason}`);
}

/** Names a provider's error code if it looks like one: no digits, since codes and numbers are made of them. */
export function refusal(status: number, errorCode: string | undefined): string {
  const isCode = errorCode !== undefined && /^[A-Za-z][A-Za-z._-]{1,99}$/.test(errorCode);
  return `HTTP ${status}, ${isCode ? errorCode : 'no error code that can be told'}`;
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'the request failed';
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  if (!(cause instanceof Error)) return 'the request failed';
  if (cause.message === 'unexpected redirect') return 'redirects are not followed';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : 'the request failed';
}
