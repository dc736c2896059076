import { objectOf, textAt } from './openapi-document.ts';
import type { OpenApiDocument } from './openapi-document.ts';
import type { SecretBook } from './secrets.ts';
import type { Template } from './plan.ts';

/** How a caller shows who it is. */
export interface Credential {
  readonly in: 'header' | 'query' | 'cookie';
  readonly name: string;
  readonly value: (book: SecretBook) => Template;
}

/**
 * The credentials of the first alternative that a scenario can give; none where calling is open to
 * all. Answers the reason where it can give none.
 */
export function chooseScheme(document: OpenApiDocument, alternatives: readonly (readonly string[])[]): readonly Credential[] | string {
  if (alternatives.length === 0 || alternatives.some((schemes) => schemes.length === 0)) return [];
  const schemes = objectOf(document.root.components?.['securitySchemes']) ?? {};
  let reason = '';
  for (const alternative of alternatives) {
    const credentials = alternative.map((name) => credentialOf(document, name, schemes[name]));
    const refusal = credentials.find((each) => typeof each === 'string');
    if (refusal === undefined) return credentials.filter((each) => typeof each !== 'string');
    reason = refusal;
  }
  return reason;
}

function credentialOf(document: OpenApiDocument, name: string, reference: unknown): Credential | string {
  const scheme = document.resolve(reference);
  const bearer = (what: string): Credential => ({
    in: 'header', name: 'authorization', value: (book) => [{ kind: 'text', text: 'Bearer ' }, { kind: 'secret', name: book.nameOf(`scheme ${name}`, what) }],
  });
  switch (textAt(scheme, 'type')) {
    case 'http': {
      const kind = (textAt(scheme, 'scheme') ?? '').toLowerCase();
      if (kind === 'bearer') return bearer('bearer token');
      if (kind !== 'basic') return `its security scheme ${name} is http ${kind}, which an import does not write`;
      return { in: 'header', name: 'authorization', value: (book) => [{ kind: 'text', text: 'Basic ' }, { kind: 'basic', name: book.nameOf(`scheme ${name}`, 'basic credentials') }] };
    }
    case 'apiKey': {
      const place = textAt(scheme, 'in');
      const key = textAt(scheme, 'name') ?? name;
      if (place !== 'header' && place !== 'query' && place !== 'cookie') return `its security scheme ${name} is malformed`;
      return { in: place, name: key, value: (book) => [{ kind: 'secret', name: book.nameOf(`scheme ${name}`, key) }] };
    }
    case 'oauth2':
    case 'openIdConnect':
      return bearer('access token');
    default:
      return `its security scheme ${name} is ${textAt(scheme, 'type') ?? 'not described'}, which an import does not write`;
  }
}
