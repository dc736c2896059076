import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { signatureToleranceS, verifySignature, webhookKey } from './signature.ts';

const { clock } = createTestHost();
const secret = 'a secret of the test';
const key = webhookKey(secret);
const body = Buffer.from('{"id":"evt_1"}');
const nowS = clock.nowMs() / 1_000;

function sign(stampS: number, signed = body, by = secret): string {
  return `t=${stampS},v1=${createHmac('sha256', by).update(`${stampS}.${signed.toString()}`).digest('hex')}`;
}
const verify = (header: unknown, given = body) => (): void => verifySignature(clock, key, header, given);

describe('verifySignature', () => {
  it('takes a signature within the tolerance on either side, also beside one of another secret', () => {
    expect(verify(sign(nowS))).not.toThrow();
    expect(verify(sign(nowS - signatureToleranceS))).not.toThrow();
    expect(verify(sign(nowS + signatureToleranceS))).not.toThrow();
    const other = sign(nowS, body, 'the secret before').split(',')[1] ?? '';
    expect(verify(`${sign(nowS)},${other}`)).not.toThrow();
  });

  it.each([
    ['no header', undefined],
    ['two headers', [sign(nowS), sign(nowS)]],
    ['an empty header', ''],
    ['no time', sign(nowS).split(',')[1]],
    ['no signature', `t=${nowS}`],
    ['no hex', `t=${nowS},v1=zz`],
    ['a short signature', sign(nowS).slice(0, -2)],
    ['another secret', sign(nowS, body, 'another secret')],
    ['another body', sign(nowS, Buffer.from('{"id":"evt_2"}'))],
    ['a time changed afterwards', sign(nowS).replace(`t=${nowS}`, `t=${nowS + 1}`)],
  ])('refuses %s', (_, header) => {
    expect(verify(header)).toThrow(expect.objectContaining({ status: 401, code: 'bad_signature' }));
  });

  it('refuses a signature that is too old or too new', () => {
    for (const offS of [-signatureToleranceS - 1, signatureToleranceS + 1]) {
      expect(verify(sign(nowS + offS))).toThrow(expect.objectContaining({ status: 401, code: 'stale_signature' }));
    }
  });
});
