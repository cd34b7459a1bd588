import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { readConfig } from '../src/config.ts';
import { faultsOf, readExample } from './support/settings.ts';

const secret = 'a-sufficiently-long-and-varied-secret-0123456789';
const production = { NODE_ENV: 'production', JWT_SECRET: secret, MONGODB_URI: 'mongodb://db/parley' };

describe('config: in production', () => {
  it('starts with a secret and a database, or with a disk named on purpose', () => {
    expect(readConfig(production)).to.include({ isProduction: true, jwtSecret: secret });
    expect(faultsOf({ ...production, MONGODB_URI: undefined, DATA_DIR: '/var/lib/parley' })).to.deep.equal(
      [],
    );
  });

  for (const [what, override, fault] of [
    ['no secret', { JWT_SECRET: '' }, /^JWT_SECRET must be set/],
    ['a secret of 31 bytes', { JWT_SECRET: secret.slice(0, 31) }, /^JWT_SECRET must have 32 bytes/],
    ['a secret of 9 different characters', { JWT_SECRET: '123456789'.repeat(5) }, /10 different characters/],
    [
      'a secret from an example',
      { JWT_SECRET: 'a_very_strong_secret_key_at_least_32_chars_long' },
      /^JWT_SECRET must not be taken from an example/,
    ],
    ['codes in the log', { SMS_DRIVER: 'log' }, /^SMS_DRIVER must not be log/],
    ['mails in the log', { EMAIL_DRIVER: 'log' }, /^EMAIL_DRIVER must not be log/],
    ['codes that live longer', { CODE_TTL_SECONDS: '301' }, /^CODE_TTL_SECONDS must be 300 at most/],
    ['codes that come sooner', { CODE_RESEND_SECONDS: '59' }, /^CODE_RESEND_SECONDS must be 60 at least/],
    ['more codes per target', { CODE_DAILY_PER_TARGET: '11' }, /^CODE_DAILY_PER_TARGET must be 10 at most/],
    ['more codes per address', { CODE_DAILY_PER_ADDRESS: '31' }, /^CODE_DAILY_PER_ADDRESS must be 30/],
    ['more codes in all', { CODE_DAILY_TOTAL: '1001' }, /^CODE_DAILY_TOTAL must be 1000 at most/],
    ['limits off', { RATE_LIMITS: 'off' }, /^RATE_LIMITS must be on/],
    ['neither database nor disk', { MONGODB_URI: '' }, /^MONGODB_URI must be set.*DATA_DIR/],
  ] as const) {
    it(`refuses ${what}`, () => {
      const faults = faultsOf({ ...production, ...override });
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(fault);
    });

    it(`minds ${what} in production only`, () => {
      expect(faultsOf({ ...production, ...override, NODE_ENV: 'development' })).to.deep.equal([]);
    });
  }

  it('refuses every secret as it stands in .env.example, by name', async () => {
    const examples = (await readExample()).filter(
      ([name]) => /(SECRET|TOKEN|PASS|KEY)$/.test(name) || name === 'EMAIL_URL',
    );
    expect(examples).to.have.length(10);
    for (const [name, value] of examples) {
      for (const variant of [value, ` ${value}`, `${value} `, `'${value}'`, value.toUpperCase()]) {
        const named = faultsOf({ ...production, [name]: variant }).map((fault) => fault.split(' ')[0]);
        expect(named, `${name}=${variant}`).to.include(name);
      }
    }
  });

  for (const placeholder of [
    'your_jwt_secret_key',
    'your_super_secret_jwt_key_change_this_in_production',
    'your-256-bit-secret-1234567890-abcdefgh',
    'YOUR SECRET GOES HERE, 32 BYTES AT LEAST',
    '<your-secret-of-32-bytes-or-more-goes-here>',
    'yoursecretkeyofthirtytwobytesandmore',
    'a-long-enough-text-that-you-should-change-me',
    'super-secret-key-please-changeme-0123456789',
    'replace_this_with_a_long_and_random_string',
    'a-very-strong-secret-key-at-least-32-chars-long',
  ]) {
    it(`refuses the placeholder ${placeholder}, whatever secret it stands for`, () => {
      for (const name of ['JWT_SECRET', 'TWILIO_AUTH_TOKEN', 'S3_SECRET_ACCESS_KEY', 'EMAIL_PASS']) {
        const faults = faultsOf({ ...production, [name]: placeholder });
        expect(faults).to.include(`${name} must not be taken from an example`);
      }
    });
  }

  it('takes secrets made at random', () => {
    for (let turn = 0; turn < 500; turn++) {
      const random = randomBytes(48).toString(turn % 2 ? 'base64url' : 'base64');
      expect(faultsOf({ ...production, JWT_SECRET: random, TWILIO_AUTH_TOKEN: random })).to.deep.equal([]);
    }
  });

  it('counts the bytes of a secret, not its characters', () => {
    expect(faultsOf({ ...production, JWT_SECRET: '一二三四五六七八九十百' })).to.deep.equal([]);
  });
});
