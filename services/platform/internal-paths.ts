/** First segments of paths that are for operators: the gateway hides them, and the public document leaves them out. */
export const internalSegments: ReadonlySet<string> = new Set(['admin', 'metrics']);
