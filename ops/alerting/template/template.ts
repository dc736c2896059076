/**
 * The templates of labels and annotations: Go's text/template with the functions of Prometheus 3
 * (docs/configuration/template_reference.md). Parsed once when rules are loaded, expanded at every evaluation.
 */
import { executeTree } from './execute.ts';
import { findFunction } from './functions.ts';
import type { TemplateWorld } from './functions.ts';
import { messageOf } from '../../core/error.ts';
import type { Labels } from '../../metricstore/series.ts';
import type { Tree } from './node.ts';
import { parseTemplate } from './parse.ts';
import { stringMap } from './value.ts';
import type { GoData, GoValue } from './value.ts';

/** A template that was parsed. */
export interface Template {
  readonly text: string;
  /** Undefined where the text has no action and stands for itself. */
  readonly tree: Tree | undefined;
}

/** What a template is about: one element of a rule's result. */
export interface TemplateData {
  /** Of the result, with `__name__` where it has one; not those of the rule. */
  readonly labels: Labels;
  readonly value: number;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

/**
 * Parses a template.
 * @throws SoraError `bad_template` with the line: syntax, a function or a variable that does not exist
 */
export function compileTemplate(text: string): Template {
  if (!text.includes('{{')) return { text, tree: undefined };
  return { text, tree: parseTemplate(text, (name) => findFunction(name) !== undefined, ['$labels', '$externalLabels', '$externalURL', '$value']) };
}

/**
 * Expands a template. What goes wrong meanwhile becomes the text, as in Prometheus, so that an alert with a broken
 * annotation still reaches people: `<error expanding template: …>`.
 * @param name of the alert, for the error
 */
export async function expandTemplate({ text, tree }: Template, name: string, data: TemplateData, world: TemplateWorld): Promise<string> {
  if (tree === undefined) return text;
  const [labels, externalLabels] = [stringMap(data.labels), stringMap(data.externalLabels)];
  const dot: GoData = {
    kind: 'data',
    fields: new Map<string, GoValue>([
      ['Labels', labels], ['ExternalLabels', externalLabels], ['ExternalURL', data.externalUrl], ['Value', data.value],
    ]),
  };
  const variables = [
    { name: '$labels', value: labels }, { name: '$externalLabels', value: externalLabels },
    { name: '$externalURL', value: data.externalUrl }, { name: '$value', value: data.value },
  ];
  try {
    return await executeTree(tree, dot, variables, world);
  } catch (error) {
    return `<error expanding template: error executing template __alert_${name}: ${messageOf(error).replace(/^template: /, `template: __alert_${name}:`)}>`;
  }
}
