import type { CrashBrief } from '../../protocols/dossier.ts'
import { exitText } from '../../protocols/words.ts'
import { decisionText } from '../event-text.ts'
import type { FiledDossier } from '../inspection.ts'

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
