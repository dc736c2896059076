import { providerFailed } from './provider.ts';

/**
 * The data of each event of a stream of server-sent events; other fields are left out.
 * @throws Problem 502 when it holds more than `bytesMax` bytes
 */
export async function* readEvents(source: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  for await (const piece of source) {
    sizeBytes += piece.length;
    if (sizeBytes > bytesMax) throw providerFailed(`sent more than ${bytesMax} bytes`);
    text += decoder.decode(piece, { stream: true });
    const events = text.split(/\r?\n\r?\n/);
    text = events.pop() ?? '';
    for (const event of events) {
      const data = event.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart());
      if (data.length > 0) yield data.join('\n');
    }
  }
}

/** One event as it goes to the client. */
export const formatEvent = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
