import type { Incarnation } from '../kernel/incarnation.types.ts'
import { type Child, isRestarting, type Subtree } from './child.ts'
import type { ActorState, TreeNode } from './system.types.ts'

/** As its supervisor and people see it. */
export const phaseOf = ({ phase, isSuspended }: Incarnation): Exclude<ActorState, 'restarting'> =>
  phase === 'running' && isSuspended ? 'suspended' : phase

const stillThere = (state: ActorState): TreeNode['state'] => (state === 'ended' ? 'stopping' : state)

/** The tree under a supervisor as it is now. */
export const treeOf = (supervisor: Subtree, restarts: number = 0): TreeNode => ({
  name: supervisor.spec.name,
  kind: 'supervisor',
  ...nodeOf(supervisor.actor, restarts),
  children: Array.from(supervisor.children, childNode),
})

const childNode = (child: Child): TreeNode => {
  const restarts = Math.max(0, child.attempts - 1)
  if (child.subtree !== null && !isRestarting(child)) return treeOf(child.subtree, restarts)
  const { name, type } = child.spec
  const kind = type === 'worker' ? child.spec.definition.kind : 'supervisor'
  if (child.actor === null) {
    const state = child.phase === 'done' ? 'stopping' : 'restarting'
    return { name, kind, incarnation: child.incarnation, state, mailbox: { now: 0, max: 0 }, restarts, children: [] }
  }
  const node = { name, kind, ...nodeOf(child.actor, restarts), children: [] }
  return isRestarting(child) ? { ...node, state: 'restarting' } : node
}

const nodeOf = (actor: Incarnation, restarts: number): Pick<TreeNode, 'incarnation' | 'state' | 'mailbox' | 'restarts'> => ({
  incarnation: actor.ref.incarnation,
  state: stillThere(phaseOf(actor)),
  mailbox: { now: actor.mailbox.waiting, max: actor.mailbox.limit },
  restarts,
})
