import type { HarEntry } from './har.ts';

/** A field of a `multipart` body, verbatim. */
export interface MultipartField {
  /** From the delimiter to the empty line before the value. */
  readonly head: string;
  readonly name: string;
  readonly isFile: boolean;
  readonly value: string;
  /** What ends the value's line. */
  readonly tail: string;
}

export interface Multipart {
  readonly delimiter: string;
  readonly fields: readonly MultipartField[];
  /** What follows the last delimiter. */
  readonly end: string;
}

/** The boundary that a content type names (RFC 2046). */
export function boundaryOf(mime: string): string | undefined {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(mime) ?? [];
  return quoted ?? bare;
}

/** Divides a body at its boundary; undefined where it is not written as it says. */
export function readMultipart(text: string, boundary: string): Multipart | undefined {
  const delimiter = `--${boundary}`;
  const [before, ...sections] = text.split(delimiter);
  const end = sections.pop();
  if (before !== '' || end === undefined || !/^--\s*$/.test(end)) return undefined;
  const fields: MultipartField[] = [];
  for (const section of sections) {
    const head = /^\r?\n(?:[^\r\n]+\r?\n)*\r?\n/.exec(section)?.[0];
    const tail = /\r?\n$/.exec(section)?.[0];
    if (head === undefined || tail === undefined || head.length + tail.length > section.length) return undefined;
    fields.push({ head, name: nameOf(head), isFile: /\bfilename\*?=/i.test(head), value: section.slice(head.length, -tail.length), tail });
  }
  return { delimiter, fields, end };
}

function nameOf(head: string): string {
  const [, quoted, bare] = /[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))/i.exec(head) ?? [];
  return quoted ?? bare ?? '';
}

/** As browsers write it. */
const inQuotes = (text: string): string => text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** Writes the fields of a form whose body the recording does not hold; a file has what is recorded of it. */
export function writeMultipart(params: NonNullable<NonNullable<HarEntry['request']['postData']>['params']>, boundary: string): string {
  const fields = params.map(({ name, value = '', fileName, contentType }) => {
    const file = fileName === undefined ? '' : `; filename="${inQuotes(fileName)}"`;
    const type = contentType === undefined || contentType === '' ? '' : `Content-Type: ${contentType.replaceAll(/[\r\n]/g, '')}\r\n`;
    return `--${boundary}\r\nContent-Disposition: form-data; name="${inQuotes(name)}"${file}\r\n${type}\r\n${value}\r\n`;
  });
  return `${fields.join('')}--${boundary}--\r\n`;
}
