import { get } from 'node:http';
import { z } from 'zod';
import { reachesNobody } from '../control/watchdog/receivers.ts';

const timeoutMs = 1_000;
const replyMaxChars = 10_000;
const replySchema = z.object({ reaches: z.array(z.string()) });

/** What to say of a watchdog that would tell nobody; undefined where it reaches somebody, or does not answer within 1 s. */
export async function warningOf(watchdogUrl: string | undefined): Promise<string | undefined> {
  if (watchdogUrl === undefined) return undefined;
  try {
    return replySchema.parse(JSON.parse(await ask(`${watchdogUrl}/readyz`))).reaches.length === 0 ? reachesNobody : undefined;
  } catch {
    // The table shows that it is not up.
    return undefined;
  }
}

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = get(url, { agent: false, timeout: timeoutMs }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > replyMaxChars) reply.destroy(new Error('the reply is too long'));
      });
      reply.on('end', () => resolve(text)).on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error('no reply'))).on('error', reject);
  });
}
