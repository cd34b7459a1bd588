import {
  type Change,
  type ChatClient,
  type Friend,
  type FriendRequest,
  inWords,
  type Message,
} from './client.ts';
import { harmless, type Terminal } from './terminal.ts';

const help = `
  Write a line to send it to the friend named in the prompt. ✓ #7 says that it is stored, as message 7.
  /add EMAIL       ask somebody to be your friend       /friends   your friends and who asks to be one
  /accept [NAME]   accept who asks                      /history   the latest messages
  /to NAME         talk to another friend               /help, /quit
  NAME is a nickname or its beginning, a number of the list, or an e-mail that you have just added.
`;

const historyLength = 10;
const patienceMs = 10_000;

interface ConversationDeps {
  me: { id: string };
  terminal: Terminal;
  /** The client, which is made after this as it tells this what it hears. */
  client(): ChatClient;
}

/** What the person at the terminal sees and says: friends, requests, and the friend they talk to now. */
export function createConversation({ me, terminal, client }: ConversationDeps) {
  let friends: Friend[] = [];
  let requests: FriendRequest[] = [];
  let current: Friend['user'] | null = null;
  let outbox: Promise<void> = Promise.resolve();
  let unsent = 0;
  const idByEmail = new Map<string, string>();

  const nameOf = (userId: string) => friends.find(({ user }) => user.id === userId)?.user.nickname ?? '?';

  /** The one whom a name, the beginning of one, a number of the list or an e-mail added here means. */
  function choose<T>(items: readonly T[], userOf: (item: T) => Friend['user'], said: string): T | undefined {
    if (said === '') return items.length === 1 ? items[0] : undefined;
    const text = said.toLowerCase();
    const names = items.map((item) => userOf(item).nickname.toLowerCase());
    const index = [names.indexOf(text), names.findIndex((name) => name.startsWith(text)), Number(text) - 1];
    return (
      items.find((item) => userOf(item).id === idByEmail.get(text)) ??
      items[index.find((position) => position >= 0) ?? -1]
    );
  }

  async function load(): Promise<void> {
    [friends, requests] = await Promise.all([
      client()
        .call('friend_list', {})
        .then(({ items }) => items),
      client()
        .call('friend_request_list', {})
        .then(({ items }) => items),
    ]);
  }

  function showPeople(): void {
    const lines = friends.map(
      ({ user, presence }, index) => `  ${index + 1}. ${user.nickname} (${presence.status})`,
    );
    terminal.print(
      lines.length > 0 ? `Friends:\n${lines.join('\n')}` : 'No friends yet: /add EMAIL asks one.',
    );
    requests.forEach(showRequest);
  }

  function showRequest({ from, message }: FriendRequest): void {
    const says = message === null ? '' : `, and says: ${harmless(message)}`;
    terminal.print(`${from.nickname} asks to be your friend${says}. /accept ${from.nickname}`);
  }

  function showMessage({ senderId, receiverId, createdAt, ...message }: Message): void {
    const time = new Date(createdAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const who = senderId === me.id ? `you to ${nameOf(receiverId ?? '')}` : nameOf(senderId);
    terminal.print(`[${time}] ${who}: ${harmless(inText(message))}`);
  }

  function showChange({ event, data }: Change): void {
    const number = `#${data.messageSeq}`;
    const whoOf = (userId: string) => (userId === me.id ? 'you' : nameOf(userId));
    if (event === 'message_recalled') terminal.print(`  (${whoOf(data.recalledBy)} recalled ${number})`);
    else if (event === 'message_edited')
      terminal.print(`  (${number} is now: ${harmless(String(data.content))})`);
    else
      terminal.print(
        `  (${whoOf(data.userId)} ${data.active ? 'put' : 'took back'} ${data.emoji} on ${number})`,
      );
  }

  function say(text: string): void {
    const to = current;
    if (!to) {
      terminal.print('There is nobody to write to yet. /add EMAIL asks a friend, /help tells more.');
      return;
    }
    unsent++;
    // one after the other, so that a message that has to be repeated is not overtaken
    outbox = outbox.then(async () => {
      try {
        terminal.print(`  ✓ #${(await client().send(to.id, text)).seq}`);
      } catch (error) {
        terminal.print(`  ✗ not sent to ${to.nickname}: ${inWords(error)}`);
      }
      unsent--;
    });
  }

  async function talkTo(user: Friend['user']): Promise<void> {
    current = user;
    const { items } = await client().call('message_history', { friendId: user.id, limit: historyLength });
    terminal.print(items.length > 0 ? `With ${user.nickname}:` : `With ${user.nickname}. Write something!`);
    items.forEach(showMessage);
  }

  const commands: Record<string, (said: string) => void | Promise<void>> = {
    help: () => terminal.print(help),
    async friends() {
      await load();
      showPeople();
    },
    async add(email) {
      const { to, status } = await client().call('friend_add', { email });
      idByEmail.set(email.toLowerCase(), to.id);
      if (status === 'accepted') await load();
      terminal.print(
        status === 'accepted' ? `${to.nickname} is your friend now.` : `${to.nickname} is asked.`,
      );
    },
    async accept(said) {
      const request = choose(requests, ({ from }) => from, said);
      if (!request) return terminal.print('Whom? /friends shows who asks.');
      befriend(await client().call('friend_accept', { friendId: request.from.id }));
    },
    async to(said) {
      const friend = choose(friends, ({ user }) => user, said);
      if (!friend) return terminal.print('No friend of that name. /friends shows them.');
      await talkTo(friend.user);
    },
    async history() {
      if (current) await talkTo(current);
      else terminal.print('There is no conversation yet.');
    },
  };

  function befriend(friend: Friend): void {
    const isOther = ({ id }: Friend['user']) => id !== friend.user.id;
    friends = [friend, ...friends.filter(({ user }) => isOther(user))];
    requests = requests.filter(({ from }) => isOther(from));
    current ??= friend.user;
    terminal.print(`You and ${friend.user.nickname} are friends now.`);
  }

  return {
    get prompt() {
      return `${current?.nickname ?? ''}> `;
    },

    load,
    showPeople,
    befriend,

    /** Begins with the only friend there is. */
    async begin(): Promise<void> {
      showPeople();
      const [only] = friends;
      if (only && friends.length === 1) await talkTo(only.user);
    },

    hear(message: Message): void {
      showMessage(message);
      current ??= friends.find(({ user }) => user.id === message.senderId)?.user ?? null;
    },

    hearChange: showChange,

    hearRequest(request: FriendRequest): void {
      if (request.from.id === me.id) return;
      requests = [request, ...requests.filter(({ from }) => from.id !== request.from.id)];
      showRequest(request);
    },

    /** Does what a line says. Never throws. */
    async take(line: string): Promise<void> {
      if (line === '') return;
      const [, name, said = ''] = /^\/(\w*)\s*(.*)$/s.exec(line) ?? [];
      if (name === undefined) return say(line);
      const command = commands[name];
      if (!command) return terminal.print(`There is no /${name}. /help shows what there is.`);
      if (!client().isConnected && name !== 'help')
        return terminal.print('There is no connection at the moment.');
      await Promise.resolve(command(said.trim())).catch((error) => terminal.print(inWords(error)));
    },

    /** Waits until everything is sent, but not for ever. Answers how many messages were not. */
    async finish(): Promise<number> {
      const patience = AbortSignal.timeout(patienceMs);
      await Promise.race([
        outbox,
        new Promise((resolve) => patience.addEventListener('abort', resolve, { once: true })),
      ]);
      return unsent;
    },
  };
}

function inText({
  contentType,
  content,
  recalledAt,
  editedAt,
}: Pick<Message, 'contentType' | 'content' | 'recalledAt' | 'editedAt'>): string {
  if (recalledAt !== null) return '(recalled)';
  const text = typeof content === 'string' ? content : `(${contentType}) ${JSON.stringify(content)}`;
  return editedAt === null ? text : `${text} (edited)`;
}
