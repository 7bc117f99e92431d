/** One figure of a family. */
export type Sample = {
  /** Names as `kind`; values of any text. Bounded: each combination is a series of its own for ever. */
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** Figures of one name. */
export type Family = {
  /** Without `_total`; ends with the unit, where there is one. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly unit?: 'bytes' | 'seconds'
  readonly help: string
  readonly samples: readonly Sample[]
}

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const number = (value: number): string => {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

const labelsText = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const familyLines = ({ name, type, unit, help, samples }: Family): readonly string[] => [
  `# TYPE ${name} ${type}`,
  ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
  `# HELP ${name} ${escaped(help)}`,
  ...samples.map(({ labels = {}, value }) => `${name}${type === 'counter' ? '_total' : ''}${labelsText(labels)} ${number(value)}`),
]

/** The text of the families. Source: the OpenMetrics specification, version 1.0.0, "Text format" */
export const openMetricsText = (families: readonly Family[]): string => [...families.flatMap(familyLines), '# EOF', ''].join('\n')
