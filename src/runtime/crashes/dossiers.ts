import { freemem, loadavg } from 'node:os'
import type { Decision } from '../../kernel/child-spec.ts'
import type { ExitedActor } from '../../kernel/types.ts'
import type { Clock, Timer } from '../../ports/clock.port.ts'
import type { ProcessIdentity, ProcessTable } from '../../ports/process-table.port.ts'
import type { TerminalHost } from '../../ports/terminal-host.port.ts'
import type { CrashDossier, ProcessEvidence } from '../../protocols/dossier.ts'
import type { RecordedEvent } from '../../protocols/events.ts'
import type { Exit } from '../../protocols/exit.ts'
import type { LaneId } from '../../protocols/ids.ts'
import { redactText } from '../../protocols/redact.ts'
import { redactValue } from '../../protocols/redact-value.ts'
import type { ListenRecorded } from '../recorded.ts'
import type { Locate } from '../locate.ts'
import { DOSSIER_LIMITS, dossierId, type DossierLimits, pruneDossiers, writeDossier } from './dossier-files.ts'
import { Usages } from './usages.ts'

/** How long a dossier waits for the decision of a supervisor: most come at once, and none for a first start. */
const DECISION_MS = 1_000
/** Dossiers under way; what crashes beyond them is counted only. */
const MOST_WAITING = 100
export const HISTORY = 20

export type DossierParts = {
  readonly directory: string
  readonly clock: Clock
  readonly processTable: ProcessTable
  readonly terminals: TerminalHost
  readonly listen: ListenRecorded
  readonly own: ProcessIdentity
  /** Where in a run an actor belongs, by its name. */
  readonly locate: Locate
  readonly limits?: DossierLimits
}

/** Writes down what is known of every end that was not clean. Never throws, and never keeps anybody waiting. */
export class Dossiers {
  private readonly parts: DossierParts
  private readonly usages: Usages
  /** By terminal: how its last process ended. */
  private readonly processes = new Map<string, { readonly laneId: LaneId | undefined; readonly evidence: ProcessEvidence }>()
  private readonly undecided = new Map<string, { readonly dossier: CrashDossier; readonly timer: Timer }>()
  private waiting: CrashDossier[] = []
  private writing: Promise<void> | null = null
  private lost = 0

  constructor(parts: DossierParts) {
    this.parts = parts
    this.usages = new Usages(parts.processTable, parts.clock)
    parts.listen((event) => this.learn(event))
  }

  /** To be called while the kernel tells of the end. */
  exited(actor: ExitedActor): void {
    if (!isCrash(actor)) return
    if (this.undecided.size + this.waiting.length >= MOST_WAITING) {
      this.lost += 1
      return
    }
    const dossier = this.open(actor)
    const key = keyOf(actor.name, actor.incarnation)
    const timer = this.parts.clock.setTimer(DECISION_MS, () => this.decide(key, null))
    this.undecided.set(key, { dossier, timer })
  }

  decided({ child, incarnation, supervisor, decision, reason, restarts, waits, allowed, delayMs, group }: Decision): void {
    this.decide(keyOf(child, incarnation), { supervisor, decision, reason, restarts, waits, allowed, delayMs, group })
  }

  /** Writes what is there. Resolves when it is written, or is known not to be. */
  async close(): Promise<void> {
    this.usages.close()
    for (const key of this.undecided.keys()) this.decide(key, null)
    await this.writing
  }

  private open(actor: ExitedActor): CrashDossier {
    const { clock, locate, own } = this.parts
    const { name, incarnation, kind, exit } = actor
    const at = clock.now()
    const { handling, state, history } = actor.evidence?.() ?? { handling: null, state: undefined, history: [] }
    const { ids, payload } = locate(name)
    return {
      type: 'crash',
      id: dossierId(at, name, incarnation),
      at,
      ...ids,
      actor: { name, incarnation, kind },
      lane: payload.lane ?? null,
      command: payload.command ?? null,
      exit: redactValue(exit) as Exit,
      handling: handling === null ? null : { type: handling.type, from: handling.from, message: redactValue(handling.message) },
      state: redactValue(ownState(state) ?? null),
      history: history.slice(-HISTORY).map((one) => ({ ...one, message: redactValue(one.message) })),
      decision: null,
      process: kind === 'pty' ? (this.processes.get(ids.terminalId ?? '')?.evidence ?? null) : null,
      resources: { orchestrator: this.usages.of(own), freeMemoryBytes: freemem(), load1: loadavg()[0] ?? 0 },
      lost: 0,
    }
  }

