import type { ActorNode } from '../protocols/control/views.ts'

/** An actor on a line. `before`: the lines of the tree at its left. */
export type Row = { readonly node: ActorNode; readonly before: string }

/**
 * A tree as lines, from the top down.
 * @param isFolded of an actor whose children are left out
 */
export const treeRows = (
  node: ActorNode,
  isFolded: (node: ActorNode) => boolean = () => false,
  before = '',
  below = '',
): readonly Row[] => {
  const rows: Row[] = [{ node, before }]
  if (isFolded(node)) return rows
  node.children.forEach((child, index) => {
    const isLast = index === node.children.length - 1
    rows.push(...treeRows(child, isFolded, `${below}${isLast ? '└ ' : '├ '}`, `${below}${isLast ? '  ' : '│ '}`))
  })
  return rows
}
