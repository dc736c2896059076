import type { z } from 'zod';
import type * as accounts from '../accounts/schemas.ts';
import type { Companion, CompanionMessage, usageSchema, moderationSchema } from '../ai/schemas.ts';
import type { Conversation, ConversationPage, Message, MessagePage, ReadMarker } from '../chat/schemas.ts';
import type { Comment, CommentPage, Like, Post, PostPage } from '../feed/schemas.ts';
import type { Intent, IntentRequest } from '../payments/schemas.ts';
import type { followReply, Profile, ProfileChange } from '../profiles/schemas.ts';
import type { History, Transfer, TransferRequest, Wallet } from '../wallet/schemas.ts';
import { Answer } from './answer.ts';
import type { CallOptions, SdkRequest, SdkTransport } from './transport.ts';

type Session = z.infer<typeof accounts.sessionReply>;
type Follow = z.infer<typeof followReply>;
type Usage = z.infer<typeof usageSchema>;
type Moderation = z.infer<typeof moderationSchema>;
type Call<Data> = Promise<Answer<Data>>;

/** One page of a list; pass `nextCursor` of the page before as `cursor`. */
export interface PageQuery {
  readonly cursor?: string;
  readonly limit?: number;
}

/**
 * The typed client of Avalo's API: one method an operation, one request a call. It neither retries nor
 * remembers; wrap the transport with the policies of policies.ts for that. Writes take the id that
 * makes them safe to repeat (`writeId`, a UUID), which the API stores beside the row.
 */
export class AvaloClient {
  readonly #transport: SdkTransport;

  constructor(transport: SdkTransport) {
    this.#transport = transport;
  }

  async #read<Data>(name: string, path: string, options?: CallOptions): Call<Data> {
    return new Answer<Data>(await this.#transport.request({ method: 'GET', path, name, ...options }));
  }

