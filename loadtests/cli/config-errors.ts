import { SoraError } from '../../ops/core/error.ts';

/** Several errors of configuration, told at once. */
export class ConfigErrors extends SoraError {
  readonly all: readonly SoraError[];
  constructor(all: readonly SoraError[]) {
    super('invalid_config', all.map((error) => error.message).join('; '), { exitCode: 104 });
    this.all = all;
  }
}
