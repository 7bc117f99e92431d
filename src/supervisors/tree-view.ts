import type { Cell } from '../kernel/cell.ts'
import { type Child, isRestarting } from './child.ts'
import type { Supervisor } from './supervisor.ts'
import type { TreeNode } from './system.types.ts'

/** The tree under a supervisor as it is now. */
export const treeOf = (supervisor: Supervisor, restarts: number = 0): TreeNode => ({
  name: supervisor.spec.name,
  kind: 'supervisor',
  ...nodeOf(supervisor.cell, restarts),
  children: supervisor.children.map(childNode),
})

const childNode = (child: Child): TreeNode => {
  const restarts = Math.max(0, child.attempts - 1)
  if (child.supervisor !== null && !isRestarting(child)) return treeOf(child.supervisor, restarts)
  const { name, type } = child.spec
  const kind = type === 'worker' ? child.spec.definition.kind : 'supervisor'
  if (child.cell === null) {
    const state = child.phase === 'done' ? 'stopping' : 'restarting'
    return { name, kind, incarnation: child.incarnation, state, mailbox: { now: 0, max: 0 }, restarts, children: [] }
  }
  const node = { name, kind, ...nodeOf(child.cell, restarts), children: [] }
  return isRestarting(child) ? { ...node, state: 'restarting' } : node
}

const nodeOf = (cell: Cell, restarts: number): Pick<TreeNode, 'incarnation' | 'state' | 'mailbox' | 'restarts'> => ({
  incarnation: cell.ref.incarnation,
  state: cell.phase === 'ended' ? 'stopping' : cell.phase,
  mailbox: { now: cell.mailbox.waiting, max: cell.mailbox.limit },
  restarts,
})
