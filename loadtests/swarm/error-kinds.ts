/** Of a step, or an iteration of a function, that waits for what never comes: neither a request nor a pause of its own. */
export const neverEnded = 'never ended';
/** Of a worker that died; no operation's. */
export const workerLost = 'worker lost';
/** Of a worker that was lost because the scenario's code never let go of it; no operation's. */
export const workerBlocked = 'worker blocked';
/** Of an operation whose journey went on, or ended, before its reply: what was measured is no reply's time. */
export const notAwaited = 'not awaited';
/** What precedes the name of what was thrown. */
export const throwPrefix = 'throw: ';
/** The code of what a request throws that cannot be written, and so is never sent. */
export const malformedRequest = 'malformed_request';
/** Of a request that was still sent elsewhere when all the redirects that it allows had been followed. */
export const tooManyRedirects = 'too_many_redirects';
