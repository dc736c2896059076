import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, limits, newRecord } from './process-state.ts';
import type { Action, Observed, ProcessPolicy, ProcessRecord } from './process-state.ts';

const policy: ProcessPolicy = {
  task: false,
  restart: 'always',
  readyTimeoutMs: 5_000,
  stopLadder: [{ signal: 'SIGTERM', afterMs: 0 }, { signal: 'SIGKILL', afterMs: 3_000 }],
};
const killed = { code: null, signal: 'SIGKILL' } as const;

/** One process whose time and circumstances the test moves. */
function createLife(override: Partial<ProcessPolicy> = {}) {
  let nowMs = 1_000;
  let record: ProcessRecord = newRecord(nowMs);
  const world: Omit<Observed, 'record' | 'policy'> = {
    wanted: true, dependenciesReady: true, dependentsGone: true, process: 'absent', probe: 'none',
  };
  return {
    get record() {
      return record;
    },
    see(change: Partial<Observed>, afterMs = 0): readonly Action[] {
      nowMs += afterMs;
      const decision = decide({ ...world, ...change, record, policy: { ...policy, ...override } }, nowMs);
      record = decision.record;
      return decision.actions;
    },
    get nowMs() {
      return nowMs;
    },
  };
}

describe('starting', () => {
  test('waits for what it depends on, then spawns, then is ready when it says so', () => {
    const life = createLife();
    expect(life.see({ dependenciesReady: false })).toEqual([]);
    expect(life.record.status).toBe('waiting');
    expect(life.see({})).toEqual([{ do: 'spawn' }]);
    life.see({ process: 'running', probe: 'silent' }, 100);
    expect(life.record.status).toBe('starting');
    life.see({ process: 'running', probe: 'ok' }, 100);
    expect(life.record.status).toBe('ready');
  });

  test('is killed when it is not ready in time', () => {
    const life = createLife();
    life.see({});
    expect(life.see({ process: 'running', probe: 'refusing' }, 5_000)).toEqual([]);
    expect(life.see({ process: 'running', probe: 'refusing' }, 1)).toEqual([{ do: 'signal', signal: 'SIGKILL' }]);
  });

  test('a task is ready once it has ended well, and fails at once when it may not be repeated', () => {
    const life = createLife({ task: true });
    life.see({});
    life.see({ process: { code: 0, signal: null } }, 50);
    expect(life.record.status).toBe('ready');
    life.see({ process: 'absent' }, 90_000);
    expect(life.record.status).toBe('ready');
    const failing = createLife({ task: true, restart: 'never' });
    failing.see({});
    failing.see({ process: { code: 1, signal: null } });
    expect(failing.record.status).toBe('failed');
  });
});

describe('restarting', () => {
  test('at once, then after 100 ms, doubling', () => {
    const life = createLife();
    life.see({});
    const delays: number[] = [];
    for (let crash = 0; crash < 4; crash++) {
      life.see({ process: killed });
      expect(life.record.status).toBe('backoff');
      delays.push(life.record.retryAtMs - life.nowMs);
      expect(life.see({}, delays.at(-1))).toEqual([{ do: 'spawn' }]);
    }
    expect(delays).toEqual([0, 100, 200, 400]);
    expect(life.record.restarts).toBe(4);
  });

  test('the fifth crash within a minute is the last', () => {
    const life = createLife();
    life.see({});
    for (let crash = 0; crash < 4; crash++) {
      life.see({ process: killed }, 10_000);
      life.see({}, limits.backoffMaxMs);
    }
    // 4 crashes, 20 s apart: the first has left the window when the next comes.
    life.see({ process: killed }, 10_000);
    expect(life.record.status).toBe('backoff');
    const quick = createLife();
    quick.see({});
    for (let crash = 0; crash < 4; crash++) {
      quick.see({ process: killed });
      quick.see({}, 1_000);
    }
    quick.see({ process: killed });
    expect(quick.record.status).toBe('failed');
    expect(quick.see({}, 600_000)).toEqual([]);
  });

  test('the delay never passes 10 s and starts anew after a healthy minute', () => {
    const life = createLife();
    life.see({});
    for (let crash = 0; crash < 12; crash++) {
      life.see({ process: killed }, 20_000);
      life.see({}, limits.backoffMaxMs);
    }
    life.see({ process: killed }, 20_000);
    expect(life.record.retryAtMs - life.nowMs).toBe(limits.backoffMaxMs);
    life.see({}, limits.backoffMaxMs);
    life.see({ process: 'running', probe: 'ok' });
    life.see({ process: 'running', probe: 'ok' }, limits.healthyAfterMs);
    life.see({ process: killed });
    expect(life.record.retryAtMs).toBe(life.nowMs);
  });
});

describe('watching', () => {
  function ready() {
    const life = createLife();
    life.see({});
    life.see({ process: 'running', probe: 'ok' });
    return life;
  }

  test('a process that says it is not ready is left running', () => {
    const life = ready();
    life.see({ process: 'running', probe: 'refusing' });
    expect(life.record.status).toBe('unready');
    expect(life.see({ process: 'running', probe: 'refusing' }, 600_000)).toEqual([]);
    life.see({ process: 'running', probe: 'ok' });
    expect(life.record.status).toBe('ready');
  });

  test('one that is silent for 30 s is killed', () => {
    const life = ready();
    life.see({ process: 'running', probe: 'silent' });
    expect(life.see({ process: 'running', probe: 'silent' }, limits.silentKillMs)).toEqual([]);
    expect(life.see({ process: 'running', probe: 'silent' }, 1)).toEqual([{ do: 'signal', signal: 'SIGKILL' }]);
  });
});

describe('stopping', () => {
  test('waits for its dependents, asks, then kills', () => {
    const life = createLife();
    life.see({});
    life.see({ process: 'running', probe: 'ok' });
    expect(life.see({ wanted: false, dependentsGone: false, process: 'running' })).toEqual([]);
    expect(life.see({ wanted: false, process: 'running' })).toEqual([{ do: 'signal', signal: 'SIGTERM' }]);
    expect(life.see({ wanted: false, process: 'running' }, 2_999)).toEqual([]);
    expect(life.see({ wanted: false, process: 'running' }, 1)).toEqual([{ do: 'signal', signal: 'SIGKILL' }]);
    expect(life.see({ wanted: false, process: 'running' }, 1)).toEqual([]);
    life.see({ wanted: false, process: killed });
    expect(life.record.status).toBe('stopped');
  });

  test('whatever happened before, an unwanted process ends stopped or failed, and nothing spawns', () => {
    const step = fc.record({
      process: fc.constantFrom<Observed['process']>('absent', 'running', killed, { code: 0, signal: null }),
      probe: fc.constantFrom<Observed['probe']>('none', 'ok', 'refusing', 'silent'),
      dependenciesReady: fc.boolean(),
      afterMs: fc.nat(70_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const life = createLife();
        for (const { afterMs, ...seen } of steps) life.see(seen, afterMs);
        const actions = [life.see({ wanted: false, process: 'running' }), life.see({ wanted: false, process: killed }), life.see({ wanted: false })];
        expect(['stopped', 'failed']).toContain(life.record.status);
        expect(actions.flat().some((action) => action.do === 'spawn')).toBe(false);
      }),
    );
  });
});