  async #write<Data>(
    name: string,
    method: SdkRequest['method'],
    path: string,
    writeId: string | undefined,
    body?: unknown,
    options?: CallOptions,
  ): Call<Data> {
    const headers = writeId === undefined ? options?.headers : { 'idempotency-key': writeId, ...options?.headers };
    const request = { method, path, name, ...options, ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) };
    return new Answer<Data>(await this.#transport.request(request));
  }

  register(body: z.input<typeof accounts.registerBody>, options?: CallOptions): Call<Session> {
    return this.#write('register', 'POST', '/accounts/register', undefined, body, options);
  }
  login(body: z.input<typeof accounts.loginBody>, options?: CallOptions): Call<Session> {
    return this.#write('login', 'POST', '/accounts/login', undefined, body, options);
  }
  refresh(refreshToken: string, options?: CallOptions): Call<Session> {
    return this.#write('refresh', 'POST', '/accounts/refresh', undefined, { refreshToken }, options);
  }
  logout(refreshToken: string, options?: CallOptions): Call<undefined> {
    return this.#write('logout', 'POST', '/accounts/logout', undefined, { refreshToken }, options);
  }

  getProfile(userId: number, options?: CallOptions): Call<Profile> {
    return this.#read('getProfile', `/profiles/${userId}`, options);
  }
  updateProfile(change: ProfileChange, options?: CallOptions): Call<Profile> {
    return this.#write('updateProfile', 'PATCH', '/profiles/me', undefined, change, options);
  }
  follow(userId: number, writeId: string, options?: CallOptions): Call<Follow> {
    return this.#write('follow', 'PUT', `/profiles/${userId}/follow`, writeId, undefined, options);
  }
  unfollow(userId: number, options?: CallOptions): Call<Follow> {
    return this.#write('unfollow', 'DELETE', `/profiles/${userId}/follow`, undefined, undefined, options);
  }

  getFeed(page: PageQuery = {}, options?: CallOptions): Call<PostPage> {
    return this.#read('getFeed', `/feed${queryOf(page)}`, options);
  }
  createPost(body: string, writeId: string, options?: CallOptions): Call<Post> {
    return this.#write('createPost', 'POST', '/posts', writeId, { body }, options);
  }
  getPost(postId: number, options?: CallOptions): Call<Post> {
    return this.#read('getPost', `/posts/${postId}`, options);
  }
  editPost(postId: number, body: string, options?: CallOptions): Call<Post> {
    return this.#write('editPost', 'PATCH', `/posts/${postId}`, undefined, { body }, options);
  }
  deletePost(postId: number, options?: CallOptions): Call<undefined> {
    return this.#write('deletePost', 'DELETE', `/posts/${postId}`, undefined, undefined, options);
  }
  likePost(postId: number, writeId: string, options?: CallOptions): Call<Like> {
    return this.#write('likePost', 'PUT', `/posts/${postId}/like`, writeId, undefined, options);
  }
  unlikePost(postId: number, options?: CallOptions): Call<Like> {
    return this.#write('unlikePost', 'DELETE', `/posts/${postId}/like`, undefined, undefined, options);
  }
  listComments(postId: number, page: PageQuery = {}, options?: CallOptions): Call<CommentPage> {
    return this.#read('listComments', `/posts/${postId}/comments${queryOf(page)}`, options);
  }
  createComment(postId: number, body: string, writeId: string, options?: CallOptions): Call<Comment> {
    return this.#write('createComment', 'POST', `/posts/${postId}/comments`, writeId, { body }, options);
  }

  createConversation(peerId: number, writeId: string, options?: CallOptions): Call<Conversation> {
    return this.#write('createConversation', 'POST', '/conversations', writeId, { peerId }, options);
  }
  listConversations(page: PageQuery = {}, options?: CallOptions): Call<ConversationPage> {
    return this.#read('listConversations', `/conversations${queryOf(page)}`, options);
  }
  listMessages(conversationId: number, page: PageQuery = {}, options?: CallOptions): Call<MessagePage> {
    return this.#read('listMessages', `/conversations/${conversationId}/messages${queryOf(page)}`, options);
  }
  sendMessage(conversationId: number, body: string, writeId: string, options?: CallOptions): Call<Message> {
    return this.#write('sendMessage', 'POST', `/conversations/${conversationId}/messages`, writeId, { body }, options);
  }
  markRead(conversationId: number, messageId: number, options?: CallOptions): Call<ReadMarker> {
    return this.#write('markRead', 'PUT', `/conversations/${conversationId}/read`, undefined, { messageId }, options);
  }

  getWallet(options?: CallOptions): Call<Wallet> {
    return this.#read('getWallet', '/wallet', options);
  }
  listWalletHistory(page: PageQuery = {}, options?: CallOptions): Call<History> {
    return this.#read('listWalletHistory', `/wallet/history${queryOf(page)}`, options);
  }
  createTransfer(transfer: TransferRequest, writeId: string, options?: CallOptions): Call<Transfer> {
    return this.#write('createTransfer', 'POST', '/wallet/transfers', writeId, transfer, options);
  }

  createPaymentIntent(order: IntentRequest, writeId: string, options?: CallOptions): Call<Intent> {
    return this.#write('createPaymentIntent', 'POST', '/payments/intents', writeId, order, options);
  }
  getPaymentIntent(intentId: string, options?: CallOptions): Call<Intent> {
    return this.#read('getPaymentIntent', `/payments/intents/${intentId}`, options);
  }

  listCompanions(options?: CallOptions): Call<{ items: Companion[] }> {
    return this.#read('listCompanions', '/ai/companions', options);
  }
  sendCompanionMessage(companionId: number, text: string, writeId: string, options?: CallOptions): Call<CompanionMessage> {
    return this.#write('sendCompanionMessage', 'POST', `/ai/companions/${companionId}/messages`, writeId, { text }, options);
  }
  moderate(text: string, options?: CallOptions): Call<Moderation> {
    return this.#write('moderate', 'POST', '/ai/moderations', undefined, { text }, options);
  }
  getAiUsage(options?: CallOptions): Call<Usage> {
    return this.#read('getAiUsage', '/ai/usage', options);
  }
}

function queryOf(page: PageQuery): string {
  if (page.cursor === undefined) return page.limit === undefined ? '' : `?limit=${page.limit}`;
  const limit = page.limit === undefined ? '' : `&limit=${page.limit}`;
  return `?cursor=${encodeURIComponent(page.cursor)}${limit}`;
}
