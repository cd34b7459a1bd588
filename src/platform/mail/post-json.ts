const timeoutMs = 5000;

interface JsonPost {
  provider: string;
  url: string;
  headers: Record<string, string>;
  body: unknown;
  /** The member of the provider's error object that holds its name, such as `validation_error`. */
  errorMember: string;
}

/** Posts JSON; resolves on any 2xx. The provider's own words stay out of the error: they may repeat what was sent. */
export async function postJson({ provider, url, headers, body, errorMember }: JsonPost): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw new Error(`Mail by ${provider} failed: ${networkFault(error)}`);
  });
  if (response.ok) {
    // The mail is accepted, whatever becomes of the rest of the answer.
    response.body?.cancel().catch(() => undefined);
    return;
  }
  const name = await errorName(response, errorMember);
  throw new Error(`Mail by ${provider} failed: HTTP ${response.status}${name === null ? '' : ` ${name}`}`);
}

function networkFault(error: unknown): string {
  if (!(error instanceof Error)) return 'request failed';
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'request failed';
}

async function errorName(response: Response, member: string): Promise<string | null> {
  const problem: unknown = await response.json().catch(() => null);
  if (typeof problem !== 'object' || problem === null) return null;
  const name: unknown = Reflect.get(problem, member);
  return typeof name === 'string' && /^[a-z][a-z_-]{0,63}$/i.test(name) ? name : null;
}
