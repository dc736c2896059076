import { expect, test } from 'vitest';
import { nextSteps } from './up.ts';

test('what next names alerts where a control plane runs, and the address of the API', () => {
  const commandsOf = (urls: Record<string, string>): string[] => nextSteps(urls).map(([command]) => command);
  expect(commandsOf({ gateway: 'http://127.0.0.1:8080', control: 'http://127.0.0.1:8070' })).toEqual(expect.arrayContaining(['http://127.0.0.1:8080/docs', 'npx sora alerts ls']));
  expect(commandsOf({ gateway: 'http://127.0.0.1:8080' }).join()).not.toContain('alerts');
});
