/** Messages of each sender in a conversation that cost nothing. The batch function chat_send says the same. */
export const freeMessages = 4;

/** What the next message costs, in tokens. @param sentCount messages this sender has sent in the conversation */
export function priceOf(sentCount: number, recipientPrice: number): number {
  return sentCount < freeMessages ? 0 : recipientPrice;
}

/** The platform's part of a message's price in percent; the SQL function `wallet_platform_percent('chat')` holds the same. */
export const platformPercent = 35;

/** What the recipient gets of a message's price, tokens: the platform's share rounds down. */
export function creatorShareOf(price: number): number {
  return price - Math.floor((price * platformPercent) / 100);
}
