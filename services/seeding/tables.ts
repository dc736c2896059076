import type { TableFill } from './copy.ts';
import { ownerAt, type Graph, type Lists } from './graph.ts';
import { hashInt, streams } from './hash.ts';
import { baseMs, membersOf, messagesUpTo, sentByEach, type SeedPlan } from './plan.ts';
import { bio, displayName, messageTexts, postTexts } from './texts.ts';

/** Write ids of seeded rows carry their kind. */
const kinds = { follow: 1, post: 2, like: 3, conversation: 4, message: 5, grant: 6 } as const;
const dayMs = 86_400_000;
/** The wallet's own constants: the account that issues tokens, and the platform's. */
const platformAccount = 9_000_000_000_000_000;
const issuingAccount = 9_000_000_000_000_001;

/** All tables of a seeded database, those that take longest first. */
export function tableFills(plan: SeedPlan, graph: Graph, passwordHash: string): TableFill[] {
  return [
    timelines(graph), follows(plan, graph), messages(plan), posts(plan, graph), postStats(plan, graph), likes(graph),
    members(plan), conversations(plan), accounts(plan, passwordHash), profiles(plan, graph), entries(plan),
    transfers(plan), wallets(plan), largeAuthors(graph),
  ];
}

/** Accounts came in order of id over the last 60 days before the base time. */
const joinedMs = (plan: SeedPlan, id: number): number => baseMs - 60 * dayMs + Math.floor((id / (plan.users + 2)) * 30 * dayMs);

function accounts(plan: SeedPlan, passwordHash: string): TableFill {
  const hash = Buffer.from(passwordHash);
  return {
    table: 'accounts', columns: ['id', 'email', 'password_hash', 'role', 'seeded', 'created_at'], rows: plan.users + 1,
    write(out, index) {
      const id = index + 1;
      const isAdmin = id === plan.adminId;
      out.int8(id);
      out.text(isAdmin ? 'admin@seed.avalo.test' : `user${id}@seed.avalo.test`);
      out.text(hash);
      out.text(isAdmin ? 'admin' : 'user');
      out.bool(true);
      out.time(joinedMs(plan, id));
    },
  };
}

function profiles(plan: SeedPlan, graph: Graph): TableFill {
  const { starts } = graph.following;
  return {
    table: 'profiles', rows: plan.users + 1,
    columns: ['user_id', 'handle', 'display_name', 'bio', 'chat_price', 'followers_count', 'following_count'],
    write(out, index) {
      const id = index + 1;
      const isAdmin = id === plan.adminId;
      out.int8(id);
      out.text(isAdmin ? 'admin' : `user${id}`);
      out.text(isAdmin ? 'Admin' : displayName(plan, id));
      out.text(isAdmin ? '' : bio(plan, id));
      out.int8(1 + hashInt(plan.seed, streams.chatPrice, id, 20));
      out.int8(isAdmin ? 0 : (graph.followers[index] ?? 0));
      out.int8(isAdmin ? 0 : (starts[index + 1] ?? 0) - (starts[index] ?? 0));
    },
  };
}

function follows(plan: SeedPlan, graph: Graph): TableFill {
  const owner = ownerAt(graph.following);
  return {
    table: 'follows', columns: ['follower_id', 'followee_id', 'write_id', 'created_at'], rows: graph.following.items.length,
    write(out, index) {
      const follower = owner(index) + 1;
      out.int8(follower);
      out.int8((graph.following.items[index] ?? 0) + 1);
      out.writeId(kinds.follow, index);
      out.time(joinedMs(plan, follower));
    },
  };
}

/** Posts came in order of id over the 30 days before the base time. */
const postedMs = (plan: SeedPlan, id: number): number => baseMs - Math.floor(((plan.posts - id) / plan.posts) * 30 * dayMs);

function posts(plan: SeedPlan, graph: Graph): TableFill {
  const texts = postTexts(plan);
  return {
    table: 'posts', columns: ['id', 'author_id', 'write_id', 'body', 'pulled', 'created_at'], rows: plan.posts,
    write(out, index) {
      const author = graph.authors[index] ?? 0;
      out.int8(index + 1);
      out.int8(author + 1);
      out.writeId(kinds.post, index);
      out.text(texts[hashInt(plan.seed, streams.body, index, texts.length)] ?? '');
      out.bool(graph.isLarge(author));
      out.time(postedMs(plan, index + 1));
    },
  };
}

function postStats(plan: SeedPlan, graph: Graph): TableFill {
  return {
    table: 'post_stats', columns: ['post_id', 'likes', 'comments'], rows: plan.posts,
    write(out, index) {
      out.int8(index + 1);
      out.int4(graph.likesOfPost[index + 1] ?? 0);
      out.int4(0);
    },
  };
}

