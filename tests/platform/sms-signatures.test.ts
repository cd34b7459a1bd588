import { expect } from 'chai';
import { signAliyun } from '../../src/platform/sms/aliyun-signature.ts';
import { signTencent } from '../../src/platform/sms/tencent-signature.ts';
import { signWebhook } from '../../src/platform/sms/webhook-signature.ts';

describe('sms: webhook signature', () => {
  const published = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestampSeconds: 1_614_265_330,
    body: '{"test": 2432232314}',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  };

  it('is that of the Standard Webhooks example', () => {
    expect(signWebhook(published)).to.equal('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('changes with the id, the time, the body and the secret', () => {
    const signatures = [
      published,
      { ...published, id: 'msg_other' },
      { ...published, timestampSeconds: 1_614_265_331 },
      { ...published, body: '{"test":2432232314}' },
      { ...published, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx' },
    ].map(signWebhook);
    expect(new Set(signatures)).to.have.length(5);
  });
});

describe('sms: Tencent Cloud signature', () => {
  const contentType = 'application/json; charset=utf-8';
  const host = 'cvm.tencentcloudapi.com';
  const published = {
    service: 'cvm',
    timestampSeconds: 1_551_113_065,
    payload: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
  };

  it('is that of the documentation, which signs the action too', () => {
    const authorization = signTencent({
      ...published,
      headers: { 'x-tc-action': 'DescribeInstances', host, 'content-type': contentType },
      // The documentation prints its key blacked out, and that is what it signs with.
      secretId: `AKID${'*'.repeat(32)}`,
      secretKey: '*'.repeat(32),
    });
    expect(authorization).to.equal(
      `TC3-HMAC-SHA256 Credential=AKID${'*'.repeat(32)}/2019-02-25/cvm/tc3_request, ` +
        'SignedHeaders=content-type;host;x-tc-action, ' +
        'Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f',
    );
  });

  for (const [ending, signature] of [
    ['*******', '2230eefd229f582d8b1b891af7107b91597240707d778ab3738f756258d7652c'],
    ['EXAMPLE', '72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168'],
  ]) {
    it(`is that of the earlier documentation, whose keys end in ${ending}`, () => {
      const secretId = `AKIDz8krbsJ5yKBZQpn74WFkmLPx3${ending}`;
      const authorization = signTencent({
        ...published,
        headers: { host, 'content-type': contentType },
        secretId,
        secretKey: `Gu5t9xGARNpq86cd98joQYCN3${ending}`,
      });
      expect(authorization).to.equal(
        `TC3-HMAC-SHA256 Credential=${secretId}/2019-02-25/cvm/tc3_request, ` +
          `SignedHeaders=content-type;host, Signature=${signature}`,
      );
    });
  }
});

describe('sms: Alibaba Cloud signature', () => {
  const published = {
    host: 'ecs.cn-shanghai.aliyuncs.com',
    action: 'RunInstances',
    version: '2014-05-26',
    date: '2023-10-26T10:22:32Z',
    nonce: '3156853299f313e23d1673dc12e1703d',
    query: {
      RegionId: 'cn-shanghai',
      ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
    },
    accessKeyId: 'YourAccessKeyId',
    accessKeySecret: 'YourAccessKeySecret',
  };

  it('is that of the documentation', () => {
    const { query, headers } = signAliyun(published);
    expect(query).to.equal(
      'ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai',
    );
    expect(headers.authorization).to.equal(
      'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;' +
        'x-acs-date;x-acs-signature-nonce;x-acs-version,' +
        'Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
    );
  });

  it('orders parameters by name, whatever their values are', () => {
    expect(signAliyun({ ...published, query: { A: 'z', 'A-': 'a', B: '' } }).query).to.equal('A=z&A-=a&B=');
  });

  it('encodes every character that RFC 3986 does not leave alone', () => {
    expect(signAliyun({ ...published, query: { a: "聊 +*~!'()/:" } }).query).to.equal(
      'a=%E8%81%8A%20%2B%2A~%21%27%28%29%2F%3A',
    );
  });
});
