import { z } from 'zod';
import { isUtf8 } from 'node:buffer';
import { invalidConfig } from '../../ops/core/error.ts';

/** What an import reads of a HAR 1.2 file (w3c.github.io/web-performance/specs/HAR); all else may be there. */

const pair = z.object({ name: z.string(), value: z.string() });

const entry = z.object({
  startedDateTime: z.string().refine((text) => Number.isFinite(Date.parse(text)), 'is no date and time'),
  /** ms; -1 where unknown. */
  time: z.number().optional(),
  pageref: z.string().optional(),
  /** Chrome's: document, xhr, script, … */
  _resourceType: z.string().nullish(),
  request: z.object({
    method: z.string().min(1),
    url: z.string().min(1),
    headers: z.array(pair),
    postData: z
      .object({
        mimeType: z.string().default(''),
        text: z.string().optional(),
        /** Some recorders write `base64`. */
        encoding: z.string().nullish(),
        params: z.array(z.object({ name: z.string(), value: z.string().optional(), fileName: z.string().optional(), contentType: z.string().optional() })).optional(),
      })
      .nullish(),
  }),
  response: z.object({
    status: z.number().int(),
    headers: z.array(pair),
    content: z.object({ mimeType: z.string().nullish(), text: z.string().optional(), encoding: z.string().optional() }).nullish(),
  }),
});

const har = z.object({ log: z.object({ version: z.string().optional(), entries: z.array(entry).min(1, 'holds no request') }) });

export type HarEntry = z.infer<typeof entry>;

/** Requests that an import takes; a scenario of more is no journey of one user. */
export const entriesMax = 10_000;

/**
 * Checks a parsed HAR file.
 * @param file its name, for the message
 * @throws SoraError `invalid_config` with the path of the first fault
 */
export function readHar(document: unknown, file: string): HarEntry[] {
  const checked = har.safeParse(document);
  if (!checked.success) {
    const [first, ...more] = checked.error.issues;
    const path = first?.path.map(String).join('.') ?? '';
    const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw invalidConfig(`${file} is no HAR file: ${path === '' ? 'the document' : path}: ${first?.message ?? 'malformed'}${rest}`, 'record it again with the network panel of a browser: "Save all as HAR with content"');
  }
  const { entries } = checked.data.log;
  if (entries.length > entriesMax) throw invalidConfig(`${file} holds ${entries.length} requests; the limit is ${entriesMax}`, 'record one visit of one user');
  return entries.toSorted((a, b) => Date.parse(a.startedDateTime) - Date.parse(b.startedDateTime));
}

/** The headers by lower-case name; lines of one name joined with `, ` as the engine's replies have them. */
export function headersOf(pairs: HarEntry['request']['headers']): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of pairs) {
    const key = name.toLowerCase();
    // Firefox writes several cookies as lines of one value.
    const text = value.replaceAll(/\r?\n/g, ', ');
    headers[key] = headers[key] === undefined ? text : `${headers[key]}, ${text}`;
  }
  return headers;
}

/** The text of a reply's body; '' where the recording holds none. */
export function bodyTextOf({ response: { content } }: HarEntry): string {
  if (content?.text === undefined) return '';
  return content.encoding === 'base64' ? Buffer.from(content.text, 'base64').toString('utf8') : content.text;
}

/** The text of a request's body, decoded; '' where the recording holds none, undefined where it is no text. */
export function sentTextOf({ request: { postData } }: HarEntry): string | undefined {
  if (postData?.text === undefined) return '';
  if (postData.encoding !== 'base64') return postData.text;
  const bytes = Buffer.from(postData.text, 'base64');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** Whether the body is known by its fields only, and its type does not say how they are written. */
export function isUnwritable({ request: { postData } }: HarEntry): boolean {
  const { mimeType = '', params = [] } = postData ?? {};
  return params.length > 0 && (postData?.text ?? '') === '' && !/^\s*$|^application\/x-www-form-urlencoded|^multipart\/form-data/i.test(mimeType);
}
