import type { Incarnation } from '../kernel/incarnation.types.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { ActorRef, AskOptions } from '../kernel/types.ts'
import type { Child, Subtree } from './child.ts'
import { findChild } from './find-child.ts'
import { actorSuspended, childNotFound, letterNotFound, letterPrivate, letterUnreachable } from './supervisor-errors.ts'

type Found = { readonly child: Child; readonly owner: Subtree }

/** What a person does to one actor of a tree, wherever in it. */
export class Interventions {
  private readonly kernel: Kernel
  private readonly root: Subtree

  constructor(kernel: Kernel, root: Subtree) {
    this.kernel = kernel
    this.root = root
  }

  async terminate(name: string, how: AskOptions): Promise<void> {
    const { owner } = this.answering(name)
    await this.kernel.ask(null, owner.actor.ref, 'supervisor.terminate-child', { name }, how)
  }

  /** By its own spec in its place: so also a child whose spec would go with it. */
  async restart(name: string, how: AskOptions): Promise<void> {
    const { child, owner } = this.answering(name)
    await this.kernel.ask(null, owner.actor.ref, 'supervisor.replace-child', { name, spec: child.spec }, how)
  }

  kill(name: string): boolean {
    return this.onLiving(name, (actor) => actor.kill())
  }

  suspend(name: string): boolean {
    return this.onLiving(name, (actor) => actor.suspend())
  }

  resume(name: string): boolean {
    return this.onLiving(name, (actor) => actor.resume())
  }

  retry(number: number): ActorRef<unknown> {
    const letter = this.kernel.dead.get(number)
    if (letter === undefined) throw letterNotFound(number)
    // What an actor says to itself holds what belonged to the incarnation that is over.
    if (letter.type.startsWith('$')) throw letterPrivate(letter)
    const sent = this.kernel.retry(letter)
    if (sent === undefined) throw letterUnreachable(letter)
    return sent
  }

  private onLiving(name: string, act: (actor: Incarnation) => void): boolean {
    const { actor } = this.find(name).child
    if (actor === null || actor.exit !== null) return false
    act(actor)
    return true
  }

  /** A child whose supervisor answers. */
  private answering(name: string): Found {
    const found = this.find(name)
    if (found.owner.actor.isSuspended) throw actorSuspended(name, found.owner.spec.name)
    return found
  }

  private find(name: string): Found {
    const found = findChild(this.root, name)
    if (found === undefined) throw childNotFound(this.root.spec.name, name)
    return found
  }
}
