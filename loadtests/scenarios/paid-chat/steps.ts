import { AvaloClient } from '../../../services/sdk/client.ts';
import type { VirtualUser } from '../../swarm/scenario.ts';

/** What a user of paid chat remembers. */
export interface PaidState {
  /** The conversation in use; 0 until it has been chosen. */
  conversation: number;
}

export const newPaidState = (): PaidState => ({ conversation: 0 });

type User = VirtualUser<PaidState>;

/** Messages of each sender that cost nothing; the one after them does. */
const freeMessages = 4;

/**
 * Sends one message that costs tokens. The first time a user may have free ones left in the
 * conversation; they are used up within the step, so that every operation is a paid one.
 */
export async function sendPaid(user: User): Promise<void> {
  const client = new AvaloClient(user.http);
  if (user.state.conversation === 0 && !(await chooseConversation(user, client))) return;
  for (let sent = 0; sent <= freeMessages; sent += 1) {
    const writeId = user.writeId();
    const text = `worth paying for, ${user.step}.${sent}`;
    const reply = await client.sendMessage(user.state.conversation, text, writeId, { write: { id: writeId, kind: 'message' }, refuse: [402] });
    if (!reply.ok) return;
    const message = reply.data();
    if (!user.check(message.body === text, 'the message is the one sent') || message.price > 0) return;
  }
  user.check(false, 'the message costs tokens');
}

/** The seeder has let each side of conversation c send 1 + c mod 4 messages: the most are closest to paying. */
async function chooseConversation(user: User, client: AvaloClient): Promise<boolean> {
  const reply = await client.listConversations({ limit: 10 });
  if (!user.check(reply.ok, 'the conversations answer')) return false;
  const chosen = reply.data().items.toSorted((a, b) => (b.id % freeMessages) - (a.id % freeMessages))[0];
  if (!user.check(chosen !== undefined, 'the user has a conversation')) return false;
  user.state.conversation = chosen?.id ?? 0;
  return true;
}
