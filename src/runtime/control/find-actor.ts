import { SignalboxError } from '../../protocols/errors.ts'
import type { Inspection } from '../../supervisors/system.types.ts'
import type { Runtime } from '../runtime.ts'
import { notFound } from './resolve.ts'

type Source = Pick<Runtime, 'actors' | 'inspect' | 'records'>

/** Names of lanes and terminals that have not ended, by their ids. */
export type Labels = ReadonlyMap<string, string>

const readLabels = async ({ records }: Pick<Runtime, 'records'>): Promise<Labels> => {
  const open = (await records.lanes()).filter(({ endedAt }) => endedAt === null)
  const lanes = new Map<string, string>(open.map(({ id, name }) => [id, name]))
  const labels = new Map(lanes)
  for (const { id, laneId, command } of await records.terminals()) {
    const lane = lanes.get(laneId)
    if (lane !== undefined) labels.set(id, `${lane}/${command}`)
  }
  return labels
}

/** None while the store is shut, as while the journal is restarted: the tree is there all the same. */
export const labelsOf = (runtime: Pick<Runtime, 'records'>): Promise<Labels> => readLabels(runtime).catch(() => new Map<string, string>())

/** Names are `journal`, or the kind and the id of what it is for: `lane:ln_…`. */
const idIn = (name: string): string => name.slice(name.indexOf(':') + 1)

export const labelOf = (name: string, labels: Labels): string | null => labels.get(idIn(name)) ?? null

const aliasOf = (name: string, labels: Labels): string => {
  const label = labelOf(name, labels)
  return label === null ? name : `${name.slice(0, name.indexOf(':') + 1)}${label}`
}

const severalError = (word: string, names: readonly string[]): SignalboxError =>
  new SignalboxError(
    'ERR_ACTOR_NOT_FOUND',
    `${names.length} actors are called ${word}…: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}; use more of the name`,
    { context: { name: word } },
  )

/**
 * By name (`lane:ln_…`, `lane:docs`, with or without `$incarnation`); by name of its lane or terminal or by id alone, the
 * uppermost actor of that; by the beginning of one of these that no other has.
 * @throws ERR_ACTOR_NOT_FOUND
 */
export const findActor = async (source: Source, word: string): Promise<Inspection> => {
  const plain = word.replace(/\$\d+$/u, '')
  const exact = source.inspect(plain)
  if (exact !== undefined) return exact
  const labels = await labelsOf(source)
  const all = source.actors.inspectAll()
  const wanted = plain.toLowerCase()
  const forms = (name: string): readonly string[] => {
    const alias = aliasOf(name, labels)
    // the part after the kind also by itself
    return [name, alias, idIn(name), idIn(alias)].map((form) => form.toLowerCase())
  }
  const named = all.find(({ name }) => forms(name).includes(wanted))
  if (named !== undefined) return named
  const begun = wanted === '' ? [] : all.filter(({ name }) => forms(name).some((form) => form.startsWith(wanted)))
  const [found, ...others] = begun
  // the actors of one lane have its id in common: the uppermost stands for them
  const ids = new Set(begun.map(({ name }) => idIn(name)))
  const isId = /^[a-z]{2}_/u.test(wanted)
  if (found !== undefined && (others.length === 0 || (isId && ids.size === 1))) return found
  const names = all.map(({ name }) => aliasOf(name, labels))
  if (found !== undefined) {
    throw severalError(
      word,
      begun.map(({ name }) => aliasOf(name, labels)),
    )
  }
  throw notFound('ERR_ACTOR_NOT_FOUND', 'actor', word, names)
}