  private decide(key: string, decision: CrashDossier['decision']): void {
    const known = this.undecided.get(key)
    if (known === undefined) return
    known.timer.cancel()
    this.undecided.delete(key)
    this.waiting.push({ ...known.dossier, decision })
    this.writing ??= this.write().finally(() => (this.writing = null))
  }

  private async write(): Promise<void> {
    const { directory, limits = DOSSIER_LIMITS } = this.parts
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      const { lost } = this
      try {
        await writeDossier(directory, { ...next, lost })
        this.lost -= lost
      } catch {
        // A full disk must not end what runs: the next that can be written says how many are missing.
        this.lost += 1
      }
      if (this.waiting.length === 0) await pruneDossiers(directory, limits).catch(() => undefined)
    }
  }

  private learn({ type, laneId, terminalId, ptyId, payload }: RecordedEvent): void {
    if (type === 'lane.ended') for (const [id, known] of this.processes) if (known.laneId === laneId) this.processes.delete(id)
    if (ptyId === undefined || terminalId === undefined) return
    if (type === 'pty.spawned') {
      const identity = this.parts.terminals.get(ptyId)?.identity
      if (identity !== undefined) this.usages.began(ptyId, identity)
      this.processes.set(terminalId, { laneId, evidence: processOf(payload, null) })
    } else if (type === 'pty.exited' || type === 'pty.error') {
      const { pid, argv, cwd } = (type === 'pty.exited' ? this.processes.get(terminalId)?.evidence : undefined) ?? {}
      this.processes.set(terminalId, { laneId, evidence: processOf({ pid, argv, cwd, ...payload }, this.usages.ended(ptyId)) })
    }
  }
}

const keyOf = (name: string, incarnation: number): string => `${name}$${incarnation}`

/** Without what all actors are handed alike: it says nothing of this one, and hides what does. */
const ownState = (state: unknown): unknown => {
  const { args } = (state ?? {}) as { readonly args?: Readonly<Record<string, unknown>> }
  if (args?.['services'] === undefined) return state
  return { ...(state as object), args: Object.fromEntries(Object.entries(args).filter(([name]) => name !== 'services')) }
}

/** A supervisor that gives up or cannot start does so for a child, which has a dossier of its own. */
const isCrash = ({ kind, exit: { reason } }: ExitedActor): boolean =>
  reason === 'crashed' || reason === 'timeout' || (kind !== 'supervisor' && (reason === 'init_failed' || reason === 'killed'))

const processOf = (payload: Readonly<Record<string, unknown>>, usage: ProcessEvidence['usage']): ProcessEvidence => {
  const error = payload['error'] as { readonly message?: string } | null | undefined
  return {
    attempt: (payload['attempt'] as number | undefined) ?? 1,
    pid: (payload['pid'] as number | undefined) ?? null,
    argv: redactValue(payload['argv'] ?? []) as readonly string[],
    cwd: (payload['cwd'] as string | undefined) ?? null,
    exitCode: (payload['exitCode'] as number | null | undefined) ?? null,
    signal: (payload['signal'] as string | null | undefined) ?? null,
    error: error?.message === undefined ? null : redactText(error.message),
    finding: (payload['finding'] as ProcessEvidence['finding'] | undefined) ?? null,
    durationMs: (payload['durationMs'] as number | undefined) ?? null,
    signals: (payload['signals'] as ProcessEvidence['signals'] | undefined) ?? [],
    survivors: ((payload['survivors'] as ProcessEvidence['survivors'] | undefined) ?? []).map((one) => ({
      ...one,
      command: redactText(one.command),
    })),
    outputBytes: (payload['outputBytes'] as number | undefined) ?? null,
    lastLines: ((payload['lastLines'] as readonly string[] | undefined) ?? []).map(redactText),
    log: (payload['log'] as string | undefined) ?? null,
    usage,
  }
}
