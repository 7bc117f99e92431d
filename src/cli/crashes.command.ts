import { SignalboxError } from '../protocols/errors.ts'
import { nearest } from '../protocols/suggest.ts'
import { type FiledDossier, openInspection } from '../runtime/inspection.ts'
import { briefOf } from './crash-brief.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, paintFor, printJson, printLines } from './io.ts'
import { renderCrash, renderCrashes } from './render-crashes.ts'

export type CrashesOptions = { readonly json?: boolean }

const choose = (crashes: readonly FiledDossier[], id: string): FiledDossier => {
  const found = crashes.find((one) => one.id === id) ?? unique(crashes.filter((one) => one.id.startsWith(id)))
  if (found !== undefined) return found
  const ids = crashes.map((one) => one.id).toReversed()
  const meant = nearest(id, ids)
  const advice = meant === undefined ? 'signalbox crashes lists them' : `did you mean "${meant}"?`
  throw new SignalboxError('ERR_CRASH_NOT_FOUND', `no crash, or more than one, is recorded as "${id}"; ${advice}`, { context: { id } })
}

const unique = <T>(found: readonly T[]): T | undefined => (found.length === 1 ? found[0] : undefined)

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
