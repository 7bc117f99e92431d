import type { DoctorReport } from '../doctor.ts'
import type { RunId, WorkspaceId } from '../ids.ts'
import type { InputReceipt } from '../input-receipt.ts'
import type { LimitsRequest } from '../limits.ts'
import type { KeepPolicy, RestartType } from '../plan.ts'
import type { SignalRecord } from '../pty-exit.ts'
import type { LaneSummary } from '../summary.ts'
import type { RunView } from '../view.ts'
import type { WindowSize } from './screen.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../terminal-text.ts'
import type { WhyAnswer } from '../why.ts'
import type { PushEnvelope } from './envelope.ts'
import type {
  ActorInfo,
  ActorNode,
  DeadLetterInfo,
  LaneInfo,
  RemovedLaneInfo,
  LivedInfo,
  OrchestratorStatus,
  RunInfo,
  StopPhaseInfo,
  StopProgress,
  TerminalHealthInfo,
  TerminalInfo,
  TraceInfo,
} from './views.ts'

type Nothing = Readonly<Record<never, never>>

/**
 * What can be asked of an orchestrator. Where a lane, run or terminal is named, an id, the beginning of one that only one
 * has, or a name will do; of a terminal also `LANE/NAME`. The JSON Schemas of results, and of what is told as progress or
 * pushed, are made from these types, with their comments.
 */
