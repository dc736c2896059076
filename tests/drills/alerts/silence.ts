import { freeze, processOf } from './faults/reach.ts';
import type { World } from './fault.ts';
import { summarise } from './runbook.ts';
import type { CommandOutcome, RunbookNotes } from './runbook.ts';
import type { AlertOutcome, Guide } from './run-fault.ts';

/** The watchdog's own limit; see `alerts.watchdog.afterMs`. */
const silentMs = 60_000;
const patienceMs = 180_000;
const rule = 'DeadMansSwitch';
/** Its metric store stands still with it. */
const notes: RunbookNotes = { excused: { 'npx sora query': 'the control plane stands still and answers no query' } };

/** The control plane stands still: its own alerts are silent, so its watchdog must speak, and the switch must stop. */
export async function runSilence(world: World, guide: Guide): Promise<AlertOutcome> {
  const { host, signal, receiver } = world;
  const causedAtMs = host.clock.nowMs();
  const what = 'the control plane stands still, and the supervisor that would replace it (SIGSTOP); its watchdog tells of it';
  world.say(`control-silent: ${what}`);
  const beatsBefore = beatsSince(world, 0);
  const { supervisorPid } = world.stack();
  // First, and alone: its children are the stack.
  host.process.kill(supervisorPid, 'SIGSTOP');
  const thawControl = freeze(world, processOf(world, 'control').pid);
  const thaw = (): void => {
    thawControl();
    host.process.kill(supervisorPid, 'SIGCONT');
  };
  const until = async <Found>(look: () => Found | undefined): Promise<Found | undefined> => {
    const endMs = host.clock.monotonicMs() + patienceMs;
    for (;;) {
      const found = look();
      if (found !== undefined || host.clock.monotonicMs() > endMs) return found;
      await host.timers.sleep(200, signal);
    }
  };
  const told = (status: 'firing' | 'resolved', fromMs: number) => (): number | undefined => receiver.messages.find(({ atMs, payload }) =>
    atMs >= fromMs && payload.status === status && payload.alerts.some(({ labels }) => labels['service'] === 'control' && labels['sora_rehearsal'] === undefined && labels['alertname'] === 'ControlPlaneSilent'))?.atMs;
  const path = guide.runbookOf(rule);
  const commands: CommandOutcome[] = [];
  let toldAtMs: number | undefined;
  try {
    toldAtMs = await until(told('firing', causedAtMs));
    if (toldAtMs !== undefined) commands.push(...(await guide.follow(path, 'First checks', notes)));
  } finally {
    thaw();
  }
  const removedAtMs = host.clock.nowMs();
  const overAtMs = toldAtMs === undefined ? undefined : await until(told('resolved', removedAtMs));
  if (overAtMs !== undefined) commands.push(...(await guide.follow(path, 'Proof of recovery')));
  const problem = beatsBefore === 0 ? 'the switch was never heard' : toldAtMs === undefined ? 'the watchdog said nothing' : overAtMs === undefined ? 'the watchdog did not say that it is over' : undefined;
  return {
    alert: rule, fault: 'control-silent', what, severity: 'critical', measured: `silent for ${silentMs / 1_000} s`, conditionAfterMs: silentMs, problem, runbook: summarise(path, commands),
    toFiringMs: toldAtMs === undefined ? undefined : Math.max(0, toldAtMs - causedAtMs - silentMs), firingToMessageMs: toldAtMs === undefined ? undefined : 0,
    toMessageMs: toldAtMs === undefined ? undefined : Math.max(0, toldAtMs - causedAtMs - silentMs), toResolvedMs: overAtMs === undefined ? undefined : overAtMs - removedAtMs,
  };
}

const beatsSince = ({ receiver }: World, fromMs: number): number =>
  receiver.messages.filter(({ atMs, payload }) => atMs >= fromMs && payload.alerts.some(({ labels }) => labels['alertname'] === rule)).length;
