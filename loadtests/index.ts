/** What a scenario file imports as `sora`. */
export * from './swarm/scenario.ts';
export { feeder, feederLimits } from './swarm/feeder.ts';
export type { Feeder, FeederOptions, FeedOrder } from './swarm/feeder.ts';
