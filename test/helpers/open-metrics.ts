/** A family that is being read. */
type Open = {
  readonly name: string
  type: string | null
  unit: string | null
  help: string | null
  samples: ParsedFamily['samples'][number][]
}

/** A family as it stands in the text. */
export type ParsedFamily = {
  readonly name: string
  readonly type: string
  readonly unit: string | null
  readonly help: string
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/u
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/u
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)/u
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/u
const TYPES = ['unknown', 'gauge', 'counter', 'stateset', 'info', 'histogram', 'gaugehistogram', 'summary']

const labelsOf = (text: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== '';) {
    const found = LABEL.exec(rest)
    if (found === null) throw new Error(`labels: ${rest}`)
    const [whole, name = '', value = ''] = found
    if (name.startsWith('__') || name in labels) throw new Error(`label ${name}`)
    labels[name] = value.replaceAll(/\\(.)/gu, (_all, one: string) => (one === 'n' ? '\n' : one))
    rest = rest.slice(whole.length)
  }
  return labels
}

const check = (family: ParsedFamily): ParsedFamily => {
  const { name, type, unit, samples } = family
  if (unit !== null && !name.endsWith(`_${unit}`)) throw new Error(`${name} does not end with its unit ${unit}`)
  const seen = new Set<string>()
  for (const { name: of, labels, value } of samples) {
    if (of !== (type === 'counter' ? `${name}_total` : name)) throw new Error(`sample ${of} in ${type} ${name}`)
    const key = JSON.stringify(Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    if (seen.has(key)) throw new Error(`${of}${key} is there twice`)
    seen.add(key)
    if (type === 'counter' && !(value >= 0)) throw new Error(`counter ${of} is ${value}`)
  }
  return family
}

/**
 * Reads OpenMetrics text of counters and gauges, strictly. Source: the OpenMetrics specification 1.0.0, "ABNF" and the
 * rules on names, units, order and suffixes. Throws at whatever breaks them.
 */
export const parseOpenMetrics = (text: string): ReadonlyMap<string, ParsedFamily> => {
  if (!text.endsWith('# EOF\n')) throw new Error('the text does not end with # EOF')
  const families = new Map<string, ParsedFamily>()
  const taken = new Set<string>()
  let now = null as Open | null
  const over = (): void => {
    if (now === null) return
    if (now.type === null || now.help === null) throw new Error(`${now.name} has no type or no help`)
    families.set(now.name, check({ ...now, type: now.type, help: now.help }))
    for (const name of [now.name, `${now.name}_total`]) {
      if (taken.has(name)) throw new Error(`${name} means two things`)
      taken.add(name)
    }
  }
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, what, name = '', value] = /^# (TYPE|UNIT|HELP) (\S+) (.*)$/u.exec(line) ?? []
    if (what === undefined) {
      const [, of = '', labels, number = ''] = SAMPLE.exec(line) ?? []
      if (now === null || !NUMBER.test(number)) throw new Error(`line: ${JSON.stringify(line)}`)
      now.samples.push({ name: of, labels: labelsOf(labels ?? ''), value: Number(number.replace('Inf', 'Infinity')) })
      continue
    }
    if (!NAME.test(name)) throw new Error(`name ${name}`)
    if (now?.name !== name) {
      over()
      if (families.has(name)) throw new Error(`${name} is there in two places`)
      now = { name, type: null, unit: null, help: null, samples: [] }
    }
    if (now.samples.length > 0) throw new Error(`${what} of ${name} after its samples`)
    const field = what.toLowerCase() as 'type' | 'unit' | 'help'
    if (now[field] !== null) throw new Error(`${what} of ${name} twice`)
    if (what === 'TYPE' && !TYPES.includes(value ?? '')) throw new Error(`type ${value}`)
    if (what === 'HELP' && /(?<!\\)(?:\\\\)*\\[^\\n"]/u.test(value ?? '')) throw new Error(`help ${value}`)
    now[field] = value ?? ''
  }
  over()
  return families
}

/** The value of one series. */
export const figure = (
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined => {
  const wanted = Object.entries(labels)
  return families.get(name)?.samples.find((sample) => wanted.every(([key, value]) => sample.labels[key] === value))?.value
}
