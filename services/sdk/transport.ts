/** What the SDK needs of a transport. The harness passes a virtual user's; others use `createNodeTransport`. */
export interface SdkRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query below the API's base address. */
  readonly path: string;
  /** The operation's name, such as `likePost`; never holds ids. */
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** Statuses outside 200 to 399 that the caller takes as an answer, not as an error. */
  readonly expect?: readonly number[];
  /** Expected refusals, such as 402 for a declined card. */
  readonly refuse?: readonly number[];
  /** For a harness's audit: the id of the write this request makes. */
  readonly write?: { readonly id: string; readonly kind: string };
}

export interface SdkReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  json<T>(): T;
}

/** Sends one request and answers its reply, whatever its status; rejects when none came. */
export interface SdkTransport {
  request(request: SdkRequest): Promise<SdkReply>;
}

/** What a caller may add to any one call. */
export type CallOptions = Pick<SdkRequest, 'name' | 'headers' | 'timeoutMs' | 'expect' | 'refuse' | 'write'>;
