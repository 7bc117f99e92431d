import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml'
import type { Finding, PlanPath } from './plan-parse-problems.ts'
import { quoted } from './plan-parse-problems.ts'

export type TextPosition = { readonly line: number; readonly column: number }

/** A plan's text as plain values, and where each of them stands. */
export type PlanText = {
  readonly value: unknown
  /** Names of lanes as they stand in the text: an object puts those that look like numbers first. */
  readonly laneOrder: readonly string[]
  /** Keys given twice. */
  readonly findings: readonly Finding[]
  /** @param key the position of the key at `path` instead of its value */
  locate(path: PlanPath, key?: boolean): TextPosition
}

export type SyntaxProblem = TextPosition & { readonly text: string }

/** Beyond these a text is not a plan: what aliases expand to, and how deep it nests. */
const MAX_ALIASES = 1_000
const MAX_NODES = 1_000_000
const MAX_DEPTH = 32
const TOO_DEEP = 'the text nests too deeply; simplify it'

/** Keys whose values are numbers or true and false; everywhere else a plain scalar is taken as the text that it was written as (`1.10`, `true`). */
const PLAIN = new Set<unknown>([
  'parallel',
  'restarts',
  'withinMs',
  'minMs',
  'maxMs',
  'jitter',
  'resetAfterMs',
  'graceMs',
  'idleAfterMs',
  'memoryBytes',
  'cpus',
  'processes',
  'times',
  'usual',
])

class TooMuch extends Error {
  readonly node: Node
  constructor(message: string, node: Node) {
    super(message)
    this.node = node
  }
}

type Child = { readonly key: PropertyKey; readonly keyNode: Node | null; readonly value: Node | null }

const childrenOf = (node: Node): Child[] => {
  if (isSeq(node)) return node.items.map((item, key) => ({ key, keyNode: null, value: item as Node | null }))
  if (!isMap(node)) return []
  return node.items.map(({ key, value }) => {
    const keyNode = key as Node
    return { key: isScalar(keyNode) ? String(keyNode.value) : String(keyNode), keyNode, value: value as Node | null }
  })
}

/** Which node each alias means: the last one before it that has its anchor. One pass; the look-up of the package is quadratic. */
const bindAliases = (root: Node): Map<Alias, Node> => {
  const anchors = new Map<string, Node>()
  const targets = new Map<Alias, Node>()
  const visit = (node: Node | null): void => {
    if (node === null) return
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined) throw new TooMuch(`the alias *${node.source} has no anchor before it`, node)
      if (targets.size >= MAX_ALIASES) throw new TooMuch(`the text has more than ${MAX_ALIASES} aliases`, node)
      targets.set(node, target)
      return
    }
    if ('anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node)
    for (const { value } of childrenOf(node)) visit(value)
  }
  visit(root)
  return targets
}

type Plain = ReadonlySet<unknown>

const scalarValue = (value: unknown, source: string | undefined, key: PropertyKey | undefined, plain: Plain): unknown => {
  if (typeof value === 'bigint') return source ?? String(value)
  if (typeof value !== 'number' && typeof value !== 'boolean') return value
  return plain.has(key) ? value : (source ?? String(value))
}

/** Turns nodes into values. Not the package's own conversion, because that loses how scalars were written and which key came twice. */
const build = (root: Node, targets: ReadonlyMap<Alias, Node>, plain: Plain): Omit<PlanText, 'locate'> => {
  const findings: Finding[] = []
  const laneOrder: string[] = []
  let nodes = 0
  const visit = (given: Node | null, path: PlanPath): unknown => {
    if (given === null) return null
    const node = isAlias(given) ? targets.get(given) : given
    if (node === undefined) return null
    if (++nodes > MAX_NODES) throw new TooMuch('aliases make the text too large', given)
    if (path.length > MAX_DEPTH) throw new TooMuch('the text nests too deeply, or an alias refers to itself', given)
    if (isScalar(node)) {
      return scalarValue(
        node.value,
        node.source,
        path.findLast((part) => typeof part !== 'number'),
        plain,
      )
    }
    if (isSeq(node)) return childrenOf(node).map(({ key, value }) => visit(value, [...path, key]))
    const map: Record<string, unknown> = {}
    for (const { key, value } of childrenOf(node)) {
      const inLanes = path.length === 1 && path[0] === 'lanes'
      if (inLanes) laneOrder.push(String(key))
      if (Object.hasOwn(map, key)) {
        const text = `the ${inLanes ? 'lane' : 'key'} ${quoted(String(key))} is there twice; rename or remove one`
        findings.push({ code: 'ERR_PLAN_DUPLICATE', path: [...path, key], key: true, text })
      }
      // defineProperty, as a key such as __proto__ must become an ordinary one here, to be refused later
      Object.defineProperty(map, key, { value: visit(value, [...path, key]), enumerable: true, configurable: true, writable: true })
    }
    return map
  }
  return { value: visit(root, []), findings, laneOrder }
}