export type ControlMethods = {
  hello: {
    /** `protocols`: versions that the client speaks. */
    params: { readonly protocols: readonly number[]; readonly client?: string | undefined }
    result: {
      /** Version of the protocol that is spoken from here on. */
      readonly protocol: number
      /** Of signalbox. */
      readonly version: string
      /** Of the orchestrator. */
      readonly pid: number
      readonly workspaceId: WorkspaceId
    }
  }
  status: { params: Nothing; result: OrchestratorStatus }
  'tree.get': {
    /** `depth`: levels below the first that are given. */
    params: { readonly name?: string | undefined; readonly depth?: number | undefined }
    result: { readonly tree: ActorNode }
  }
  'actor.info': { params: { readonly name: string }; result: ActorInfo }
  /** Answered when it is over. */
  'trace.start': {
    params: {
      readonly name?: string | undefined
      readonly type?: string | undefined
      readonly under?: string | undefined
      readonly max?: number | undefined
      readonly forMs?: number | undefined
    }
    result: {
      /** stopped: the client said no more, or has gone; system-ended: the actors have. */
      readonly ended: 'max' | 'time' | 'stopped' | 'system-ended'
      /** Events that it saw. */
      readonly count: number
      /** Events that the client did not read in time. */
      readonly missed: number
    }
    progress: TraceInfo
  }
  /** Answered with the incarnation that was stopped. */
  'actor.stop': { params: { readonly name: string }; result: LivedInfo }
  /** Answered with the incarnation that runs now. */
  'actor.restart': { params: { readonly name: string }; result: LivedInfo }
  /** Answered with the incarnation that was killed. */
  'actor.kill': { params: { readonly name: string }; result: LivedInfo }
  'actor.suspend': { params: { readonly name: string }; result: LivedInfo }
  'actor.resume': { params: { readonly name: string }; result: LivedInfo }
  'runs.start': {
    params: {
      /** Text of a plan, or its form as an object. */
      readonly plan: string | Readonly<Record<string, unknown>>
      readonly keep?: KeepPolicy | undefined
      readonly parallel?: number | undefined
    }
    result: { readonly runId: RunId }
  }
  'runs.list': { params: { readonly limit?: number | undefined }; result: { readonly runs: readonly RunInfo[] } }
  'runs.get': {
    params: { readonly run: string }
    result: {
      readonly run: RunInfo
      /** Of a run that goes on in this orchestrator. */
      readonly view: RunView | null
    }
  }
  'runs.stop': { params: { readonly run: string; readonly kill?: boolean | undefined }; result: { readonly runId: RunId } }
  'lane.create': {
    params: {
      readonly name: string
      readonly base?: string | undefined
      readonly env?: Readonly<Record<string, string>> | undefined
      readonly copy?: readonly string[] | undefined
    }
    result: { readonly lane: LaneInfo }
  }
  'lane.list': { params: { readonly all?: boolean | undefined }; result: { readonly lanes: readonly LaneInfo[] } }
  'lane.get': { params: { readonly lane: string }; result: { readonly lane: LaneInfo; readonly terminals: readonly TerminalInfo[] } }
  'lane.remove': {
    params: { readonly lane: string; readonly save?: boolean | undefined; readonly ignored?: boolean | undefined }
    result: { readonly summary: LaneSummary }
  }
  /** Lanes that were removed and saved; newest last. */
  'lane.removed': { params: object; result: { readonly lanes: readonly RemovedLaneInfo[] } }
  'lane.undo': { params: { readonly lane: string }; result: { readonly lane: LaneInfo } }
  'terminal.spawn': {
    params: {
      readonly lane: string
      readonly name?: string | undefined
      /** A text runs by `/bin/sh -c`; a list is argv; none is the user's shell. */
      readonly command?: string | readonly string[] | undefined
      readonly env?: Readonly<Record<string, string>> | undefined
      readonly restart?: RestartType | undefined
      readonly limits?: LimitsRequest | undefined
      readonly cols?: number | undefined
      readonly rows?: number | undefined
    }
    result: { readonly terminal: TerminalInfo }
  }
  'terminal.list': {
    params: { readonly lane?: string | undefined; readonly all?: boolean | undefined }
    result: { readonly terminals: readonly TerminalInfo[] }
  }
  'terminal.get': { params: { readonly terminal: string }; result: { readonly terminal: TerminalInfo } }
  /** How one terminal is, or all of a lane, or all: looked at now. */
  'terminal.health': {
    params: { readonly terminal?: string | undefined; readonly lane?: string | undefined }
    result: { readonly terminals: readonly TerminalHealthInfo[] }
  }
  /** `bytes` are base64; one of the two. Answered once the input is with the kernel. */
  'terminal.send': {
    params: {
      readonly terminal: string
      readonly text?: string | undefined
      readonly bytes?: string | undefined
      /** Names the input: it is typed once into the present process of the terminal, however often it is sent. */
      readonly key?: string | undefined
      /** As a paste, in brackets where the program has asked for that. */
      readonly paste?: boolean | undefined
      /** Enter after it, in one piece with it. */
      readonly enter?: boolean | undefined
      /** First waits until the program reads from the terminal, so long at most. */
      readonly waitForPromptMs?: number | undefined
    }
    result: {
      /** Bytes that were given. */
      readonly sent: number
      /** What became of it, where it has a key. */
      readonly receipt?: InputReceipt
    }
  }
  /** What became of the input with a key, of the present process of the terminal. */
  'terminal.receipt': {
    params: { readonly terminal: string; readonly key: string }
    result: { readonly receipt: InputReceipt }
  }
  'terminal.resize': {
    params: { readonly terminal: string; readonly cols: number; readonly rows: number }
    result: { readonly cols: number; readonly rows: number }
  }
  'terminal.signal': { params: { readonly terminal: string; readonly signal: string }; result: { readonly delivery: SignalRecord } }
  'terminal.kill': {
    params: { readonly terminal: string; readonly graceMs?: number | undefined }
    result: { readonly terminal: TerminalInfo }
  }
  /** Starts again what it ran last, where that is over or was lost: as it was, with the environment as it is now. */
  'terminal.respawn': { params: { readonly terminal: string }; result: { readonly terminal: TerminalInfo } }
  /** The end of its log, of the last attempt or another. */
  'terminal.logs': {
    params: { readonly terminal: string; readonly tailBytes?: number | undefined; readonly attempt?: number | undefined }
    result: {
      /** The log. */
      readonly path: string
      /** Of the whole log, in bytes. */
      readonly size: number
      /** Offset of the first of `bytes` in the log. */
      readonly from: number
      /** As base64. */
      readonly bytes: string
    }
  }
  'terminal.text': { params: TextOptions & { readonly terminal: string }; result: TerminalText }
  'terminal.search': { params: SearchOptions & { readonly terminal: string }; result: SearchResult }
  /** From its answer on the connection carries frames instead of lines. */
  'terminal.attach': {
    params: {
      readonly terminal: string
      readonly cols?: number | undefined
      readonly rows?: number | undefined
      /** Bytes of recent output to begin with. */
      readonly tailBytes?: number | undefined
      /** Begin with what is on the screen instead, and with it again where output came too fast. */
      readonly screen?: boolean | undefined
      /** Whose size the terminal has from now on; what the one before said, or the configuration, otherwise. */
      readonly windowSize?: WindowSize | undefined
    }
    result: {
      readonly terminal: TerminalInfo
      /** Programs may set the clipboard of who is attached, by the configuration. */
      readonly clipboard: boolean
      /** Output that is sent beyond what the client has acknowledged. */
      readonly windowBytes: number
    }
  }
  'events.subscribe': {
    params: {
      /** `lane.created`, or by prefix: `lane.*`, `*`. */
      readonly topics?: readonly string[] | undefined
      /** The first position wanted. Default: what happens from now on. */
      readonly since?: number | undefined
      /** Whether events of live topics are wanted, too. Default: true. */
      readonly live?: boolean | undefined
    }
    result: {
      /** Stands in each line of it; of this connection only. */
      readonly subscription: string
    }
    push: PushEnvelope
  }
  'events.unsubscribe': { params: { readonly subscription: string }; result: Nothing }
  /** Why a run, lane, command, terminal or actor is as it is. */
  why: { params: { readonly subject: string; readonly run?: string | undefined }; result: WhyAnswer }
  'dead-letters.list': { params: Nothing; result: { readonly letters: readonly DeadLetterInfo[] } }
  /** Answered with whom it was sent to. `letter`: its number. */
  'dead-letters.retry': { params: { readonly letter: number }; result: LivedInfo }
  doctor: { params: Nothing; result: { readonly report: DoctorReport } }
  /** Answered once everything is stopped; then the connection ends. */
  'orchestrator.stop': {
    params: { readonly mode?: 'close' | undefined }
    result: { readonly phases: readonly StopPhaseInfo[] }
    progress: StopProgress
  }
}

export type ControlMethod = keyof ControlMethods
export type ParamsOf<M extends ControlMethod> = ControlMethods[M]['params']
export type ResultOf<M extends ControlMethod> = ControlMethods[M]['result']
/** What a method tells while it is carried out; never, of those that tell nothing. */
export type ProgressOf<M extends ControlMethod> = M extends ControlMethod
  ? ControlMethods[M] extends { readonly progress: infer Told }
    ? Told
    : never
  : never

/** Methods that change something: each takes an idempotency key. */
export const CHANGING: ReadonlySet<ControlMethod> = new Set<ControlMethod>([
  'runs.start',
  'runs.stop',
  'lane.create',
  'lane.remove',
  'terminal.spawn',
  'terminal.send',
  'terminal.resize',
  'terminal.signal',
  'terminal.kill',
  'terminal.respawn',
  'actor.stop',
  'actor.restart',
  'actor.kill',
  'actor.suspend',
  'actor.resume',
  'dead-letters.retry',
])
