import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import type { AuthResult } from '../features/auth/auth.contract.ts';
import { authenticate, type ChatClient, connectClient, inWords, Refusal } from './client.ts';
import { createConversation } from './conversation.ts';
import { createTerminal } from './terminal.ts';

const usage = 'npm run chat -- [--url http://localhost:3000]';
const usualUrl = 'http://localhost:3000';

const terminal = createTerminal();
try {
  process.exitCode = await chat();
} catch (error) {
  terminal.print(inWords(error));
  process.exitCode = 1;
}
terminal.close();

/** From the first question to the last message. Answers the exit code. */
async function chat(): Promise<number> {
  const url = await chooseServer();
  const account = await signIn(url);
  if (!account) return 0;
  terminal.print(`\nHello ${account.user.nickname}. /help shows what you can do.`);
  return converse(url, account);
}

/** Where to chat: the server that is named, or the one on this machine, if it answers. */
async function chooseServer(): Promise<string> {
  const { values, positionals } = readArguments();
  const said = values.url ?? positionals[0] ?? usualUrl;
  const url = /^https?:\/\//.test(said) ? said : `http://${said}`;
  if (!URL.canParse(url)) throw new Error(`${url} is not an address.`);
  const { origin } = new URL(url);
  const answer = await fetch(`${origin}/healthz`).catch(() => null);
  if (!answer?.ok) throw new Error(`${origin} does not answer. Is it running there? Usage: ${usage}`);
  return origin;
}

function readArguments() {
  try {
    return parseArgs({ options: { url: { type: 'string' } }, allowPositionals: true });
  } catch (error) {
    throw new Error(`${inWords(error)}\nUsage: ${usage}`, { cause: error });
  }
}

/** Logs in or registers; asks again until one of them works. `null` when the input ends. */
async function signIn(url: string): Promise<AuthResult | null> {
  for (;;) {
    const email = await terminal.ask('E-mail: ');
    const password = email && (await terminal.ask('Password: ', { isSecret: true }));
    if (email === null || password === null) return null;
    try {
      return await logInOrRegister(url, {
        email,
        password,
        deviceName: `chat on ${hostname()}`.slice(0, 64),
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      terminal.print(error.message);
    }
  }
}

interface Credentials {
  email: string;
  password: string;
  deviceName: string;
}

async function logInOrRegister(url: string, credentials: Credentials): Promise<AuthResult | null> {
  try {
    return await authenticate(url, 'login', credentials);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'invalid_credentials') throw error;
    const says = await terminal.ask(
      `No account has this e-mail and password. Register ${credentials.email}? [y/N] `,
    );
    if (says === null) return null;
    if (!/^(y|yes|是)$/i.test(says)) throw error;
    const nickname = await terminal.ask('Nickname: ');
    return nickname === null ? null : authenticate(url, 'register', { ...credentials, nickname });
  }
}

async function converse(url: string, account: AuthResult): Promise<number> {
  let isReady = false;
  let whenReady = () => {};
  const ready = new Promise<void>((resolve) => {
    whenReady = resolve;
  });
  const conversation = createConversation({ me: account.user, terminal, client: () => client });
  const client: ChatClient = connectClient({
    url,
    account,
    async onConnect() {
      await conversation.load();
      if (isReady) terminal.print('Connected again.');
      else await conversation.begin();
      isReady = true;
      whenReady();
    },
    onMessage: conversation.hear,
    onChange: conversation.hearChange,
    onRequest: conversation.hearRequest,
    onFriend: conversation.befriend,
    onNotice: (text) => terminal.print(`(${text})`),
    onEnd(reason) {
      terminal.print(reason);
      process.exit(1);
    },
  });
  await ready;
  for (;;) {
    const line = await terminal.ask(conversation.prompt);
    if (line === null || line === '/quit') break;
    await conversation.take(line);
  }
  const unsent = await conversation.finish();
  if (unsent > 0) terminal.print(`${unsent} of your messages could not be sent.`);
  await client.close();
  return unsent > 0 ? 1 : 0;
}
