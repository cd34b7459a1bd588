import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { addressOf, subnetOf } from '../../src/transports/client.ts';

/** A request as it arrives from a peer, with what proxies have noted. */
function requestFrom(remoteAddress: string, forwardedFor?: string): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return { headers, socket: { remoteAddress }, connection: { remoteAddress } } as unknown as IncomingMessage;
}

describe('transports: a client’s address', () => {
  for (const [what, forwardedFor, hops, address] of [
    ['the peer without trusted proxies', '192.0.2.9', 0, '198.51.100.1'],
    ['what our proxy noted', '10.0.0.1, 192.0.2.9', 1, '192.0.2.9'],
    ['an address without its port', '192.0.2.9:4711', 1, '192.0.2.9'],
    ['IPv6 without brackets and port', '[2001:db8::1]:4711', 1, '2001:db8::1'],
    ['IPv4 within IPv6 as IPv4', '::ffff:192.0.2.9', 1, '192.0.2.9'],
    ['nothing for what is no address', '<script>', 1, 'unknown'],
  ] as const) {
    it(`is ${what}`, () => {
      expect(addressOf(requestFrom('198.51.100.1', forwardedFor), hops)).to.equal(address);
    });
  }

  it('counts by its network where it is IPv6, and whole where it is IPv4', () => {
    expect(subnetOf('2001:db8:1:2::a')).to.equal(subnetOf('2001:db8:1:2:ffff::b'));
    expect(subnetOf('2001:db8:1:2::a')).to.not.equal(subnetOf('2001:db8:9:2::a'));
    expect(subnetOf('192.0.2.9')).to.equal('192.0.2.9');
    expect(subnetOf('unknown')).to.equal('unknown');
  });
});
