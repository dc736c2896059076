import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { SoraError, exitCodes, messageOf } from '../../core/error.ts';
import type { Files } from '../../core/host.ts';
import { renderProblem } from './rule.ts';
import type { Problem, RuleGroup } from './rule.ts';
import { parseRuleFile } from './rule-file.ts';

export interface LoadedRules {
  readonly files: readonly string[];
  readonly groups: readonly RuleGroup[];
  readonly problems: readonly Problem[];
}

/** Files of a pattern such as `rules/*.yaml`, sorted; only names, not folders, may have `*` and `?`. */
export function globFiles(files: Files, pattern: string): string[] {
  if (!/[*?[]/.test(basename(pattern))) return files.exists(pattern) ? [pattern] : [];
  const body = basename(pattern).replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]');
  const name = new RegExp(`^${body}$`);
  return files.list(dirname(pattern)).filter((each) => name.test(each)).sort().map((each) => join(dirname(pattern), each));
}

/**
 * Reads rule files. Nothing is thrown for what is wrong inside of them: see `problems`.
 * @param options.names what files are called in problems and keys, relative to this folder; default the paths as given
 */
export function loadRules(files: Files, patterns: readonly string[], options: { readonly names?: string } = {}): LoadedRules {
  const problems: Problem[] = [];
  const paths: string[] = [];
  for (const pattern of patterns) {
    const found = globFiles(files, pattern);
    if (found.length === 0) problems.push({ file: pattern, line: 1, column: 1, message: 'no such rule file' });
    paths.push(...found.filter((path) => !paths.includes(path)));
  }
  const groups = paths.flatMap((path) => {
    const name = options.names === undefined || !isAbsolute(path) ? path : relative(options.names, path);
    try {
      const file = parseRuleFile(name, files.readText(path));
      problems.push(...file.problems);
      return file.groups;
    } catch (error) {
      problems.push({ file: name, line: 1, column: 1, message: messageOf(error) });
      return [];
    }
  });
  return { files: paths, groups, problems };
}

/**
 * The same for a process that cannot run with wrong rules.
 * @throws SoraError 104 with every problem
 */
export function requireRules(files: Files, patterns: readonly string[], options: { readonly names?: string } = {}): LoadedRules {
  const loaded = loadRules(files, patterns, options);
  if (loaded.problems.length === 0) return loaded;
  throw new SoraError('bad_rules', `the alert rules have ${loaded.problems.length} problem${loaded.problems.length === 1 ? '' : 's'}:\n${loaded.problems.map(renderProblem).join('\n')}`, {
    exitCode: exitCodes.invalidConfig, hint: 'sora rules check tells them again after a change',
  });
}
