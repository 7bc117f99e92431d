import type { Exit } from '../kernel/types.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Intensity } from '../protocols/plan.ts'
import { restartDelay } from './backoff.ts'
import { type Child, isRestartable, restartOf } from './child.ts'
import { RestartWindow } from './restart-window.ts'
import type { RestartsInWindow } from './system.types.ts'
import type { Decision, SupervisorSpec } from '../kernel/child-spec.ts'

/** SUP-4 */
export const DEFAULT_INTENSITY: Intensity = { restarts: 1, withinMs: 5_000 }

/** What is to be done about the end of a child, with the counters behind it. */
export type Verdict = Pick<Decision, 'decision' | 'restarts' | 'delayMs'>

/** Decides what a supervisor does when a child ends by itself: OTP's rules, with a backoff. Starts and stops nothing. */
export class RestartPolicy {
  readonly intensity: Intensity
  private readonly spec: SupervisorSpec
  private readonly clock: Clock
  private readonly random: Random
  private readonly window: RestartWindow

  constructor(spec: SupervisorSpec, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.spec = spec
    this.clock = clock
    this.random = random
    this.intensity = spec.intensity ?? DEFAULT_INTENSITY
    this.window = new RestartWindow(this.intensity)
  }

  /** Restarts that count now. */
  inWindow(): RestartsInWindow {
    return { used: this.window.count(this.clock.monotonic()), allowed: this.intensity.restarts, withinMs: this.intensity.withinMs }
  }

  /** Counts a restart where one is due; a start that failed is one more try, as in OTP. */
  judge(child: Child, exit: Exit, children: Iterable<Child>): Verdict {
    const now = this.clock.monotonic()
    if (!isRestartable(child.spec, exit)) {
      const decision = this.endsSupervisor(child, children) ? 'auto-shutdown' : 'remove'
      return { decision, restarts: this.window.count(now), delayMs: 0 }
    }
    const restarts = this.window.add(now)
    if (restarts > this.intensity.restarts) return { decision: 'escalate', restarts, delayMs: 0 }
    return { decision: 'restart', restarts, delayMs: this.nextDelay(child, now) }
  }

  /** Whether a child that ends so now will be started again, as far as can be told before it is judged. */
  expectsRestart(child: Child, exit: Exit): boolean {
    if (child.leaving !== 'no') return false
    if (child.phase === 'stopping' || child.isRegrouped) return restartOf(child.spec) !== 'temporary'
    return child.hasStarted && isRestartable(child.spec, exit) && !this.window.isUsedUp(this.clock.monotonic())
  }

  private nextDelay(child: Child, now: number): number {
    const { backoff } = this.spec
    if (backoff === undefined) return 0
    const wasStable = child.phase === 'running' && now - child.startedAt >= backoff.resetAfterMs
    const inARow = wasStable ? 0 : child.restartsInARow
    child.restartsInARow = inARow + 1
    return restartDelay(backoff, inARow, this.random.next())
  }

  private endsSupervisor(child: Child, children: Iterable<Child>): boolean {
    const { autoShutdown = 'never' } = this.spec
    if (child.spec.significant !== true || autoShutdown === 'never') return false
    if (autoShutdown === 'any_significant') return true
    for (const one of children) if (one !== child && one.spec.significant === true && one.phase !== 'done') return false
    return true
  }
}
