import type { ProcessIdentity, Waiting } from '../ports/process-table.port.ts'
import type {
  InputReceipt,
  PtyExit,
  PtySpec,
  ScreenSnapshot,
  SignalRecord,
  SnapshotOptions,
  WriteOptions,
} from '../ports/terminal-host.port.ts'
import { CATALOGUE, type ErrorCode } from '../protocols/error-catalogue.ts'
import { copyOf } from '../protocols/copy-of.ts'
import { type ErrorRecord, SignalboxError, toErrorRecord } from '../protocols/errors.ts'
import type { AppliedLimits } from '../protocols/limits.ts'
import type { SearchOptions, SearchResult, TerminalText, TextOptions } from '../protocols/terminal-text.ts'
import type { PtyId } from '../protocols/ids.ts'

/**
 * Version of what a terminal host and its orchestrators say to each other. Another minor version is understood; of another
 * major one only hello and drain are, in every version.
 */
export const HOST_PROTOCOL: Version = { major: 1, minor: 0 }

/** The most that may be under way to one reading: what comes beyond waits in the ring. Smaller than the smallest ring that matters. */
export const READ_WINDOW_BYTES = 262_144
/** The body of a frame: 2 MB of environment, and what JSON makes of it. */
export const HOST_FRAME_BYTES = 16_777_216
/** The most output in one frame. */
export const OUTPUT_FRAME_BYTES = 65_536

export type Version = { readonly major: number; readonly minor: number }

export type HostHello = {
  readonly protocol: Version
  /** Of signalbox. */
  readonly version: string
  readonly identity: ProcessIdentity
  readonly startedAt: number
}

export type ClientHello = Pick<HostHello, 'protocol' | 'version' | 'identity'>

/** The most of its last output that is told with the end of a PTY. */
export const END_TAIL_BYTES = 16_384

/** How a PTY ended, with what its record needs: the host may be gone when that is written. */
export type PtyEnd = { readonly exit: PtyExit; readonly signals: readonly SignalRecord[]; readonly tail: Uint8Array }

/** A PTY of the host as its clients know it. */
export type PtyInfo = {
  /** Its number in frames: unique in the life of the host. */
  readonly handle: number
  readonly ptyId: PtyId
  readonly mark: string
  readonly identity: ProcessIdentity
  readonly limits: AppliedLimits
  readonly cols: number
  readonly rows: number
  readonly outputBytes: number
  readonly lastOutputAt: number | null
  readonly preview: Uint8Array
  /** Null while it lives. */
  readonly end: PtyEnd | null
}

type Of = { readonly handle: number }

/** What a client may ask for. */
export type HostMethods = {
  /** @param again it may have been carried out already, before the connection broke */
  spawn: { params: { readonly spec: PtySpec; readonly again: boolean }; result: PtyInfo }
  /** Takes over every PTY whose orchestrator is gone, and this one's own. */
  adopt: { params: object; result: { readonly ptys: readonly PtyInfo[] } }
  /** Input with more to say than its bytes. */
  write: { params: Of & WriteOptions & { readonly input: Uint8Array }; result: object }
  receipt: { params: Of & { readonly key: string }; result: InputReceipt }
  waiting: { params: Of; result: { readonly waiting: Waiting } }
  /** Every PTY, whosever it is. */
  list: { params: object; result: { readonly ptys: readonly PtyInfo[] } }
  resize: { params: Of & { readonly cols: number; readonly rows: number }; result: object }
  tail: { params: Of & { readonly bytes: number }; result: { readonly bytes: Uint8Array } }
  snapshot: { params: Of & SnapshotOptions; result: ScreenSnapshot }
  text: { params: Of & TextOptions; result: TerminalText }
  search: { params: Of & SearchOptions; result: SearchResult }
  signal: { params: Of & { readonly name: NodeJS.Signals; readonly askedBy: string }; result: SignalRecord }
  signals: { params: Of; result: { readonly signals: readonly SignalRecord[] } }
  /** Answered at once; the end is told by an exit. */
  terminate: { params: Of & { readonly graceMs: number; readonly askedBy: string }; result: object }
  release: { params: Of; result: object }
  /** This orchestrator needs it no more. @returns whether it ends now, as nobody else does */
  leave: { params: object; result: { readonly ends: boolean } }
  /** From now on it starts nothing, and ends with its last PTY. */
  drain: { params: object; result: object }
}
export type HostMethod = keyof HostMethods

export type HostRequest = { readonly [M in HostMethod]: { readonly method: M; readonly params: HostMethods[M]['params'] } }[HostMethod]
export type HostAnswer = { readonly ok: unknown } | { readonly error: ErrorRecord }

/** The body of an open. */
export type OpenBody = Of & { readonly from?: number; readonly tail?: number; readonly mode?: 'lossy' | 'lossless' }

const BYTES = '$bytes'

/** JSON in which byte arrays survive. */
export const encodeBody = (value: unknown): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
      const raw = this[key]
      return raw instanceof Uint8Array ? { [BYTES]: Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('base64') } : plain
    }),
  )

/** @throws SyntaxError for what is no JSON */
export const decodeBody = (body: Uint8Array): unknown =>
  JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body), (_key, value: unknown) => {
    const base64 = typeof value === 'object' && value !== null && BYTES in value ? value[BYTES] : undefined
    return typeof base64 === 'string' ? new Uint8Array(Buffer.from(base64, 'base64')) : value
  })

export const encodeFailure = (error: unknown): Uint8Array => encodeBody({ error: toErrorRecord(error) } satisfies HostAnswer)

/** The error that came over the wire; of a code that this signalbox does not know, ERR_HOST_FAILED. */
export const failureOf = ({ code, message, context }: ErrorRecord): SignalboxError =>
  Object.hasOwn(CATALOGUE, code)
    ? new SignalboxError(code as ErrorCode, message, { context })
    : new SignalboxError('ERR_HOST_FAILED', message, { context: { ...context, code } })

const NEWS_HEAD = 8

/** The body of news: when the last output came, and the end of it. */
export const newsBody = (lastOutputAt: number | null, preview: Uint8Array): Uint8Array => {
  const body = new Uint8Array(NEWS_HEAD + preview.length)
  new DataView(body.buffer).setFloat64(0, lastOutputAt ?? Number.NaN)
  body.set(preview, NEWS_HEAD)
  return body
}

export const readNews = (body: Uint8Array): { readonly lastOutputAt: number | null; readonly preview: Uint8Array } => {
  const at = new DataView(body.buffer, body.byteOffset, NEWS_HEAD).getFloat64(0)
  return { lastOutputAt: Number.isNaN(at) ? null : at, preview: copyOf(body.subarray(NEWS_HEAD)) }
}
