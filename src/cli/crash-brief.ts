import type { FiledDossier } from '../runtime/inspection.ts'
import { decisionText } from './payload.ts'
import { exitText } from './text.ts'

/** What people look at first in a dossier. */
export type CrashBrief = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly runId: string | null
  readonly lane: string | null
  readonly command: string | null
  /** `name$incarnation`. */
  readonly actor: string
  /** How it ended, in words. */
  readonly exit: string
  /** Type of the message that it was handling. */
  readonly handling: string | null
  /** What its supervisor did about it, in words. */
  readonly decision: string | null
  /** The most memory that its process, or else the orchestrator, used. */
  readonly peakRssBytes: number | null
  /** The whole dossier. */
  readonly file: string
}

const howItEnded = ({ exit, process }: FiledDossier): string => {
  if (process === null) return `${exit.reason}${exit.error === undefined ? '' : `: ${exit.error.message}`}`
  return process.error ?? exitText(process.exitCode, process.signal)
}

export const briefOf = (dossier: FiledDossier): CrashBrief => {
  const { id, at, runId, lane, command, actor, exit, handling, decision, process, resources, file } = dossier
  return {
    id,
    at,
    runId: runId ?? null,
    lane,
    command,
    actor: `${actor.name}$${actor.incarnation}`,
    exit: howItEnded(dossier),
    handling: handling?.type ?? null,
    decision: decision === null ? null : decisionText({ ...decision, exit }),
    peakRssBytes: (process === null ? resources.orchestrator : process.usage)?.peakRssBytes ?? null,
    file,
  }
}
