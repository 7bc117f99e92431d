import type { SupervisorSpec } from '../kernel/child-spec.ts'
import type { EventStore } from '../ports/event-store.port.ts'
import type { Settings } from '../protocols/config.schema.ts'
import type { TerminalHost } from '../ports/terminal-host.port.ts'
import type { Recovery } from '../ports/recovery.port.ts'
import type { Worktrees } from '../ports/worktrees.port.ts'
import type { ClosePhase } from './close-phases.ts'

export type RuntimeOptions = {
  /** Settings, asked for at each use: a change applies to what starts later. @defaultValue the defaults of each setting */
  readonly settings?: () => Settings
  /** A directory in the git repository to work on. */
  readonly workspace: string
  /**
   * Where terminals are held. `in-process`: in this process, with which they end. `host`: in a small process of their own,
   * which outlives it, so that the next runtime on the repository takes them over (`takeOver`). `tmux`: in a private tmux
   * server, which does too, and to which people can attach. @defaultValue in-process
   */
  readonly terminals?: 'in-process' | 'host' | 'tmux'
  /** Where records and logs are kept. @defaultValue $XDG_STATE_HOME, or ~/.local/state */
  readonly stateHome?: string
  /** Where worktrees are made. @defaultValue as `lanes.place` of the settings says: `../<repository>.lanes` */
  readonly lanesDirectory?: string
  /** What branches of lanes begin with. @defaultValue as `lanes.branchPrefix` of the settings: `signalbox/` */
  readonly branchPrefix?: string
  /**
   * Tells other processes on the same repository at once what happens, and hears it of them: the address of a Redis server
   * (`redis://…`, `rediss://…`, or the path of its socket). @defaultValue none: others are noticed with the next own event
   */
  readonly fanOut?: { readonly redis: string }
  /** What commands inherit. @defaultValue process.env */
  readonly env?: NodeJS.ProcessEnv
  /** How long each phase of a close may take, in ms. @defaultValue runs and terminals: by the graces of the plans that ran, and a margin; lanes and infrastructure: 30,000 */
  readonly closeLimitsMs?: Partial<Record<ClosePhase, number>>
}

/** Puts something around the adapters: how tests crash a process exactly before or after an effect. */
export type Decorators = {
  readonly store?: (store: EventStore) => EventStore
  readonly worktrees?: (worktrees: Worktrees) => Worktrees
  readonly recovery?: (recovery: Recovery) => Recovery
  readonly terminals?: (terminals: TerminalHost) => TerminalHost
  /** The terminal host, if it is open already. */
  readonly host?: TerminalHost
  /** Around what supervisors are given to start: the root, and the trees of runs, lanes and terminals. */
  readonly tree?: (spec: SupervisorSpec) => SupervisorSpec
}
