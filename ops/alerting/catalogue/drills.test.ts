import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { drillsFile, readDrills } from './drills.ts';
import { renderReadme } from './readme.ts';
import type { RuleEntry } from './catalogue.ts';

const { files } = createNodeHost();
const root = mkdtempSync(join(tmpdir(), 'sora-drills-'));
mkdirSync(join(root, 'alerts'));
afterAll(() => rmSync(root, { recursive: true }));
const entry = (name: string): RuleEntry => ({ name, file: 'alerts/rules/api.yaml', metrics: [], limit: '', windows: [], forText: '', severity: 'high', owner: 'o', reason: 'because', runbook: '', needs: '' });

describe('drills', () => {
  it('are none before the first, and read as the drill writes them, whatever else it adds', () => {
    expect(readDrills(files, root)).toEqual([]);
    writeFileSync(join(root, drillsFile), JSON.stringify({ schema: 'sora.alert-drills/v1', alerts: [{ alert: 'A', atMs: 5, commit: 'abc', fault: 'f' }, { alert: 'B', atMs: 6, commit: 'abc', problem: 'no message came' }] }));
    expect(readDrills(files, root)).toEqual([{ alert: 'A', atMs: 5, commit: 'abc' }, { alert: 'B', atMs: 6, commit: 'abc', problem: 'no message came' }]);
    writeFileSync(join(root, drillsFile), '{');
    expect(() => readDrills(files, root)).toThrow('alerts/drills.json cannot be read');
  });

  it('stand beside each rule in the page of the alerts', () => {
    const atMs = Date.UTC(2026, 0, 31, 12);
    const page = renderReadme([entry('A'), entry('B'), entry('C')], [], [{ alert: 'A', atMs, commit: 'abc' }, { alert: 'B', atMs, commit: 'abc', problem: 'no message came' }]);
    expect(page).toContain('| because | 2026-01-31, abc |');
    expect(page).toContain('| because | ✗ 2026-01-31, abc: no message came |');
    expect(page).toContain('| because | never |');
  });
});
