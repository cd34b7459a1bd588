import type { Given } from './fields.ts';

/** Settings whose value nobody else may know. */
const secretNames = [
  'JWT_SECRET',
  'SMS_WEBHOOK_SECRET',
  'TWILIO_AUTH_TOKEN',
  'ALIBABA_CLOUD_ACCESS_KEY_SECRET',
  'TENCENTCLOUD_SECRET_KEY',
  'EMAIL_PASS',
  'EMAIL_URL',
  'RESEND_API_KEY',
  'BREVO_API_KEY',
  'S3_SECRET_ACCESS_KEY',
];

/** Examples that look like a secret: ours, and those of documents that ours is set up after. */
const examples = [
  'a_very_strong_secret_key_at_least_32_chars_long',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'password',
].map(compact);

/** What stands where a secret is to be put: "your-auth-token", "your_super_secret_jwt_key_change_this_in_production". */
const placeholder = /(^|[^a-z0-9])your[^a-z0-9]|(change|replace).?(this|(me|it)(?![a-z]))/i;
const placeholderCompact = /your(own|super|jwt|secret|auth|api|access|app|token|key|password)|examplekey/;

/** What production refuses of secrets: what anybody could know, and a key of tokens that could be guessed. */
export function secretFaults(set: Given): string[] {
  const faults = secretNames
    .filter((name) => isExample(secretIn(String(set[name] ?? ''))))
    .map((name) => `${name} must not be taken from an example`);
  const key = set.JWT_SECRET;
  if (typeof key !== 'string') return [...faults, 'JWT_SECRET must be set in production'];
  if (Buffer.byteLength(key) < 32) faults.push('JWT_SECRET must have 32 bytes at least');
  if (new Set(key).size < 10) faults.push('JWT_SECRET must have 10 different characters at least');
  return faults;
}

/** Of an address with user and password the password. */
function secretIn(value: string): string {
  return URL.canParse(value) && value.includes('://') ? new URL(value).password : value;
}

function isExample(secret: string): boolean {
  const bare = compact(secret);
  return examples.includes(bare) || placeholder.test(secret) || placeholderCompact.test(bare);
}

/** A text without what is easily lost or changed on its way into a variable: case, blanks, quotes, separators. */
function compact(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
