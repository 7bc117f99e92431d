import type { BusGap } from '../protocols/bus.ts'
import type { ResultOf } from '../protocols/control/methods.ts'
import type {
  ActorNode,
  DeadLetterInfo,
  LaneInfo,
  LivedInfo,
  OrchestratorStatus,
  RemovedLaneInfo,
  TerminalInfo,
  TraceInfo,
} from '../protocols/control/views.ts'
import type { DoctorReport } from '../protocols/doctor.ts'
import type { CrashBrief } from '../protocols/dossier.ts'
import type { DryRun } from '../protocols/dry-run.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import type { TerminalId } from '../protocols/ids.ts'
import type { InputReceipt } from '../protocols/input-receipt.ts'
import type { SignalRecord } from '../protocols/pty-exit.ts'
import type { RunRecord } from '../protocols/records.ts'
import type { LaneSummary, RunSummary } from '../protocols/summary.ts'
import type { SearchResult, TerminalText } from '../protocols/terminal-text.ts'
import type { WhyAnswer } from '../protocols/why.ts'
import type { ConfigPlace, Origin } from '../runtime/configuration.ts'
import type { FiledDossier } from '../runtime/inspection.ts'
import type { OrchestratorState, Recovered } from '../runtime/service/orchestrator-record.ts'
import type { Finding } from '../testing/fuzz.ts'
import type { Move } from './machine-walk.ts'

/** An event that was not recorded has no place among those that were: null. */
export type EventLine = Omit<RecordedEvent, 'sequence'> & { readonly sequence: number | null }

type TerminalDocument = { readonly type: 'terminal'; readonly terminal: TerminalInfo }
/** `type` is the command. */
type Intervened = LivedInfo & { readonly type: 'stop' | 'restart' | 'kill' | 'suspend' | 'resume' }
type ServiceDocument = {
  readonly type: 'service'
  /** False with --dry-run. */
  readonly done: boolean
  readonly path: string
  /** What the file holds; null where it is removed. */
  readonly text: string | null
  readonly commands: readonly (readonly string[])[]
}

/** What each command prints with `--json`, a document a line. Their JSON Schemas are made from these types, with their comments. */
export type JsonDocuments = {
  /** Events, and at last the summary; with --dry-run one document. */
  run: RecordedEvent | RunSummary | DryRun
  why: WhyAnswer
  runs: { readonly type: 'runs'; readonly runs: readonly RunRecord[] }
  /** Of one id, all that is known. */
  crashes: { readonly type: 'crashes'; readonly crashes: readonly CrashBrief[] } | FiledDossier
  doctor: DoctorReport
  fuzz: {
    readonly type: 'fuzz'
    readonly ok: boolean
    readonly seed: number
    readonly minutes: number
    readonly properties: readonly (Omit<Finding, 'text'> & { readonly error: string | null })[]
  }
  replay: {
    readonly type: 'replay'
    readonly property: string
    readonly ok: boolean
    readonly error: string | null
    readonly trace: readonly string[]
  }
  up: {
    readonly type: 'up'
    /** False: it ran already. */
    readonly isNew: boolean
    readonly pid: number
    readonly socket: string
    /** ms since the epoch. */
    readonly startedAt: number
    readonly state: OrchestratorState
    readonly log: string | null
  }
  down: {
    readonly type: 'down'
    /** Null: none ran. */
    readonly pid: number | null
    /** Terminals of an orchestrator that was killed, which were ended now. */
    readonly ended: number
  }
  status: {
    readonly type: 'status'
    readonly pid: number | null
    readonly socket: string | null
    /** ms since the epoch. */
    readonly startedAt: number | null
    readonly state: OrchestratorState | 'down'
    /** What it waits for while it stops. */
    readonly phase: string | null
    readonly counts: OrchestratorStatus['counts'] | null
    readonly log: string | null
    readonly version: string | null
    readonly recovered: Recovered | null
    /** Settings that it takes over when it is started again. */
    readonly pending: readonly string[]
    /** Pid of one that died without a word. */
    readonly died: number | null
  }
  'service install': ServiceDocument
  'service uninstall': ServiceDocument
  'config explain': {
    readonly type: 'config'
    readonly files: readonly ConfigPlace[]
    readonly settings: readonly {
      readonly key: string
      readonly value: unknown
      readonly origin: Origin
      readonly default: unknown
      /** Name of its variable. */
      readonly env: string
      readonly about: string
      /** A running orchestrator takes a change over. */
      readonly reloads: boolean
    }[]
  }
  'config path': { readonly type: 'config-path'; readonly files: readonly ConfigPlace[] }
  'lane add': { readonly type: 'lane'; readonly lane: LaneInfo }
  'lane ls':
    | { readonly type: 'lanes'; readonly lanes: readonly LaneInfo[] }
    | { readonly type: 'removed-lanes'; readonly lanes: readonly RemovedLaneInfo[] }
  'lane show': { readonly type: 'lane'; readonly lane: LaneInfo; readonly terminals: readonly TerminalInfo[] }
  'lane rm': { readonly type: 'lane-removed'; readonly summary: LaneSummary }
  'lane undo': { readonly type: 'lane'; readonly lane: LaneInfo }
  'term spawn': TerminalDocument
  'term ls': { readonly type: 'terminals'; readonly terminals: readonly TerminalInfo[] }
  'term health': ResultOf<'terminal.health'> & { readonly type: 'terminal-health' }
  'term send': {
    readonly type: 'sent'
    readonly terminal: TerminalId
    readonly bytes: number
    /** What became of its last piece; null without a key. */
    readonly receipt: InputReceipt | null
  }
  /** `bytes` are base64, from `from` of `size`. */
  'term logs': ResultOf<'terminal.logs'> & { readonly type: 'terminal-logs' }
  'term text': TerminalText & { readonly type: 'terminal-text' }
  'term search': SearchResult & { readonly type: 'terminal-search' }
  'term respawn': TerminalDocument
  'term kill': TerminalDocument | { readonly type: 'signal'; readonly terminal: string; readonly delivery: SignalRecord }
  events: EventLine | (BusGap & { readonly type: 'gap' })
  tree: { readonly type: 'tree'; readonly tree: ActorNode }
  info: ResultOf<'actor.info'> & { readonly type: 'info' }
  /** Events, and at last how it ended. */
  trace: TraceInfo | (ResultOf<'trace.start'> & { readonly type: 'trace' })
  'dead-letters':
    | { readonly type: 'dead-letters'; readonly letters: readonly DeadLetterInfo[] }
    | (LivedInfo & { readonly type: 'retry'; readonly letter: number })
  machine: {
    readonly type: 'machine'
    readonly machine: 'lane' | 'pty'
    /** Null for a machine by its own name, as is the state. */
    readonly actor: string | null
    readonly state: string | null
    readonly initial: string
    readonly states: readonly string[]
    readonly moves: readonly Move[]
  }
  stop: Intervened
  restart: Intervened
  kill: Intervened
  suspend: Intervened
  resume: Intervened
}

export type JsonDocument = JsonDocuments[keyof JsonDocuments]
