import { expect } from 'chai';
import { rest } from '../support/clients.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

describe('health', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  for (const path of ['/healthz', '/readyz', '/health']) {
    it(`${path} answers ok to anybody, and nothing besides`, async () => {
      const { status, headers, body } = await rest(app.url, { method: 'GET', path });
      expect({ status, body }).to.deep.equal({ status: 200, body: { status: 'ok' } });
      expect(headers.get('content-type')).to.match(/^application\/json/);
    });
  }

  it('takes no other method', async () => {
    for (const path of ['/healthz', '/readyz', '/health'])
      expect((await rest(app.url, { method: 'POST', path })).status).to.equal(404);
  });
});