function likes(graph: Graph): TableFill {
  const owner = ownerAt(graph.likes);
  return {
    table: 'post_likes', columns: ['user_id', 'post_id', 'write_id', 'created_at'], rows: graph.likes.items.length,
    write(out, index) {
      out.int8(owner(index) + 1);
      out.int8(graph.likes.items[index] ?? 0);
      out.writeId(kinds.like, index);
      out.time(baseMs);
    },
  };
}

function timelines(graph: Graph): TableFill {
  const lists: Lists = graph.timelines;
  const owner = ownerAt(lists);
  return {
    table: 'timelines', columns: ['user_id', 'post_id'], rows: lists.items.length,
    write(out, index) {
      out.int8(owner(index) + 1);
      out.int8(lists.items[index] ?? 0);
    },
  };
}

function largeAuthors(graph: Graph): TableFill {
  const newest = new Map<number, number>();
  graph.authors.forEach((author, index) => {
    if (graph.isLarge(author)) newest.set(author, index + 1);
  });
  const rows = [...newest].toSorted(([a], [b]) => a - b);
  return {
    table: 'feed_large_authors', columns: ['author_id', 'last_post_id'], rows: rows.length,
    write(out, index) {
      const [author, post] = rows[index] ?? [0, 0];
      out.int8(author + 1);
      out.int8(post);
    },
  };
}

function conversations(plan: SeedPlan): TableFill {
  return {
    table: 'conversations', columns: ['id', 'user_low', 'user_high', 'created_by', 'write_id', 'created_at'], rows: plan.conversations,
    write(out, index) {
      const { first, second } = membersOf(plan.users, index + 1);
      out.int8(index + 1);
      out.int8(Math.min(first, second));
      out.int8(Math.max(first, second));
      out.int8(first);
      out.writeId(kinds.conversation, index);
      out.time(baseMs - 20 * dayMs);
    },
  };
}

/** Each side has read all there is. */
function members(plan: SeedPlan): TableFill {
  return {
    table: 'conversation_members', columns: ['conversation_id', 'user_id', 'peer_id', 'sent_count', 'read_message_id'], rows: plan.conversations * 2,
    write(out, index) {
      const id = Math.floor(index / 2) + 1;
      const { first, second } = membersOf(plan.users, id);
      out.int8(id);
      out.int8(index % 2 === 0 ? first : second);
      out.int8(index % 2 === 0 ? second : first);
      out.int8(sentByEach(id));
      out.int8(messagesUpTo(id));
    },
  };
}

/** Both sides in turn; whoever began the conversation begins. */
function messages(plan: SeedPlan): TableFill {
  const texts = messageTexts();
  let id = 1;
  let end = messagesUpTo(1);
  return {
    table: 'messages', columns: ['id', 'conversation_id', 'sender_id', 'write_id', 'body', 'price', 'created_at'], rows: messagesUpTo(plan.conversations),
    write(out, index) {
      while (index >= end) end += 2 * sentByEach(++id);
      const { first, second } = membersOf(plan.users, id);
      out.int8(index + 1);
      out.int8(id);
      out.int8((end - index) % 2 === 0 ? first : second);
      out.writeId(kinds.message, index);
      out.text(texts[hashInt(plan.seed, streams.message, index, texts.length)] ?? '');
      out.int8(0);
      out.time(baseMs - 20 * dayMs + (2 * sentByEach(id) - (end - index)) * 60_000);
    },
  };
}

/** Wallets of the users, then the platform's and the issuing account, which owes what was granted. */
function wallets(plan: SeedPlan): TableFill {
  const system: readonly (readonly [number, number])[] = [[platformAccount, 0], [issuingAccount, -plan.tokens * plan.users]];
  return {
    table: 'wallet_accounts', columns: ['id', 'balance'], rows: plan.users + system.length,
    write(out, index) {
      const [id, balance] = system[index - plan.users] ?? [index + 1, plan.tokens];
      out.int8(id);
      out.int8(balance);
    },
  };
}

function transfers(plan: SeedPlan): TableFill {
  return {
    table: 'wallet_transfers', columns: ['id', 'payer_id', 'payee_id', 'amount', 'platform_share', 'write_id', 'created_at', 'kind'], rows: plan.users,
    write(out, index) {
      out.int8(index + 1);
      out.int8(issuingAccount);
      out.int8(index + 1);
      out.int8(plan.tokens);
      out.int8(0);
      out.writeId(kinds.grant, index);
      out.time(baseMs - 10 * dayMs);
      out.text('grant');
    },
  };
}

/** The users' entries, then the issuing account's: the order of the table's key. */
function entries(plan: SeedPlan): TableFill {
  return {
    table: 'wallet_entries', columns: ['account_id', 'transfer_id', 'amount'], rows: plan.users * 2,
    write(out, index) {
      const isUser = index < plan.users;
      const id = (index % plan.users) + 1;
      out.int8(isUser ? id : issuingAccount);
      out.int8(id);
      out.int8(isUser ? plan.tokens : -plan.tokens);
    },
  };
}
