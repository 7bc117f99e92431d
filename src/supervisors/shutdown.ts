import type { Kernel } from '../kernel/kernel.ts'
import type { Subtree } from './child.ts'
import { findChild, whoRuns } from './find-child.ts'
import type { PhaseReport, ShutdownPhase } from './system.types.ts'

/** Stops a tree in phases: each ends within its limit, and says what it had to kill. */
export class PhasedShutdown {
  private readonly kernel: Kernel
  private readonly root: Subtree

  constructor(kernel: Kernel, root: Subtree) {
    this.kernel = kernel
    this.root = root
  }

  /** All of a phase at once. */
  async phase({ name, stops, limitMs }: ShutdownPhase): Promise<PhaseReport> {
    const began = this.kernel.clock.monotonic()
    const late = await Promise.all(stops.map((child) => this.stopOne(child, limitMs)))
    return { phase: name, tookMs: this.kernel.clock.monotonic() - began, late: late.flat() }
  }

  /** What is left, in reverse order of start. @param ended settles when the root has ended */
  async rest(limitMs: number, ended: Promise<unknown>, reason: 'shutdown' | 'handover'): Promise<PhaseReport> {
    const { clock } = this.kernel
    const began = clock.monotonic()
    let late: readonly string[] = []
    const timer = clock.setTimer(limitMs, () => {
      late = whoRuns(this.root.children)
      this.root.actor.kill()
    })
    this.root.actor.stop(reason, 'infinity')
    await ended
    timer.cancel()
    return { phase: 'rest', tookMs: clock.monotonic() - began, late }
  }

  /** By a system message, which no full mailbox keeps out. @returns what did not stop in time: it was killed */
  private stopOne(name: string, limitMs: number): Promise<readonly string[]> {
    const found = findChild(this.root, name)
    if (found === undefined || found.owner.actor.exit !== null) return Promise.resolve([])
    const { child, owner } = found
    const { promise, resolve } = Promise.withResolvers<readonly string[]>()
    const timer = this.kernel.clock.setTimer(limitMs, () => {
      resolve(whoRuns([child]))
      child.actor?.kill()
    })
    const ended = (): void => {
      timer.cancel()
      resolve([])
    }
    ;(child.endReplies ??= []).push(ended)
    owner.actor.postSystem('supervisor.terminate-child', () => ({ name }))
    return promise
  }
}
