import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createdReply, replayedHeader } from '../platform/idempotency.ts';
import { route, type Reply, type Route } from '../platform/route.ts';
import type { CompanionChat, StreamedReply } from './companion-chat.ts';
import { companions, dailyTokensMax } from './rules.ts';
import {
  companionParamsSchema, companionsSchema, messageBodySchema, messageSchema, moderationBodySchema, moderationSchema, usageSchema,
  type CompanionMessage,
} from './schemas.ts';
import { formatEvent } from './sse.ts';
import type { AiStore, StoredAiMessage } from './store.ts';

const catalogue = Buffer.from(JSON.stringify({ items: companions.map(({ id, name, description, model }) => ({ id, name, description, model })) }));

const toReply = ({ id, reply, promptTokens, completionTokens }: StoredAiMessage): CompanionMessage => ({
  messageId: id,
  reply,
  tokens: { prompt: promptTokens, completion: completionTokens },
});

/** The companions' HTTP operations. */
export function aiRoutes(chat: CompanionChat, store: AiStore): Route[] {
  return [
    route({
      method: 'get',
      path: '/ai/companions',
      operationId: 'listCompanions',
      summary: 'The companions one may talk to',
      auth: 'user',
      responses: { 200: companionsSchema },
      handle: () => ({ status: 200, json: catalogue }),
    }),
    route({
      method: 'post',
      path: '/ai/companions/{companionId}/messages',
      operationId: 'sendCompanionMessage',
      hot: true,
      summary: 'Send a message and get the reply; with Accept: text/event-stream as events `delta` and `done`',
      auth: 'user',
      idempotent: true,
      params: companionParamsSchema,
      body: messageBodySchema,
      responses: { 200: null, 201: messageSchema },
      async handle(context) {
        const { userId, params, body, writeId, headers } = context;
        const request = { userId, companionId: params.companionId, writeId, text: body.text };
        const accept = headers['accept'];
        if (typeof accept === 'string' && accept.includes('text/event-stream')) return streamReply(await chat.stream(request, context.signal));
        // Without the signal, which costs a controller and a listener: the model is paid for all the same, and a retry finds the reply.
        const { stored, replayed } = await chat.send(request);
        return createdReply(toReply(stored), replayed);
      },
    }),
    route({
      method: 'get',
      path: '/ai/usage',
      operationId: 'readAiUsage',
      summary: "One's own tokens by day and model over the last 31 days",
      auth: 'user',
      responses: { 200: usageSchema },
      async handle({ userId }) {
        const [items, { usedToday }] = await Promise.all([store.usage(userId), store.lookUp(userId, noWrite)]);
        return { status: 200, body: { usedToday, dailyTokensMax, items } };
      },
    }),
    route({
      method: 'post',
      path: '/ai/moderations',
      operationId: 'moderate',
      summary: 'Check a text against the content rules',
      auth: 'user',
      // A provider call each, and nobody types that fast: a tenth of the usual rate.
      cost: 10,
      body: moderationBodySchema,
      responses: { 200: moderationSchema },
      handle: async ({ body, signal }) => ({ status: 200, body: await chat.moderate(body.text, signal) }),
    }),
  ];
}

/** No message has this write id, so that a look-up finds the usage alone. */
const noWrite = '00000000-0000-0000-0000-000000000000';

function streamReply(reply: StreamedReply): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no',
      ...(reply.replayed ? { [replayedHeader]: 'true' } : {}),
    },
    stream: (out) => writeEvents(reply, out),
  };
}

/** A slow reader slows the model's stream; one that leaves ends it: then only the tokens are counted. */
async function writeEvents(reply: StreamedReply, out: Writable): Promise<void> {
  let text = '';
  const gone = new AbortController();
  const onClose = (): void => {
    gone.abort();
    // What it throws is thrown below, where it is awaited.
    reply.cancel().catch(() => undefined);
  };
  out.once('close', onClose);
  try {
    for await (const piece of reply.pieces) {
      text += piece;
      if (!out.write(formatEvent('delta', { text: piece }))) await once(out, 'drain', { signal: gone.signal });
    }
    if (gone.signal.aborted || out.destroyed) return await reply.cancel();
    const stored = await reply.finish(text);
    out.write(formatEvent('done', toReply(stored)));
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    await reply.cancel();
  } finally {
    out.off('close', onClose);
  }
}
