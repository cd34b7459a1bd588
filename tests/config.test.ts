import { expect } from 'chai';
import { ConfigError, readConfig, settings } from '../src/config.ts';
import { faultsOf, readExample } from './support/settings.ts';

const secret = 'a-sufficiently-long-and-varied-secret-0123456789';
const production = { NODE_ENV: 'production', JWT_SECRET: secret, MONGODB_URI: 'mongodb://db/parley' };

describe('config', () => {
  it('needs nothing: with none set there is a default for all', () => {
    expect(readConfig({})).to.deep.equal({
      isProduction: false,
      port: 3000,
      host: undefined,
      mongodbUri: null,
      dataDir: './data',
      jwtSecret: null,
      accessLifetimeSeconds: 86_400,
      refreshLifetimeSeconds: 30 * 86_400,
      bcryptCost: 12,
      hasRateLimits: true,
      trustedProxyHops: 0,
      corsOrigins: '*',
      logLevel: 'info',
      publicUrl: 'http://localhost:3000',
      qrLifetimeSeconds: 30 * 86_400,
      editWindowMs: 15 * 60_000,
      presence: { graceMs: 5000, renewEveryMs: 10_000, leaseAliveMs: 45_000 },
      history: { shownForMs: 0, keptForMs: 0 },
      codes: {
        ttlSeconds: 300,
        resendSeconds: 60,
        dailyPerTarget: 10,
        dailyPerAddress: 30,
        dailyTotal: 1000,
      },
      sms: { driver: 'log' },
      mail: { driver: 'log' },
      phones: { defaultCountry: 'CN', countries: undefined },
      s3: null,
      uploads: {
        maxBytes: { image: 10 * 1024 * 1024, other: 50 * 1024 * 1024 },
        quotaBytes: 1024 * 1024 * 1024,
      },
      groups: { mostMembers: 500, codeLifetimeSeconds: 7 * 86_400 },
    });
  });

  it('takes an empty variable for one that is not set', () => {
    const empty = Object.fromEntries(Object.keys(settings.shape).map((name) => [name, '']));
    expect(readConfig(empty)).to.deep.equal(readConfig({}));
  });

  it('leaves variables alone that are not its own', () => {
    expect(faultsOf({ PATH: '/bin', npm_config_port: 'x' })).to.deep.equal([]);
  });

  for (const [text, seconds] of [
    ['90s', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
    ['3600', 3600],
  ] as const) {
    it(`reads the time span ${text}`, () => {
      expect(readConfig({ JWT_EXPIRES_IN: text }).accessLifetimeSeconds).to.equal(seconds);
    });
  }

  for (const [text, graceMs] of [
    ['0', 0],
    ['0.25', 250],
    ['30', 30_000],
  ] as const) {
    it(`reads the seconds ${text}`, () => {
      expect(readConfig({ PRESENCE_GRACE_SECONDS: text }).presence.graceMs).to.equal(graceMs);
    });
  }
  it('reads minutes with a fraction, and refuses what is no such number', () => {
    expect(readConfig({ EDIT_WINDOW_MINUTES: '0.5' }).editWindowMs).to.equal(30_000);
    for (const text of ['-1', 'NaN', '1e3', '600000', ' '])
      expect(faultsOf({ EDIT_WINDOW_MINUTES: text }), text).to.have.length(1);
  });

  it('takes one life for codes of all kinds', () => {
    const { qrLifetimeSeconds, groups } = readConfig({ QR_EXPIRES_IN: '2h' });
    expect([qrLifetimeSeconds, groups.codeLifetimeSeconds]).to.deep.equal([7200, 7200]);
  });

  it('takes one cap for all uploads, and no quota at all', () => {
    const { uploads } = readConfig({ UPLOAD_MAX_BYTES: '1000', UPLOAD_QUOTA_BYTES: '0' });
    expect(uploads.maxBytes).to.deep.equal({ image: 1000, other: 1000 });
    expect(uploads.quotaBytes).to.equal(Number.MAX_SAFE_INTEGER);
    expect(faultsOf({ UPLOAD_MAX_BYTES: '0', UPLOAD_QUOTA_BYTES: '-1' })).to.have.length(2);
  });

  it('reads days with fractions; what is not kept is not shown either', () => {
    const historyOf = (roaming: string, retention: string) =>
      readConfig({ MESSAGE_ROAMING_DAYS: roaming, MESSAGE_RETENTION_DAYS: retention }).history;
    expect(historyOf('0.5', '')).to.deep.equal({ shownForMs: 43_200_000, keptForMs: 0 });
    expect(historyOf('', '30')).to.deep.equal({ shownForMs: 30 * 86_400_000, keptForMs: 30 * 86_400_000 });
    expect(historyOf('7', '2')).to.deep.equal({ shownForMs: 2 * 86_400_000, keptForMs: 2 * 86_400_000 });
    expect(historyOf('0.00001', '36500').shownForMs).to.be.closeTo(864, 0.001);
    expect(historyOf('0', '0.0')).to.deep.equal({ shownForMs: 0, keptForMs: 0 });
  });

  it('reads origins as a list, with blanks around its commas', () => {
    const { corsOrigins } = readConfig({ CORS_ORIGINS: 'https://a.example, https://b.example' });
    expect(corsOrigins).to.deep.equal(['https://a.example', 'https://b.example']);
  });

  for (const [name, values] of Object.entries({
    PORT: ['-1', '65536', 'http', '80.5', '0x50'],
    JWT_EXPIRES_IN: ['0', '0h', '-5m', 'soon', '1w', '999999999d'],
    REFRESH_EXPIRES_IN: ['0d', '1.5d'],
    BCRYPT_COST: ['3', '21', 'high'],
    GROUP_MAX_MEMBERS: ['1', '100001', 'many'],
    PRESENCE_GRACE_SECONDS: ['-1', '3601', '5s', '1e3', '.5'],
    RATE_LIMITS: ['yes', 'true', 'OFF'],
    TRUST_PROXY: ['true', '-1', '11', 'loopback'],
    LOG_LEVEL: ['verbose'],
    MESSAGE_ROAMING_DAYS: ['-1', '36501', '100000', 'NaN', 'Infinity', '1e3', '7d', '1,5', '.'],
    MESSAGE_RETENTION_DAYS: ['-0.5', '36500.1', 'for ever', '0x10'],
    MONGODB_URI: [
      'localhost:27017',
      'postgres://db',
      'mongodb://',
      'mongodb:///parley',
      'mongodb://user:hunter2@/parley',
      'mongodb://user:p%ss@host/x',
      'mongodb://user:p@ss:w0rd@host/x',
      'mongodb://user:p/ss@host/x',
      'mongodb://host:99999/x',
      'mongodb://host/x?tls=perhaps',
      'mongodb://host/x?password=hunter2',
      'mongodb+srv://user:hunter2@host:27017/x',
    ],
  })) {
    for (const value of values) {
      it(`refuses ${name}=${value}, by name and without the value`, () => {
        const faults = faultsOf({ [name]: value });
        expect(faults).to.have.length(1);
        expect(faults[0]).to.match(new RegExp(`^${name} `));
        if (value.length > 2) expect(faults[0]).to.not.include(value);
      });
    }
  }

  for (const uri of [
    'mongodb://127.0.0.1:27017/parley',
    'mongodb://user:p%40ss%2F@a.example,b.example:27018/parley?replicaSet=rs&authSource=admin',
    'mongodb://[::1]:27017/parley',
    'mongodb://%2Ftmp%2Fdb.sock/parley?directConnection=true',
    'mongodb+srv://user:pass@cluster.example.net/parley?retryWrites=true&w=majority&appName=chat',
  ]) {
    it(`takes MONGODB_URI=${uri}`, () => {
      expect(readConfig({ MONGODB_URI: uri }).mongodbUri).to.equal(uri);
    });
  }

  it('tells all faults at once, each on a line of its own', () => {
    const environment = { PORT: 'x', LOG_LEVEL: 'x', TRUST_PROXY: 'x', NODE_ENV: 'production' };
    const faults = faultsOf(environment);
    const names = faults.map((fault) => fault.split(' ')[0]);
    expect(names).to.have.members(['PORT', 'LOG_LEVEL', 'TRUST_PROXY', 'JWT_SECRET', 'MONGODB_URI']);
    expect(new ConfigError(faults).message.split('\n')).to.have.length(faults.length + 1);
  });

  it('never shows a secret in what it says', () => {
    const environment = { ...production, JWT_SECRET: 'hunter2', MONGODB_URI: 'mysql://me:hunter2@db' };
    const message = new ConfigError(faultsOf(environment)).message;
    expect(message).to.include('JWT_SECRET').and.include('MONGODB_URI').and.not.include('hunter2');
  });
});

describe('config: the public address', () => {
  it('is PUBLIC_URL, else what Render says, else this machine; a slash at its end means nothing', () => {
    const render = { RENDER_EXTERNAL_URL: 'https://parley.onrender.com' };
    expect(readConfig({ ...render, PUBLIC_URL: 'https://chat.example.com/' }).publicUrl).to.equal(
      'https://chat.example.com',
    );
    expect(readConfig(render).publicUrl).to.equal('https://parley.onrender.com');
    expect(readConfig({ PORT: '8080' }).publicUrl).to.equal('http://localhost:8080');
  });
});

describe('config: drivers', () => {
  const secret = `whsec_${'A'.repeat(32)}`;

  for (const [what, environment, faults] of [
    ['webhook', { SMS_DRIVER: 'webhook' }, ['SMS_WEBHOOK_URL', 'SMS_WEBHOOK_SECRET']],
    ['twilio', { SMS_DRIVER: 'twilio' }, ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'SMS_FROM']],
    [
      'aliyun',
      { SMS_DRIVER: 'aliyun', SMS_SIGN_NAME: 'Parley' },
      ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET', 'SMS_TEMPLATE_ID'],
    ],
    [
      'tencent',
      { SMS_DRIVER: 'tencent', SMS_SIGN_NAME: 'Parley', SMS_TEMPLATE_ID: '1' },
      ['TENCENTCLOUD_SECRET_ID', 'TENCENTCLOUD_SECRET_KEY', 'SMS_APP_ID'],
    ],
    ['smtp by service', { EMAIL_SERVICE: 'gmail' }, ['EMAIL_USER', 'EMAIL_PASS']],
    ['smtp by address', { EMAIL_URL: 'smtps://u:p@mail.example.com' }, ['EMAIL_FROM']],
    ['resend', { RESEND_API_KEY: 're_1' }, ['EMAIL_FROM']],
    ['brevo', { EMAIL_DRIVER: 'brevo' }, ['BREVO_API_KEY', 'EMAIL_FROM']],
    ['a bucket', { S3_BUCKET: 'b' }, ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']],
  ] as const) {
    it(`${what}: names what is missing, all at once`, () => {
      const named = faultsOf(environment).map((fault) => fault.split(' ')[0]);
      expect(named).to.deep.equal([...faults]);
    });
  }

  it('picks the way mails go by what is set, and none in production where nothing is', () => {
    const smtp = { EMAIL_SERVICE: 'gmail', EMAIL_USER: 'a@gmail.com', EMAIL_PASS: 'p' };
    expect(readConfig(smtp).mail).to.deep.equal({
      driver: 'smtp',
      from: 'a@gmail.com',
      server: { service: 'gmail', user: 'a@gmail.com', pass: 'p' },
    });
    expect(readConfig({ BREVO_API_KEY: 'k', EMAIL_FROM: 'a@b.cn' }).mail).to.include({ driver: 'brevo' });
    const production = readConfig({
      NODE_ENV: 'production',
      JWT_SECRET: 'abcdefghijklmnopqrstuvwxyz012345',
      DATA_DIR: '/data',
    });
    expect([production.sms, production.mail]).to.deep.equal([null, null]);
  });

  it('takes countries in any case and refuses what is none', () => {
    expect(readConfig({ SMS_COUNTRIES: 'cn, hk' }).phones.countries).to.deep.equal(['CN', 'HK']);
    expect(faultsOf({ SMS_COUNTRIES: 'CN,XX' })).to.have.length(1);
    expect(faultsOf({ PHONE_DEFAULT_COUNTRY: 'China' })).to.have.length(1);
  });

  it('takes a webhook secret of 24 bytes at least', () => {
    const webhook = { SMS_DRIVER: 'webhook', SMS_WEBHOOK_URL: 'https://example.com' };
    expect(faultsOf({ ...webhook, SMS_WEBHOOK_SECRET: secret })).to.deep.equal([]);
    expect(faultsOf({ ...webhook, SMS_WEBHOOK_SECRET: 'whsec_short' })).to.have.length(1);
  });
});

describe('config: .env.example', () => {
  it('names exactly the settings that exist, and what it sets is taken', async () => {
    const pairs = await readExample();
    expect(pairs.map(([name]) => name)).to.have.members(Object.keys(settings.shape));
    expect(faultsOf(Object.fromEntries(pairs))).to.deep.equal([]);
  });
});
