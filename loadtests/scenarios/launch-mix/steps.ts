import { AvaloClient } from '../../../services/sdk/client.ts';
import type { VirtualUser } from '../../swarm/scenario.ts';
import type { LaunchShared } from './setup.ts';
import type { LaunchState } from './state.ts';

type User = VirtualUser<LaunchState>;

/** Popularity of posts and people falls with their rank to this power, as measured in social feeds. */
const zipfExponent = 1.01;
const words = ['sunset', 'studio', 'release', 'rehearsal', 'ticket', 'encore', 'sketch', 'remix', 'backstage', 'premiere'];

const shared = (user: User): LaunchShared => user.shared as LaunchShared;
const client = (user: User): AvaloClient => new AvaloClient(user.http);
const pickWord = (user: User): string => words[user.random.int(words.length)] ?? 'hello';

/** Reads the home timeline: mostly its first page, else on from the last cursor. */
export async function readFeed(user: User): Promise<void> {
  const goesOn = user.state.feedCursor !== '' && user.random.float() < 0.3;
  const reply = await client(user).getFeed(goesOn ? { cursor: user.state.feedCursor, limit: 10 } : { limit: 10 });
  if (!user.check(reply.ok, 'the feed answers')) return;
  // A whole parse of 10 posts costs more than the rest of the step; two values are all it needs.
  const head = reply.body.toString('latin1', 0, 64);
  const tail = reply.body.toString('latin1', Math.max(0, reply.body.length - 96));
  user.check(head.startsWith('{"items":['), 'the feed is a page');
  user.state.seenPost = Number(/"id":(\d+)/.exec(head)?.[1] ?? 0);
  user.state.feedCursor = /"nextCursor":"([^"]+)"/.exec(tail)?.[1] ?? '';
}

/** Looks at somebody: the popular are looked at most. */
export async function readProfile(user: User): Promise<void> {
  const userId = 1 + user.random.zipf(shared(user).users, zipfExponent);
  const reply = await client(user).getProfile(userId);
  user.check(reply.ok && reply.body.toString('latin1', 0, 40).includes(`"userId":${userId},`), 'the profile is the one asked for');
}

/** Likes the post last seen in the feed, or a popular one. */
export async function likePost(user: User): Promise<void> {
  const seen = user.state.seenPost;
  user.state.seenPost = 0;
  const postId = seen === 0 ? 1 + user.random.zipf(shared(user).posts, zipfExponent) : seen;
  const writeId = user.writeId();
  const reply = await client(user).likePost(postId, writeId, { write: { id: writeId, kind: 'like' } });
  if (!user.check(reply.ok, 'the like is taken')) return;
  const like = reply.data();
  user.check(like.liked && like.likes > 0, 'the post is liked');
  if (!like.created) user.dropWrite(writeId);
}

/** Talks: finds a conversation once, then sends, and reads back what it sent. */
export async function chat(user: User): Promise<void> {
  if (user.state.conversation === 0) return findConversation(user);
  if (user.state.sentMessage !== 0 && user.random.float() < 0.5) return readBack(user);
  const writeId = user.writeId();
  const text = `${pickWord(user)} at ${user.step}`;
  const reply = await client(user).sendMessage(user.state.conversation, text, writeId, {
    write: { id: writeId, kind: 'message' },
    refuse: [402],
  });
  if (!reply.ok) return;
  const message = reply.data();
  user.check(message.body === text, 'the message is the one sent');
  user.state.sentMessage = message.id;
}

async function findConversation(user: User): Promise<void> {
  const reply = await client(user).listConversations({ limit: 10 });
  if (!user.check(reply.ok, 'the conversations answer')) return;
  const { items } = reply.data();
  const chosen = items[user.random.int(Math.max(1, items.length))];
  if (user.check(chosen !== undefined, 'the user has a conversation')) user.state.conversation = chosen?.id ?? 0;
}

async function readBack(user: User): Promise<void> {
  const sent = user.state.sentMessage;
  user.state.sentMessage = 0;
  const reply = await client(user).listMessages(user.state.conversation, { limit: 20 });
  if (!user.check(reply.ok, 'the messages answer')) return;
  // The peer may have sent more than a page since; then the page begins above ours.
  const { items } = reply.data();
  const oldest = items.at(-1)?.id ?? 0;
  user.check(oldest > sent || items.some((message) => message.id === sent), 'the message sent is there');
}

/** Writes to a companion and reads its reply. */
export async function askCompanion(user: User): Promise<void> {
  const writeId = user.writeId();
  const companionId = 1 + user.random.zipf(3, zipfExponent);
  const reply = await client(user).sendCompanionMessage(companionId, `Tell me about the ${pickWord(user)}.`, writeId, {
    write: { id: writeId, kind: 'ai_message' },
  });
  if (!user.check(reply.ok, 'the companion answers')) return;
  user.check(reply.body.toString('latin1', 0, 200).includes('"reply":"'), 'the reply has words');
}

/** Buys tokens with a card, one in twenty declined; the next time it looks what became of it. */
export async function buyTokens(user: User): Promise<void> {
  if (user.state.intent !== '') return readPurchase(user);
  const writeId = user.writeId();
  const paymentMethod = user.random.float() < 0.05 ? 'card_declined' : 'card_ok';
  const reply = await client(user).createPaymentIntent({ packageId: 'starter', paymentMethod }, writeId, {
    write: { id: writeId, kind: 'payment_intent' },
    refuse: [402],
  });
  if (reply.ok) user.state.intent = reply.data().intentId;
}

async function readPurchase(user: User): Promise<void> {
  const intentId = user.state.intent;
  user.state.intent = '';
  const reply = await client(user).getPaymentIntent(intentId);
  if (!user.check(reply.ok, 'the purchase answers')) return;
  user.check(reply.data().intentId === intentId, 'the purchase is the one made');
}

/** Requests at once, every five seconds: the limit lets 60 points through at once, and 10 more a second. */
const floodCalls = 100;

/**
 * Looks at its own profile more often than its rate limit allows: 429 is the right answer, and must
 * come. It needs nothing but the api, so that a slow provider is not what it meets instead.
 */
export async function flood(user: User): Promise<void> {
  const ask = () => client(user).getProfile(user.index + 1, { refuse: [429] });
  const replies = await Promise.all(Array.from({ length: floodCalls }, ask));
  user.check(replies.every((reply) => reply.ok || reply.status === 429), 'the limit answers');
}

/** Signs in with a password, as people do once a day: argon2id is what it costs. */
export async function logIn(user: User): Promise<void> {
  const reply = await client(user).login({ email: seededEmail(1 + user.random.int(shared(user).users)), password: seededPassword });
  user.check(reply.ok, 'the login is taken');
}

/** The seeder's rule for addresses and its one password. */
export const seededEmail = (userId: number): string => `user${userId}@seed.avalo.test`;
export const seededPassword = 'correct horse battery staple';
