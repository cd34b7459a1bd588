import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { rest } from './clients.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import { startApp, type TestApp } from './start-app.ts';

export interface CodeTarget {
  email?: string;
  phone?: string;
}

/** A server whose codes and mails arrive in an outbox, and its database. */
export class CodeApp {
  readonly app: TestApp;
  readonly outbox: Outbox;
  readonly database: Connection;

  private constructor(app: TestApp, outbox: Outbox, database: Connection) {
    this.app = app;
    this.outbox = outbox;
    this.database = database;
  }

  static async open(overrides: Parameters<typeof startApp>[0] = {}): Promise<CodeApp> {
    const outbox = await openOutbox();
    const app = await startApp({ ...outbox.settings, ...overrides });
    return new CodeApp(app, outbox, await mongoose.createConnection(app.mongodbUri).asPromise());
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.app.close();
    await this.outbox.close();
  }

  post(path: string, body: object, token?: string) {
    return rest(this.app.url, { method: 'POST', path: `/api/auth/${path}`, body, token });
  }

  sendCode(target: CodeTarget, purpose?: string, token?: string) {
    return this.post('send-verification-code', { ...target, ...(purpose && { purpose }) }, token);
  }

  verify(target: CodeTarget, code: string, more = {}) {
    return this.post('verify-code', { ...target, code, ...more });
  }

  /** Lets everything be done at once that limits in the database would put off. */
  async forgetLimits(): Promise<void> {
    await this.database.collection('limits').deleteMany({});
  }

  /** Has a code sent and reads it. */
  async receiveCode(target: CodeTarget, purpose?: string, token?: string): Promise<string> {
    const { status, body } = await this.sendCode(target, purpose, token);
    expect(status, JSON.stringify(body)).to.equal(202);
    return this.outbox.code(target.email ?? target.phone ?? '');
  }
}
