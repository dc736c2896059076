import { hashFloat, hashInt, PowerLaw, rankedUsers, streams } from './hash.ts';
import { largeFollowersMin, type SeedPlan } from './plan.ts';

/** Lists of numbers, one for each owner (0-based), in one array: those of `n` lie from `starts[n]` to `starts[n + 1]`. */
export interface Lists {
  readonly starts: Int32Array;
  readonly items: Int32Array;
}

/** Who follows whom, who wrote what, and what lies in the timelines. Users are 0-based here, posts 1-based. */
export interface Graph {
  /** Followees of each user, ascending. */
  readonly following: Lists;
  readonly followers: Int32Array;
  /** Author of post p at p - 1. */
  readonly authors: Int32Array;
  /** Posts of each timeline, ascending. */
  readonly timelines: Lists;
  readonly isLarge: (user: number) => boolean;
  /** The posts a user likes: every sixth of the timeline, from a place that differs by user. */
  readonly likes: Lists;
  readonly likesOfPost: Int32Array;
}

export function buildGraph(plan: SeedPlan): Graph {
  const users = rankedUsers(plan.seed, plan.users);
  const following = buildFollowing(plan, users);
  const followers = countItems(following, plan.users);
  const authors = buildAuthors(plan, users);
  const isLarge = (user: number): boolean => (followers[user] ?? 0) > largeFollowersMin;
  const timelines = buildTimelines(plan, following, authors, isLarge);
  const likes = buildLikes(plan, timelines);
  return { following, followers, authors, timelines, isLarge, likes, likesOfPost: countItems(likes, plan.posts + 1) };
}

function countItems(lists: Lists, size: number): Int32Array {
  const counts = new Int32Array(size);
  for (const item of lists.items) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

/** Each user follows half to one and a half times the mean; whom is drawn on a power law of popularity. */
function buildFollowing(plan: SeedPlan, users: Int32Array): Lists {
  const law = new PowerLaw(plan.users, 0.8, 20);
  const starts = new Int32Array(plan.users + 1);
  const items = new Int32Array(Math.ceil(plan.users * plan.following * 1.5) + plan.users);
  let end = 0;
  for (let user = 0; user < plan.users; user++) {
    const wanted = Math.round(plan.following * (0.5 + hashFloat(plan.seed, streams.following, user)));
    const limit = Math.min(wanted, plan.users - 1);
    const start = end;
    // Draws that repeat are passed over; a small population may run out of new ones.
    for (let draw = 0; draw < limit * 4 && end - start < limit; draw++) {
      const followee = users[law.rank(hashFloat(plan.seed, streams.followee, user * 1_024 + draw))] ?? 0;
      if (followee === user || items.subarray(start, end).includes(followee)) continue;
      items[end++] = followee;
    }
    items.subarray(start, end).sort();
    starts[user + 1] = end;
  }
  return { starts, items: items.subarray(0, end) };
}

/** Activity goes by the same ranks as popularity, less steeply: about a thousandth of all posts are the first one's. */
function buildAuthors(plan: SeedPlan, users: Int32Array): Int32Array {
  const law = new PowerLaw(plan.users, 0.6, 10);
  const authors = new Int32Array(plan.posts);
  for (let index = 0; index < plan.posts; index++) {
    authors[index] = users[law.rank(hashFloat(plan.seed, streams.author, index))] ?? 0;
  }
  return authors;
}

/** Posts by author, ascending. */
function postsByAuthor(plan: SeedPlan, authors: Int32Array): Lists {
  const starts = new Int32Array(plan.users + 1);
  for (const author of authors) starts[author + 1] = (starts[author + 1] ?? 0) + 1;
  for (let user = 0; user < plan.users; user++) starts[user + 1] = (starts[user + 1] ?? 0) + (starts[user] ?? 0);
  const next = starts.slice();
  const items = new Int32Array(authors.length);
  authors.forEach((author, index) => {
    const at = next[author] ?? 0;
    next[author] = at + 1;
    items[at] = index + 1;
  });
  return { starts, items };
}

/** The newest posts of a user and of those followed, as the fan-out would have left them: large authors are not in it. */
function buildTimelines(plan: SeedPlan, following: Lists, authors: Int32Array, isLarge: (user: number) => boolean): Lists {
  const posts = postsByAuthor(plan, authors);
  const starts = new Int32Array(plan.users + 1);
  const items = new Int32Array(plan.users * plan.timeline);
  const pool = new Int32Array(plan.posts);
  const sources: number[] = [];
  let end = 0;
  for (let user = 0; user < plan.users; user++) {
    sources.length = 0;
    sources.push(user);
    for (let at = following.starts[user] ?? 0; at < (following.starts[user + 1] ?? 0); at++) {
      const followee = following.items[at] ?? 0;
      if (!isLarge(followee)) sources.push(followee);
    }
    const newest = newestPosts(posts, sources, plan, pool);
    items.set(newest, end);
    end += newest.length;
    starts[user + 1] = end;
  }
  return { starts, items: items.subarray(0, end) };
}

/**
 * The newest posts of some authors, ascending. Posts are spread evenly over time, so a guess at the
 * oldest one that counts saves sorting what is older; a guess too high is lowered and tried again.
 * @param pool scratch space of as many numbers as there are posts
 */
function newestPosts(posts: Lists, authors: readonly number[], plan: SeedPlan, pool: Int32Array): Int32Array {
  let total = 0;
  for (const author of authors) total += (posts.starts[author + 1] ?? 0) - (posts.starts[author] ?? 0);
  for (let wanted = plan.timeline * 1.5; ; wanted *= 2) {
    const oldest = Math.floor(plan.posts * (1 - wanted / total));
    let size = 0;
    for (const author of authors) {
      const from = posts.starts[author] ?? 0;
      for (let at = (posts.starts[author + 1] ?? 0) - 1; at >= from; at--) {
        const post = posts.items[at] ?? 0;
        if (post < oldest) break;
        pool[size++] = post;
      }
    }
    if (size < plan.timeline && size < total) continue;
    return pool.subarray(0, size).sort().subarray(Math.max(0, size - plan.timeline));
  }
}

function buildLikes(plan: SeedPlan, timelines: Lists): Lists {
  const starts = new Int32Array(plan.users + 1);
  const items = new Int32Array(Math.ceil(timelines.items.length / 6) + plan.users);
  let end = 0;
  for (let user = 0; user < plan.users; user++) {
    const to = timelines.starts[user + 1] ?? 0;
    for (let at = (timelines.starts[user] ?? 0) + hashInt(plan.seed, streams.like, user, 6); at < to; at += 6) items[end++] = timelines.items[at] ?? 0;
    starts[user + 1] = end;
  }
  return { starts, items: items.subarray(0, end) };
}

/** Answers whose list holds the item at a place; quick where places are asked for in order. */
export function ownerAt(lists: Lists): (at: number) => number {
  let owner = 0;
  return (at) => {
    if (at < (lists.starts[owner] ?? 0)) owner = 0;
    while (at >= (lists.starts[owner + 1] ?? Number.MAX_SAFE_INTEGER)) owner++;
    return owner;
  };
}
