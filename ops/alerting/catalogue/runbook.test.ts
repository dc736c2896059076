import { describe, expect, it } from 'vitest';
import { readRunbook, runbookProblems } from './runbook.ts';

const good = `# SlowApi

## Meaning

It is slow.

## Impact

Users wait.

## First checks

1. Is it up?

\`\`\`sh
sora status
\`\`\`

2. Why?

\`\`\`sh
# a comment
sora query 'up' \\
  --range 1h
sora logs
\`\`\`

## Mitigation

Follow [another](other.md) or <https://example.test/>, [there](https://example.test/).

## Proof of recovery

\`\`\`sh
sora query 'x'
\`\`\`
`;

describe('readRunbook', () => {
  it('finds title, sections, commands with joined lines, and links', () => {
    const runbook = readRunbook(good);
    expect(runbook.title).toBe('SlowApi');
    expect(runbook.sections.map(({ name }) => name)).toEqual(['Meaning', 'Impact', 'First checks', 'Mitigation', 'Proof of recovery']);
    expect(runbook.commands.map(({ section, text }) => [section, text])).toEqual([
      ['First checks', 'sora status'], ['First checks', "sora query 'up'   --range 1h"], ['First checks', 'sora logs'], ['Proof of recovery', "sora query 'x'"],
    ]);
    expect(runbook.links).toEqual(['other.md']);
    expect(runbookProblems(runbook)).toEqual([]);
  });
});

describe('runbookProblems', () => {
  it.each([
    ['a missing section', good.replace('## Impact', '### Impact'), '"## Impact" is missing'],
    ['an empty section', good.replace('Users wait.', ''), '"## Impact" is empty'],
    ['another order', good.replace('## Impact', '## X').replace('## Meaning', '## Impact').replace('## X', '## Meaning'), 'stand in the order Impact, Meaning'],
    ['too few checks', good.replace('sora logs\n', ''), 'has 2 commands'],
    ['no proof', good.replace("sora query 'x'\n", ''), '"## Proof of recovery" has no command'],
    ['no title', good.replace('# SlowApi', ''), 'the title'],
  ])('tells of %s', (_what, text, problem) => {
    expect(runbookProblems(readRunbook(text)).join('\n')).toContain(problem);
  });
});
