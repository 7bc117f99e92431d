import type { ChildCounts } from '../kernel/child-spec.ts'
import { type Child, hasActor } from './child.ts'

/** The children of one supervisor, in their order, found and removed by name in constant time: there may be 100,000. */
export class Children implements Iterable<Child> {
  private named = new Map<string, Child>()
  /** Added, and not among the named ones yet: the names of a pool may never be asked for. */
  private added: Child[] = []

  private get byName(): Map<string, Child> {
    if (this.added.length > 0) {
      for (const child of this.added) this.named.set(child.spec.name, child)
      this.added = []
    }
    return this.named
  }

  get(name: string): Child | undefined {
    return this.byName.get(name)
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.byName.values()
  }

  /** Of a name that none of them has. */
  add(child: Child): void {
    this.added.push(child)
  }

  remove(child: Child): void {
    this.byName.delete(child.spec.name)
  }

  /** Puts a child into the place of another. */
  replace(old: Child, child: Child): void {
    const { byName } = this
    if (old.spec.name === child.spec.name) return void byName.set(child.spec.name, child)
    this.named = new Map(this.list().map((one) => (one === old ? [child.spec.name, child] : [one.spec.name, one])))
  }

  list(): Child[] {
    return [...this.byName.values()]
  }

  counts(): ChildCounts {
    let active = 0
    let supervisors = 0
    for (const child of this) {
      if (hasActor(child)) active += 1
      if (child.spec.type === 'supervisor') supervisors += 1
    }
    return { specs: this.byName.size, active, supervisors, workers: this.byName.size - supervisors }
  }
}
