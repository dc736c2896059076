import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Host } from '../../ops/core/host.ts';
import { createTestHost, type TestHost } from '../../ops/core/test-host.ts';
import { createTracing, tracingOff, type Tracing } from '../../ops/telemetry/tracing.ts';
import { readConfig } from './config.ts';
import { FakeNetwork, FakeWire } from './fake-network.ts';
import { Gateway } from './gateway.ts';
import type { ClientSession } from './session.ts';

const ok = 'HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok';

interface Bench {
  readonly gateway: Gateway;
  readonly network: FakeNetwork;
  readonly wire: FakeWire;
  readonly session: ClientSession;
  readonly host: TestHost;
  /** What the gateway logged. */
  readonly logged: Record<string, unknown>[];
  send(text: string | Buffer): void;
}

function open(reply: (request: string) => readonly string[] = () => [ok], env: Record<string, string> = {}, tracing: Tracing = tracingOff): Bench {
  const host = createTestHost();
  const fixed: Host = { ...host, random: { ...host.random, bytes: (count) => Buffer.alloc(count, 7) } };
  const network = new FakeNetwork(reply);
  const logged: Record<string, unknown>[] = [];
  const config = readConfig({ PORT: '0', SORA_UPSTREAMS: 'http://127.0.0.1:1', SORA_TRUSTED_PEERS: '127.0.0.1', ...env });
  const gateway = new Gateway(fixed, config, network, tracing, { warn: (fields) => void logged.push(fields as Record<string, unknown>) });
  for (const upstream of gateway.upstreams) upstream.mark(true);
  const wire = new FakeWire();
  const session = gateway.accept(wire);
  wire.events = session;
  return { gateway, network, wire, session, host, logged, send: (text) => {
    session.onData(Buffer.from(text as string, 'latin1'));
    network.settle();
  } };
}

/** Real tracing to a collector that need not be there. */
function tracingTo(url: string): Tracing {
  const host = createTestHost();
  return createTracing({ ...host, process: { ...host.process, env: { OTEL_EXPORTER_OTLP_ENDPOINT: url } } }, 'gateway');
}

