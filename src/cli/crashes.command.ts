import { SignalboxError } from '../protocols/errors.ts'
import { nearest } from '../protocols/suggest.ts'
import { type FiledDossier, openInspection } from '../runtime/inspection.ts'
import { briefOf } from '../runtime/crashes/crash-brief.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderCrash, renderCrashes } from './render-crashes.ts'

export type CrashesOptions = { readonly json?: boolean }

const choose = (crashes: readonly FiledDossier[], id: string): FiledDossier => {
  const begun = crashes.filter((one) => one.id.startsWith(id))
  const found = crashes.find((one) => one.id === id) ?? (begun.length === 1 ? begun[0] : undefined)
  if (found !== undefined) return found
  if (begun.length > 1) throw notFound(id, `${begun.length} crashes have an id that begins with "${id}"; give more of it`)
  const ids = crashes.map((one) => one.id).toReversed()
  const meant = nearest(id, ids)
  const advice = meant === undefined ? 'signalbox crashes lists them' : `did you mean "${meant}"?`
  throw notFound(id, `no crash is recorded as "${id}"; ${advice}`)
}

const notFound = (id: string, message: string): SignalboxError => new SignalboxError('ERR_CRASH_NOT_FOUND', message, { context: { id } })

/** `signalbox crashes [ID]`: what is known of ends that were not clean. */
export const crashesCommand = async (id: string | undefined, options: CrashesOptions, io: Io): Promise<number> => {
  const inspection = await openInspection({ workspace: io.cwd })
  try {
    const crashes = await inspection.crashes()
    const one = id === undefined ? undefined : choose(crashes, id)
    if (options.json === true) printJson(io, one ?? { type: 'crashes', crashes: crashes.map(briefOf) })
    else printLines(io, one === undefined ? renderCrashes(crashes, paintFor(io)) : renderCrash(one, paintFor(io)))
    return EXIT.ok
  } finally {
    await inspection.close()
  }
}
