import { AvaloClient } from '../../services/sdk/client.ts';
import { type JourneyUser, scenario } from '../swarm/scenario.ts';
import { setUp, userHeaders, type LaunchShared } from './launch-mix/setup.ts';

/** People drop in, read, look closer at one post and perhaps like it: a journey as one function. */
export default scenario<undefined>({
  name: 'browse',
  description: '20 people a second drop in, read the feed, look closer at a post, and a third like it',
  system: 'avalo',
  users: 2_000,
  arrival: { kind: 'sessions', stages: [{ perS: 20, durationMs: 10_000 }, { perS: 20, durationMs: 60_000, judged: true }] },
  thinkTimeMs: { kind: 'exponential', mean: 3_000 },
  journeys: [{ name: 'browse', weight: 1, run: browse }],
  thresholds: { response_time: ['p(95)<500'], http_req_failed: ['rate<0.001'], audit_lost: ['count<1'], audit_duplicated: ['count<1'] },
  setup: setUp,
  headers: (userIndex, shared) => userHeaders(userIndex, (shared as LaunchShared).sessions),
});

async function browse({ http, think, group, tag, check, random, writeId, dropWrite }: JourneyUser<undefined>): Promise<void> {
  const avalo = new AvaloClient(http);
  const { items } = (await avalo.getFeed({ limit: 10 })).data();
  const post = items[random.int(items.length)];
  if (!check(post !== undefined, 'the feed has posts') || post === undefined) return;
  tag('likes', post.likes > 0 ? 'some' : 'none');
  await think({ kind: 'exponential', mean: 2_000 });
  await group('look-closer', async () => {
    const [{ ok }] = await Promise.all([avalo.getPost(post.id), avalo.listComments(post.id), avalo.getProfile(post.authorId)]);
    check(ok, 'the post is there');
  });
  if (random.float() > 1 / 3) return;
  await think(1_000);
  const id = writeId();
  const like = (await avalo.likePost(post.id, id, { write: { id, kind: 'like' } })).data();
  if (!like.created) dropWrite(id);
}
