import { z } from 'zod';

/** Ids are positive and below 2^53. */
const id = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const idInPath = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER);

export const conversationParamsSchema = z.object({ conversationId: idInPath });
export const listQuerySchema = z.object({
  /** `nextCursor` of the page before; none for the first. */
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const conversationBodySchema = z.object({ peerId: id }).meta({ id: 'ConversationInput' });
export const messageBodySchema = z
  .object({
    // PostgreSQL's text holds any character but NUL.
    body: z.string().trim().min(1).max(4_000).refine((text) => !text.includes('\u0000'), 'must not contain the character NUL'),
  })
  .meta({ id: 'MessageInput' });
export const readBodySchema = z.object({ messageId: id }).meta({ id: 'ReadInput' });

export const conversationSchema = z
  .object({
    id,
    peerId: id,
    createdAt: z.iso.datetime(),
    /** Newest message; null in an empty conversation. */
    lastMessageId: id.nullable(),
    /** Newest message that the caller has read; 0 for none. */
    readMessageId: z.number().int().nonnegative(),
    /** Newest message that the peer has read; 0 for none. */
    peerReadMessageId: z.number().int().nonnegative(),
  })
  .meta({ id: 'Conversation' });
export const conversationPageSchema = z
  .object({ items: z.array(conversationSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'ConversationPage' });

export const messageSchema = z
  .object({
    id,
    conversationId: id,
    senderId: id,
    body: z.string(),
    /** Tokens the sender paid; 0 for a free message. */
    price: z.number().int().nonnegative(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Message' });
export const messagePageSchema = z
  .object({ items: z.array(messageSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'MessagePage' });

export const readSchema = z
  .object({ conversationId: id, messageId: z.number().int().nonnegative() })
  .meta({ id: 'ReadMarker' });

export type ConversationInput = z.infer<typeof conversationBodySchema>;
export type MessageInput = z.infer<typeof messageBodySchema>;
export type ReadInput = z.infer<typeof readBodySchema>;
export type Conversation = z.infer<typeof conversationSchema>;
export type ConversationPage = z.infer<typeof conversationPageSchema>;
export type Message = z.infer<typeof messageSchema>;
export type MessagePage = z.infer<typeof messagePageSchema>;
export type ReadMarker = z.infer<typeof readSchema>;
