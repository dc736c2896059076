import type { Round } from './fault.ts';
import { stalledControl, unlistedTarget } from './faults/control.ts';
import { brokenSchema, deadlock, lockedTables, slowDatabase, stoppedDatabase, takenConnections, unbalancedLedger } from './faults/database.ts';
import { crashingApi, fullMemory, slowStart } from './faults/processes.ts';
import { failingAi, failingModeration, failingPayments, latePayments, slowAi, wordyAi } from './faults/providers.ts';
import { badJob, fullQueue, oldQueue, stoppedWorkers } from './faults/queues.ts';
import { endingCertificate, endingTokenKey, fillingDisk, lateNotification, overdueRun, refusedNotification } from './faults/surroundings.ts';

/** What does not touch the same part is brought about together; what would hide another comes alone. */
export const rounds: readonly Round[] = [
  [slowAi, latePayments, deadlock, endingCertificate, unbalancedLedger, badJob],
  [failingAi, failingPayments, takenConnections, stoppedWorkers],
  [wordyAi, fillingDisk, fullQueue, refusedNotification],
  [failingModeration, oldQueue, lateNotification],
  [overdueRun, unlistedTarget],
  [stalledControl],
  [fullMemory],
  [lockedTables],
  [brokenSchema],
  [slowDatabase],
  [stoppedDatabase],
  [slowStart],
  [crashingApi],
];

/** Stops the whole stack, so it comes when no users are on it. */
export const lastRounds: readonly Round[] = [[endingTokenKey]];

/** Repeated, for a worst case of ten: what the control plane has a database of its own for. */
export const repeated = stoppedDatabase;
