/** What a user of the launch mix remembers: values of earlier replies that later requests need. */
export interface LaunchState {
  /** A post seen in the last page of the feed; 0 for none. */
  seenPost: number;
  /** Where the feed goes on; '' at its end or before the first page. */
  feedCursor: string;
  /** The conversation in use; 0 until the user has listed its own. */
  conversation: number;
  /** The newest message sent and not yet read back; 0 for none. */
  sentMessage: number;
  /** The newest purchase not yet read back; '' for none. */
  intent: string;
}

/** A user before its first step. */
export const newState = (): LaunchState => ({ seenPost: 0, feedCursor: '', conversation: 0, sentMessage: 0, intent: '' });
