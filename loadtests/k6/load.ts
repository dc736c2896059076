import { useSuite } from './suite/settings.ts';

export { act, actFixed, setup } from './suite/mix.ts';
export { handleSummary } from './suite/summary.ts';

export const options = useSuite('load');
