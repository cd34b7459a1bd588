import type { Conversation } from './conversation.ts';
import type { Flow } from './load-protocol.ts';

/** Below Parley's flood bucket of 200 sends in 5 s, whatever 5 s one looks at. */
const mostPerSecondAndSender = 38;

/** Makes messages flow; answers a function that ends it. */
export function startFlow(flow: Flow, conversations: readonly Conversation[]): () => void {
  return flow.kind === 'saturation'
    ? startClosedLoop(conversations, flow.window)
    : startOpenLoop(conversations, flow.ratePerSecond);
}

/** Every sender sends the next message when one is acknowledged, but never faster than its bucket fills. */
function startClosedLoop(conversations: readonly Conversation[], window: number): () => void {
  const spacingMs = (1000 * window) / mostPerSecondAndSender;
  let isOn = true;

  function sendOn(conversation: Conversation): void {
    if (!isOn) return;
    const sentAt = performance.now();
    conversation.send(() => {
      const earlyMs = sentAt + spacingMs - performance.now();
      if (earlyMs <= 0) sendOn(conversation);
      else setTimeout(sendOn, Math.ceil(earlyMs), conversation);
    });
  }

  const loops = conversations.flatMap((conversation) => Array<Conversation>(window).fill(conversation));
  for (const [index, conversation] of loops.entries()) {
    setTimeout(sendOn, (spacingMs * index) / loops.length, conversation);
  }
  return () => {
    isOn = false;
  };
}

/** Evenly spaced messages, sender by sender, whether or not earlier ones were acknowledged. */
function startOpenLoop(conversations: readonly Conversation[], ratePerSecond: number): () => void {
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * ratePerSecond) / 1000);
    for (; sent < due; sent++) conversations[sent % conversations.length]?.send();
  }, 1);
  return () => clearInterval(timer);
}
