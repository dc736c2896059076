import { messageOf } from '../../ops/core/error.ts';

/** What is wrong with a command's flags, in our words where Node's parser has only its own. */
export function wrongFlag(command: string, args: readonly string[], error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  const flag = /'(-{1,2}[^'\s<,]+)/.exec(messageOf(error))?.[1] ?? args.find((arg) => arg.startsWith('-')) ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `${command} has no flag ${flag}`;
  return code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' ? `${flag} of ${command} ${messageOf(error).includes('does not take') ? 'takes no value' : 'needs a value'}` : messageOf(error);
}