const requestArbitrary = fc.oneof(
  fc.constantFrom(
    'GET /feed HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /feed HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Correlation-Id: abcdef0123\r\nConnection: keep-alive\r\n\r\n',
    'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n',
    'HEAD /gateway/livez HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST /posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n',
    'POST /posts HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody',
    'GET /feed HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
    'POST /posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  ),
  fc.integer({ min: 0, max: 400 }).map((size) => `POST /posts HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'b'.repeat(size)}`),
  // Beyond what is collected: streamed.
  fc.constant(`POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'c'.repeat(70_000)}`),
);

test('any split of the stream gives the same requests and the same replies', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 30 });
  fc.assert(fc.property(fc.array(requestArbitrary, { minLength: 1, maxLength: 5 }), cuts, fc.nat(40), (requests, at, replyCut) => {
    const stream = Buffer.from(requests.join(''), 'latin1');
    const whole = open();
    whole.send(stream);
    const split = open(() => [ok.slice(0, replyCut), ok.slice(replyCut)].filter((piece) => piece !== ''));
    const edges = [...new Set([0, ...at.map((cut) => cut % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
    for (let index = 1; index < edges.length; index++) split.send(stream.subarray(edges[index - 1], edges[index]));
    expect(split.network.requests).toEqual(whole.network.requests);
    expect(split.wire.text).toBe(whole.wire.text);
    expect(split.wire.ended).toBe(whole.wire.ended);
    expect(split.gateway.admission.inFlight).toBe(0);
  }), { numRuns: 300 });
});

test('byte by byte is the same too', () => {
  const stream = 'POST /posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n';
  const whole = open();
  whole.send(stream);
  const split = open(() => ok.split(''));
  for (const char of stream) split.send(char);
  expect(split.network.requests).toEqual(whole.network.requests);
  expect(split.wire.text).toBe(whole.wire.text);
  expect(split.network.requests).toHaveLength(2);
});

describe('passes on', () => {
  test('the id and address it was given, or makes them', () => {
    const bench = open();
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Correlation-Id: abcdef0123\r\n\r\n');
    bench.send('GET /b HTTP/1.1\r\nHost: a\r\nX-Correlation-Id: short\r\n\r\n');
    expect(bench.network.requests).toEqual([
      'GET /a HTTP/1.1\r\nHost: a\r\nX-Correlation-Id: abcdef0123\r\nx-forwarded-for: 1.2.3.4\r\n\r\n',
      `GET /b HTTP/1.1\r\nHost: a\r\nx-forwarded-for: 127.0.0.1\r\nx-correlation-id: ${'07'.repeat(12)}\r\n\r\n`,
    ]);
    expect(bench.network.wires).toHaveLength(1);
  });

  test('not the address an untrusted peer claims', () => {
    const bench = open(undefined, { SORA_TRUSTED_PEERS: '10.0.0.0/8' });
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n');
    expect(bench.network.requests[0]).toContain('x-forwarded-for: 127.0.0.1\r\n');
    expect(bench.network.requests[0]).not.toContain('1.2.3.4');
  });

  test('its own traceparent where tracing is on, in the trace of the client’s', () => {
    const bench = open(undefined, {}, tracingTo('http://127.0.0.1:9'));
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const given = `00-${traceId}-00f067aa0ba902b7-01`;
    const sent = (lines: string): string => {
      bench.send(`GET /a HTTP/1.1\r\nHost: a\r\n${lines}X-A: 1\r\n\r\n`);
      const request = bench.network.requests.at(-1) ?? '';
      expect(request).toContain('X-A: 1\r\n');
      expect(request.match(/traceparent/gi)).toHaveLength(1);
      return /traceparent: (00-[0-9a-f]{32}-[0-9a-f]{16}-01)\r\n/.exec(request)?.[1] ?? '';
    };
    expect(sent('')).not.toBe('');
    const below = sent(`Connection: x-b\r\nTraceparent: ${given}\r\nX-B: 2\r\n`);
    expect(below).not.toBe(given);
    expect(below.slice(3, 35)).toBe(traceId);
    // Two of them are none.
    expect(sent(`traceparent: ${given}\r\ntraceparent: ${given}\r\n`).slice(3, 35)).not.toBe(traceId);
  });

  test('the client’s traceparent as it is where tracing is off', () => {
    const bench = open();
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\nTraceparent: given\r\n\r\n');
    expect(bench.network.requests[0]).toContain('Traceparent: given\r\n');
    expect(bench.network.requests[0]).not.toContain('traceparent: 00');
  });

  test('interim replies before the final one', () => {
    const bench = open(() => ['HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n', 'Content-Length: 0\r\n\r\n']);
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.wire.text).toBe('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
});

describe('does not trust', () => {
  test('a server that sends more than its reply', () => {
    const bench = open(() => [`${ok}HTTP/1.1 200 OK\r\n\r\n`]);
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.wire.text.match(/HTTP\/1.1/g)).toHaveLength(1);
    expect(bench.network.wires[0]?.destroyed).toBe(true);
  });

  test('a malformed reply: 502, the client stays', () => {
    const bench = open(() => ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx']);
    bench.send('POST /a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.wire.text).toMatch(/^HTTP\/1.1 502 .*bad_upstream/s);
    expect(bench.wire.ended).toBe(false);
  });
});

test('a refused connection means down; a shortage of our own does not', () => {
  const { gateway } = open();
  const [upstream] = gateway.upstreams;
  upstream?.onConnectError(Object.assign(new Error('full backlog'), { code: 'EAGAIN' }));
  expect(gateway.ready).toBe(true);
  upstream?.onConnectError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  expect(gateway.ready).toBe(false);
});

describe('time', () => {
  const pass = async (bench: Bench, durationMs: number): Promise<void> => {
    await bench.host.advance(durationMs);
    bench.gateway.coarseMs = bench.gateway.monotonicMs();
    if (bench.session.deadlineMs < bench.gateway.coarseMs) bench.session.onDeadline();
    bench.network.settle();
  };

  test('a head that does not come gets 408', async () => {
    const bench = open();
    bench.send('GET /a HTTP/1.1\r\nHo');
    await pass(bench, 9_000);
    bench.send('s');
    expect(bench.wire.text).toBe('');
    await pass(bench, 2_000);
    expect(bench.wire.text).toMatch(/^HTTP\/1.1 408 /);
    expect(bench.wire.ended).toBe(true);
  });

  test('a server that does not answer in 30 s: 504, its connection is dropped', async () => {
    const bench = open(() => []);
    bench.send('POST /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await pass(bench, 31_000);
    expect(bench.wire.text).toMatch(/^HTTP\/1.1 504 .*upstream_timeout/s);
    expect(bench.network.wires[0]?.destroyed).toBe(true);
    expect(bench.gateway.admission.inFlight).toBe(0);
  });

  test('an idle connection is closed after 65 s', async () => {
    const bench = open();
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    await pass(bench, 64_000);
    expect(bench.wire.destroyed).toBe(false);
    await pass(bench, 2_000);
    expect(bench.wire.destroyed).toBe(true);
  });
});

describe('overload', () => {
  test('the excess waits, then gets 503 with Retry-After, and keeps its connection', async () => {
    const bench = open(() => [], { SORA_GATEWAY_CONCURRENCY: '1' });
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    const other = new FakeWire();
    const session = bench.gateway.accept(other);
    session.onData(Buffer.from('GET /b HTTP/1.1\r\nHost: a\r\n\r\n'));
    await bench.host.advance(10);
    expect(other.text).toBe('');
    await bench.host.advance(10);
    expect(other.text).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1\r\n.*overloaded/s);
    expect(other.ended).toBe(false);
  });

  test('a client that leaves while it waits frees its place in the queue', () => {
    const bench = open(() => [], { SORA_GATEWAY_CONCURRENCY: '1' });
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    const other = new FakeWire();
    const session = bench.gateway.accept(other);
    other.events = session;
    session.onData(Buffer.from('GET /b HTTP/1.1\r\nHost: a\r\n\r\n'));
    expect(bench.gateway.admission.queued).toBe(1);
    other.destroy();
    expect(bench.gateway.admission.queued).toBe(0);
    bench.wire.destroy();
    expect(bench.gateway.admission.inFlight).toBe(0);
    expect(bench.gateway.sessions).toBe(0);
  });

  test('no upstream: 503 at once', () => {
    const bench = open();
    for (const upstream of bench.gateway.upstreams) upstream.mark(false);
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.wire.text).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1\r\n.*no_upstream/s);
  });
});

test('a reply that ends while its client is congested leaves the connection usable', () => {
  const bench = open();
  bench.wire.queuedBytes = 200_000;
  bench.session.onData(Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\n\r\n'));
  expect(bench.network.requests).toEqual([]);
  bench.wire.queuedBytes = 0;
  bench.wire.onWrite = () => {
    bench.wire.queuedBytes = 200_000;
  };
  bench.session.onDrain();
  bench.network.settle();
  expect(bench.network.requests).toHaveLength(1);
  expect(bench.network.wires[0]?.paused).toBe(false);
});

test('a client that does not read gets no further replies until it does', () => {
  const bench = open();
  bench.wire.onWrite = () => {
    bench.wire.queuedBytes = 200_000;
  };
  bench.send('GET /gateway/livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5));
  expect(bench.wire.written).toHaveLength(1);
  expect(bench.wire.paused).toBe(true);
  bench.wire.queuedBytes = 0;
  bench.session.onDrain();
  expect(bench.wire.written).toHaveLength(2);
  bench.wire.onWrite = undefined;
  bench.wire.queuedBytes = 0;
  bench.session.onDrain();
  expect(bench.wire.written).toHaveLength(5);
  expect(bench.wire.paused).toBe(false);
});

test('a congested side pauses the other', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n';
  const bench = open(() => [head, 'x'.repeat(1_000)]);
  bench.wire.onWrite = () => {
    bench.wire.queuedBytes = 200_000;
  };
  bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(bench.network.wires[0]?.paused).toBe(true);
  bench.session.onDrain();
  expect(bench.network.wires[0]?.paused).toBe(false);

  const upload = open();
  upload.send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
  const upstream = upload.network.wires[0] as FakeWire;
  upstream.queuedBytes = 200_000;
  upload.send('y'.repeat(1_000));
  expect(upload.wire.paused).toBe(true);
  upstream.events?.onDrain();
  expect(upload.wire.paused).toBe(false);
});

describe('logs', () => {
  test('its own 502 under the id that the client was told, and in the same form as the api', () => {
    const bench = open(() => ['HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n']);
    bench.send('POST /a?b=1 HTTP/1.1\r\nHost: a\r\n\r\n');
    const { correlationId, type, instance } = JSON.parse(bench.wire.text.split('\r\n\r\n')[1] ?? '') as Record<string, string>;
    expect(type).toBe('urn:sora:problem:bad_upstream');
    expect(instance).toBe('/a');
    expect(bench.logged).toEqual([{ correlationId, code: 'bad_upstream', status: 502, method: 'POST', detail: expect.stringContaining('malformed') }]);
  });

  test('its refusals under overload, and that no api process is left', async () => {
    const bench = open(() => [], { SORA_GATEWAY_CONCURRENCY: '1' });
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    bench.gateway.accept(new FakeWire()).onData(Buffer.from('GET /b HTTP/1.1\r\nHost: a\r\nX-Correlation-Id: abcdef0123\r\n\r\n'));
    await bench.host.advance(300);
    const other = open();
    for (const upstream of other.gateway.upstreams) upstream.mark(false);
    other.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.logged).toMatchObject([{ correlationId: 'abcdef0123', code: 'overloaded', status: 503 }]);
    expect(other.logged).toMatchObject([{ code: 'no_upstream', status: 503 }]);
  });

  test('a reply it had to break off, and nothing of what the api answers itself', () => {
    const bench = open((request) => [request.startsWith('GET /half') ? 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf' : ok.replace('200 OK', '500 No')]);
    bench.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(bench.logged).toEqual([]);
    bench.send('GET /half HTTP/1.1\r\nHost: a\r\n\r\n');
    bench.network.wires[0]?.events?.onClose();
    expect(bench.wire.destroyed).toBe(true);
    expect(bench.logged).toMatchObject([{ code: 'reply_cut', method: 'GET', detail: expect.stringContaining('closed the connection') }]);
  });
});
