import type { Exit } from '../kernel/types.ts'
import type { Clock } from '../ports/clock.port.ts'
import type { Random } from '../ports/random.port.ts'
import type { Intensity } from '../protocols/plan.ts'
import { restartDelay } from './backoff.ts'
import { type Child, isRestartable, restartOf } from './child.ts'
import { RestartWindow } from './restart-window.ts'
import type { RestartsInWindow } from './system.types.ts'
import type { Decision, SupervisorSpec } from '../kernel/child-spec.ts'
import { judgementOf } from './judgement.ts'

/** SUP-4 */
export const DEFAULT_INTENSITY: Intensity = { restarts: 1, withinMs: 5_000 }

/** What is to be done about the end of a child, with the counters behind it. */
export type Verdict = Pick<Decision, 'decision' | 'restarts' | 'waits' | 'delayMs' | 'reason'>

/** Decides what a supervisor does when a child ends by itself: its `classify`, then OTP's rules, with a backoff. Starts and stops nothing. */
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
    if (this.wasStable(child, now)) child.restartsInARow = child.waitsInARow = 0
    const judgement = judgementOf(child.spec, exit, child.waitsInARow)
    const told = { reason: judgement.do === 'restart' ? null : judgement.reason, waits: child.waitsInARow, delayMs: 0 }
    if (judgement.do === 'escalate') return { ...told, decision: 'escalate', restarts: this.window.count(now) }
    if (judgement.do === 'stop' || !isRestartable(child.spec, exit)) {
      const decision = this.endsSupervisor(child, children) ? 'auto-shutdown' : 'remove'
      return { ...told, decision, restarts: this.window.count(now) }
    }
    if (judgement.do === 'wait') {
      const waits = (child.waitsInARow += 1)
      const restarts = this.window.count(now)
      if (waits <= judgement.atMost) return { ...told, decision: 'wait', restarts, waits, delayMs: judgement.ms }
      return { ...told, decision: 'escalate', restarts, waits, reason: `${judgement.reason}; waited ${judgement.atMost} times in a row` }
    }
    const restarts = this.window.add(now)
    if (restarts > this.intensity.restarts) return { ...told, decision: 'escalate', restarts }
    return { ...told, decision: 'restart', restarts, delayMs: this.nextDelay(child) }
  }

  /** Whether a child that ends so now will be started again, as far as can be told before it is judged. */
  expectsRestart(child: Child, exit: Exit): boolean {
    if (child.leaving !== 'no') return false
    if (child.phase === 'stopping' || child.isRegrouped) return restartOf(child.spec) !== 'temporary'
    if (!child.hasStarted || !isRestartable(child.spec, exit)) return false
    const now = this.clock.monotonic()
    const waits = this.wasStable(child, now) ? 0 : child.waitsInARow
    const judgement = judgementOf(child.spec, exit, waits)
    return judgement.do === 'wait' ? waits < judgement.atMost : judgement.do === 'restart' && !this.window.isUsedUp(now)
  }

  private wasStable(child: Child, now: number): boolean {
    const stableMs = this.spec.backoff?.resetAfterMs ?? this.intensity.withinMs
    return child.phase === 'running' && child.startedAt !== null && now - child.startedAt >= stableMs
  }

  private nextDelay(child: Child): number {
    const { backoff } = this.spec
    if (backoff === undefined) return 0
    return restartDelay(backoff, child.restartsInARow++, this.random.next())
  }

  private endsSupervisor(child: Child, children: Iterable<Child>): boolean {
    const { autoShutdown = 'never' } = this.spec
    if (child.spec.significant !== true || autoShutdown === 'never') return false
    if (autoShutdown === 'any_significant') return true
    for (const one of children) if (one !== child && one.spec.significant === true && one.phase !== 'done') return false
    return true
  }
}
