/** A server that stops for a while and then works off what waits, as computed on paper. */
export interface Stall {
  readonly durationMs: number;
  readonly stallMs: number;
  /** Requests that fall due a second, evenly. */
  readonly arrivalsPerS: number;
  /** Requests that the server answers a second while some wait, one after the other; more than arrive. */
  readonly servedPerS: number;
  /** Connections of the generator; a request that finds none free waits for one. */
  readonly sockets: number;
}

/** How long something waits: from the stall's beginning until nothing waits any more. Each ms of it, only the difference of both rates is worked off. */
export function backlogMs({ stallMs, arrivalsPerS, servedPerS }: Stall): number {
  return stallMs / (1 - arrivalsPerS / servedPerS);
}

/**
 * Quantile of the response time, in ms. What falls due t after the stall's beginning has arrivalsPerS · t before it and so
 * ends at stallMs + arrivalsPerS · t / servedPerS: it takes stallMs · (1 - t / backlogMs), uniform from 0 to the stall's
 * length over all that fell due in the backlog.
 * @param quantile such as 0.99, within the requests that the backlog touched
 */
export function stalledResponseMs(stall: Stall, quantile: number): number {
  return stall.stallMs * (1 - shareAbove(stall, quantile));
}

/**
 * Quantile of the service time, in ms. While requests wait, every connection is always busy, so by Little's law each
 * takes sockets / servedPerS. Only the few that were out when the server stopped took the stall's length.
 * @param quantile such as 0.99, within the requests that the backlog touched, above those few
 */
export function stalledServiceMs(stall: Stall, quantile: number): number {
  shareAbove(stall, quantile);
  return (stall.sockets / stall.servedPerS) * 1_000;
}

/** Of the requests of the backlog, the share that is slower than the quantile of all. @throws RangeError where the backlog is too short to tell */
function shareAbove(stall: Stall, quantile: number): number {
  const share = ((1 - quantile) * stall.durationMs) / backlogMs(stall);
  const leastShare = stall.sockets / ((stall.arrivalsPerS / 1_000) * backlogMs(stall));
  if (share < 1 && share > leastShare) return share;
  throw new RangeError(`the backlog of ${Math.round(backlogMs(stall))} ms in ${stall.durationMs} ms says nothing about the quantile ${quantile}`);
}