const locator = (root: Node, targets: ReadonlyMap<Alias, Node>, at: (offset: number) => TextPosition): PlanText['locate'] => {
  // an index per node, as a hundred thousand problems may lie in one
  const indexes = new Map<Node, Map<PropertyKey, Child>>()
  const indexOf = (node: Node): Map<PropertyKey, Child> => {
    // of a key given twice the last: it is the one to complain about
    const index = indexes.get(node) ?? new Map(childrenOf(node).map((child) => [child.key, child]))
    indexes.set(node, index)
    return index
  }
  return (path, key = false) => {
    let node: Node | null = root
    let offset = root.range?.[0] ?? 0
    for (const [depth, part] of path.entries()) {
      const holder: Node | null | undefined = node !== null && isAlias(node) ? targets.get(node) : node
      const child: Child | undefined = holder == null ? undefined : indexOf(holder).get(part)
      if (child === undefined) break
      const wanted: Node | null = (key && depth === path.length - 1) || child.value === null ? (child.keyNode ?? child.value) : child.value
      offset = wanted?.range?.[0] ?? offset
      node = child.value
    }
    return at(offset)
  }
}

const syntaxOf = (errors: readonly YAMLError[], at: (offset: number) => TextPosition): SyntaxProblem[] => {
  // the parser catches the overflow of its own stack
  const deep = errors.find(({ message }) => message.startsWith('Maximum call stack'))
  if (deep !== undefined) return [{ ...at(deep.pos[0]), text: TOO_DEEP }]
  return errors.map(({ code, pos, message }) => ({
    ...at(pos[0]),
    text:
      code === 'MULTIPLE_DOCS'
        ? 'the text holds more than one document; keep one'
        : `${message.replace(/\s+/g, ' ')}; correct the text here`,
  }))
}

/**
 * Reads YAML 1.2, core schema: no merge keys, no custom tags, aliases bounded. JSON is YAML.
 * @param plain keys whose values are numbers or true and false; those of a plan otherwise
 * @returns the values, or what is wrong with the text
 */
export const readPlanText = (
  text: string,
  plain: Plain = PLAIN,
): { readonly text: PlanText } | { readonly syntax: readonly SyntaxProblem[] } => {
  const counter = new LineCounter()
  const at = (offset: number): TextPosition => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const nul = text.indexOf('\0')
  if (nul >= 0) {
    const before = text.slice(0, nul)
    const position = { line: before.split('\n').length, column: nul - before.lastIndexOf('\n') }
    return { syntax: [{ ...position, text: 'the text holds a NUL byte; remove it' }] }
  }
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      stringKeys: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: counter,
    })
    const wrong = [...document.errors, ...document.warnings]
    if (wrong.length > 0) {
      return { syntax: syntaxOf(wrong, at) }
    }
    if (document.directives?.yaml.version === '1.1') {
      return { syntax: [{ line: 1, column: 1, text: 'the text asks for YAML 1.1; remove the %YAML line' }] }
    }
    const root = document.contents as Node | null
    if (root === null) return { text: { value: null, laneOrder: [], findings: [], locate: () => ({ line: 1, column: 1 }) } }
    const targets = bindAliases(root)
    return { text: { ...build(root, targets, plain), locate: locator(root, targets, at) } }
  } catch (error) {
    if (error instanceof TooMuch) return { syntax: [{ ...at(error.node.range?.[0] ?? 0), text: `${error.message}; simplify it` }] }
    // the stack of the parser, which recurses as deep as the text nests
    if (error instanceof RangeError) return { syntax: [{ line: 1, column: 1, text: TOO_DEEP }] }
    throw error
  }
}
