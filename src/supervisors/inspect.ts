import type { Incarnation } from '../kernel/incarnation.types.ts'
import { isRestarting, type Subtree } from './child.ts'
import { findChild } from './find-child.ts'
import type { Inspection } from './system.types.ts'

/** Looks at one actor: by name, from the root down. From then on its mail is stamped and its handlers are timed. */
export const inspect = (root: Subtree, name: string): Inspection | undefined => {
  if (root.spec.name === name) return { ...looked(root.actor), kind: 'supervisor', restarts: 0, lastExit: null }
  const child = findChild(root, name)?.child
  if (child === undefined) return undefined
  const { spec, attempts, lastExit, actor } = child
  return {
    ...(actor === null
      ? { ...NOTHING, name, incarnation: child.incarnation, state: child.phase === 'done' ? 'ended' : 'restarting' }
      : looked(actor)),
    ...(actor !== null && isRestarting(child) && { state: 'restarting' }),
    kind: spec.type === 'worker' ? spec.definition.kind : 'supervisor',
    restarts: Math.max(0, attempts - 1),
    lastExit,
  }
}

const looked = (actor: Incarnation): Omit<Inspection, 'kind' | 'restarts' | 'lastExit'> => {
  const { mailbox, handled, ref, phase } = actor
  const meter = actor.look()
  const now = meter.now()
  const oldestAt = mailbox.oldest?.at ?? null
  return {
    name: ref.name,
    incarnation: ref.incarnation,
    state: phase,
    mailbox: {
      now: mailbox.waiting,
      most: mailbox.most,
      limit: mailbox.limit,
      dropped: mailbox.dropped,
      oldestMs: oldestAt === null ? null : now - oldestAt,
    },
    handled,
    handlers: { forMs: now - meter.since, count: meter.count, sumMs: meter.sumMs, maxMs: meter.maxMs },
  }
}

const NOTHING = {
  mailbox: { now: 0, most: 0, limit: 0, dropped: 0, oldestMs: null },
  handled: 0,
  handlers: { forMs: 0, count: 0, sumMs: 0, maxMs: 0 },
}
