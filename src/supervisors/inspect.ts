import type { Incarnation } from '../kernel/incarnation.types.ts'
import { Meter } from '../kernel/meter.ts'
import { lookAt } from '../kernel/watcher.ts'
import type { Clock } from '../ports/clock.port.ts'
import { type Child, isRestarting, type Subtree } from './child.ts'
import { findChild } from './find-child.ts'
import type { Inspection, RestartsInWindow } from './system.types.ts'
import { phaseOf } from './tree-view.ts'

/** Looks at the actors of a tree. */
export class Inspector {
  private readonly clock: Clock
  private readonly root: Subtree
  /** Monotonic ms. */
  private readonly startedAt: number

  /** @param root which has just started */
  constructor(clock: Clock, root: Subtree) {
    this.clock = clock
    this.root = root
    this.startedAt = clock.monotonic()
  }

  inspect(name: string): Inspection | undefined {
    if (name === this.root.spec.name) return this.ofRoot()
    const found = findChild(this.root, name)
    return found && this.ofChild(found.child, found.owner, found.owner.window())
  }

  inspectAll(under: string): Inspection[] {
    const all: Inspection[] = []
    if (under === this.root.spec.name) {
      all.push(this.ofRoot())
      this.collect(this.root, all)
      return all
    }
    const found = findChild(this.root, under)
    if (found === undefined) return all
    all.push(this.ofChild(found.child, found.owner, found.owner.window()))
    if (found.child.subtree !== null) this.collect(found.child.subtree, all)
    return all
  }

  private collect(owner: Subtree, all: Inspection[]): void {
    const window = owner.window()
    for (const child of owner.children) {
      all.push(this.ofChild(child, owner, window))
      if (child.subtree !== null) this.collect(child.subtree, all)
    }
  }

  private ofRoot(): Inspection {
    const { actor } = this.root
    return {
      ...this.looked(actor),
      kind: 'supervisor',
      supervisor: null,
      state: phaseOf(actor),
      upMs: actor.exit === null ? this.clock.monotonic() - this.startedAt : null,
      restarts: 0,
      window: null,
      childWindow: this.root.window(),
      lastExit: null,
    }
  }

  private ofChild(child: Child, owner: Subtree, window: RestartsInWindow): Inspection {
    const { spec, attempts, lastExit, actor } = child
    const isUp = actor !== null && (child.phase === 'running' || child.phase === 'stopping')
    return {
      ...(actor === null ? { ...NOTHING, name: spec.name, incarnation: child.incarnation } : this.looked(actor)),
      kind: spec.type === 'worker' ? spec.definition.kind : 'supervisor',
      supervisor: owner.spec.name,
      state: stateOf(child),
      upMs: isUp && child.startedAt !== null ? this.clock.monotonic() - child.startedAt : null,
      restarts: Math.max(0, attempts - 1),
      window,
      childWindow: child.subtree?.window() ?? null,
      lastExit,
    }
  }

  private looked(actor: Incarnation): Pick<Inspection, 'name' | 'incarnation' | 'mailbox' | 'handled' | 'handling' | 'handlers'> {
    const { mailbox, handled, ref } = actor
    const { oldestMs, handling, load } = lookAt(actor, this.clock)
    return {
      name: ref.name,
      incarnation: ref.incarnation,
      mailbox: { now: mailbox.waiting, most: mailbox.most, limit: mailbox.limit, dropped: mailbox.dropped, oldestMs },
      handled,
      handling,
      handlers: load,
    }
  }
}

const stateOf = (child: Child): Inspection['state'] => {
  if (isRestarting(child)) return 'restarting'
  return child.actor === null ? 'ended' : phaseOf(child.actor)
}

const NOTHING = {
  mailbox: { now: 0, most: 0, limit: 0, dropped: 0, oldestMs: null },
  handled: 0,
  handling: null,
  handlers: new Meter(0).look(0, 0),
}
