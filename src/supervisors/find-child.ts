import { type Child, hasActor, type Subtree } from './child.ts'

/** A child by name, and who has it: from a supervisor down. */
export const findChild = (supervisor: Subtree, name: string): { readonly child: Child; readonly owner: Subtree } | undefined => {
  const child = supervisor.children.get(name)
  if (child !== undefined) return { child, owner: supervisor }
  for (const { subtree } of supervisor.children) {
    const below = subtree === null ? undefined : findChild(subtree, name)
    if (below !== undefined) return below
  }
  return undefined
}

/** Names of what runs and keeps its supervisors from ending: actors, and supervisors below which nothing runs. */
export const whoRuns = (children: Iterable<Child>): string[] =>
  Array.from(children).flatMap((child) => {
    const below = child.subtree === null ? [] : whoRuns(child.subtree.children)
    if (below.length > 0) return below
    return hasActor(child) && child.actor?.exit === null ? [child.spec.name] : []
  })
