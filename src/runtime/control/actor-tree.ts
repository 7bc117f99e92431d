import type { ActorNode } from '../../protocols/control/views.ts'
import type { Inspection } from '../../supervisors/system.types.ts'
import { labelOf, type Labels } from './find-actor.ts'

type Draft = Omit<ActorNode, 'below' | 'children'> & { below: number; children: Draft[] }

const draftOf = (seen: Inspection, labels: Labels): Draft => ({
  name: seen.name,
  label: labelOf(seen.name, labels),
  incarnation: seen.incarnation,
  kind: seen.kind,
  state: seen.state,
  mailbox: { now: seen.mailbox.now, max: seen.mailbox.limit, oldestMs: seen.mailbox.oldestMs },
  perSecond: seen.handlers.recent.perSecond,
  busy: seen.handlers.recent.busy,
  restarts: seen.restarts,
  window: seen.childWindow,
  upMs: seen.upMs,
  lastExit: seen.lastExit,
  below: 0,
  children: [],
})

/** Counts what is below, then leaves out what is deeper than wanted. */
const finish = (node: Draft, depth: number): number => {
  node.below = node.children.reduce((sum, child) => sum + 1 + finish(child, depth - 1), 0)
  if (depth <= 0) node.children = []
  return node.below
}

/**
 * @param seen a supervisor and all below it, in the order of the tree
 * @param depth levels below the first
 */
export const actorTree = (seen: readonly Inspection[], labels: Labels, depth: number): ActorNode | undefined => {
  const drafts = new Map<string, Draft>()
  for (const one of seen) {
    const draft = draftOf(one, labels)
    drafts.set(one.name, draft)
    if (one.supervisor !== null) drafts.get(one.supervisor)?.children.push(draft)
  }
  const top = seen[0] === undefined ? undefined : drafts.get(seen[0].name)
  if (top !== undefined) finish(top, depth)
  return top
}
