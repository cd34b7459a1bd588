import { expect } from 'chai';
import fc from 'fast-check';
import type { Message } from '../../src/features/messages/messages.contract.ts';
import { befriend, buildUser, logInAgain } from '../support/builders.ts';
import { Device, essence } from '../support/device.ts';
import { readWholeHistory } from '../support/log-checker.ts';
import { startApp, type TestApp } from '../support/start-app.ts';

type Step =
  | { do: 'send' | 'recall' | 'edit' | 'react' | 'delete' | 'read'; device: number; pick: number }
  | { do: 'leave' | 'return'; device: number; pick: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom(
      'send',
      'send',
      'send',
      'recall',
      'edit',
      'react',
      'delete',
      'read',
      'leave',
      'return',
    ),
    device: fc.nat(3),
    pick: fc.nat(1000),
  }) as fc.Arbitrary<Step>,
  { minLength: 20, maxLength: 60 },
);

const emojis = ['👍', '❤️'];

describe('several devices of two people', () => {
  let app: TestApp;
  before(async () => {
    app = await startApp();
  });
  after(() => app.close());

  /** Two devices of each; the first of each listens all the time and never asks again. */
  async function buildDevices(): Promise<[Device, Device, Device, Device]> {
    const [ann, bob] = [await buildUser(app.url), await buildUser(app.url)];
    await befriend(ann, bob);
    const users = [ann, bob, await logInAgain(app.url, ann), await logInAgain(app.url, bob)] as const;
    const devices = users.map((user) => new Device(app.url, user));
    await Promise.all(devices.map((device) => device.goOnline()));
    return devices as [Device, Device, Device, Device];
  }

  it('end in the server’s state, whatever is sent, changed and missed in which order', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 7 }), async (script, pageLimit) => {
        const devices = await buildDevices();
        const peerOf = (index: number) => (devices[(index + 1) % 2] as Device).user.id;
        const sent: Message[] = [];

        async function act({ do: what, device: index, pick }: Step): Promise<void> {
          const device = devices[index] as Device;
          if (what === 'leave') return index > 1 ? device.goOffline() : undefined;
          if (what === 'return') return device.isOnline ? undefined : device.goOnline(pageLimit);
          if (!device.isOnline) return;
          if (what === 'send') {
            const message = await device.socket.call('private_message', {
              receiverId: peerOf(index),
              content: `m${pick}`,
            });
            device.holdSent(message);
            sent.push(message);
            return;
          }
          const message = sent[pick % sent.length];
          if (!message) return;
          const { id: messageId } = message;
          if (what === 'recall') await device.socket.emit('message_recall', { messageId });
          else if (what === 'edit')
            await device.socket.emit('message_edit', { messageId, content: `e${pick}` });
          else if (what === 'react')
            await device.socket.emit('message_react', {
              messageId,
              emoji: emojis[pick % 2] as string,
              active: pick % 3 > 0,
            });
          else if (what === 'delete') {
            await device.socket.call('message_delete', { messageId });
            device.holdDeleted(message);
          } else await device.socket.emit('message_status_update', { messageId, status: 'read' });
        }

        // each device does one after the other, all of them at once, so that changes meet on their way
        const actInTurn = async (index: number) => {
          for (const step of script) if (step.device === index) await act(step);
        };
        await Promise.all(devices.map((_, index) => actInTurn(index)));
        for (const device of devices) if (!device.isOnline) await device.goOnline(pageLimit);
        for (const device of devices.slice(2)) await device.catchUp(pageLimit);
        await checkAgreement(devices, sent);
        for (const device of devices) device.goOffline();
      }),
      // what happened at once does not happen again, so there is nothing to shrink
      { numRuns: 20, endOnFailure: true },
    );
  });
});

async function checkAgreement(devices: Device[], sent: readonly Message[]): Promise<void> {
  const [first] = sent;
  if (!first) return;
  const { conversationId } = first;
  for (const [index, device] of devices.entries()) {
    const peer = devices[(index + 1) % 2] as Device;
    const history = await readWholeHistory(device.socket, peer.user.id);
    const places = device.places(conversationId);
    expect(places, `device ${index} has no hole`).to.deep.equal(places.map((_, at) => at + 1));
    expect(device.shows(conversationId), `device ${index}`).to.deep.equal(history.map(essence));
  }
}
