import { describe, expect, it } from 'vitest'
import { isSignalboxError, type SignalboxError } from '../../../src/protocols/errors.ts'
import { exitRules } from '../../../src/protocols/exit-rules.ts'
import { parsePlan, validatePlan } from '../../../src/protocols/plan-parse.ts'

const errorOf = (attempt: () => unknown): SignalboxError => {
  try {
    attempt()
  } catch (error) {
    if (isSignalboxError(error)) return error
    throw error
  }
  throw new Error('the plan was taken')
}
const refused = (text: string): SignalboxError => errorOf(() => parsePlan(text, 'plan.yaml'))
const lane = (text: string): string => `lanes: { a: ${text} }`
const command = (text: string): string => lane(`{ commands: [${text}] }`)

const EXAMPLE = `lanes:
  parser:
    base: main
    env: { LOG: debug }
    copy: [.env]
    commands:
      - npm ci
      - { name: test, run: npm test, restart: transient, intensity: { restarts: 3, withinMs: 60000 }, graceMs: 5000 }
      - { name: server, run: [npm, run, dev], restart: permanent }
  docs:
    after: [parser]
    commands: [make docs]
keep: failed        # never | failed | always: which worktrees stay
parallel: 4
`
const defaults = {
  restart: 'temporary',
  intensity: { restarts: 1, withinMs: 5_000 },
  backoff: { minMs: 200, maxMs: 30_000, jitter: 0.1, resetAfterMs: 60_000 },
  graceMs: 5_000,
  idleAfterMs: 600_000,
  limits: { memoryBytes: 0, cpus: 0, processes: 0, ifMissing: 'fail' },
  classify: exitRules(undefined, undefined),
  env: {},
}

describe('parsePlan', () => {
  it('fills in every default that is documented [SUP-4] [SUP-5] [PTY-7]', () => {
    expect(parsePlan(EXAMPLE, 'plan.yaml')).toEqual({
      keep: 'failed',
      parallel: 4,
      lanes: [
        {
          name: 'parser',
          base: 'main',
          env: { LOG: 'debug' },
          copy: ['.env'],
          after: [],
          commands: [
            { ...defaults, name: 'npm-ci', run: 'npm ci' },
            { ...defaults, name: 'test', run: 'npm test', restart: 'transient', intensity: { restarts: 3, withinMs: 60_000 } },
            { ...defaults, name: 'server', run: ['npm', 'run', 'dev'], restart: 'permanent' },
          ],
        },
        {
          name: 'docs',
          base: 'HEAD',
          env: {},
          copy: [],
          after: ['parser'],
          commands: [{ ...defaults, name: 'make-docs', run: 'make docs' }],
        },
      ],
    })
    expect(parsePlan(command('x'), 'p')).toMatchObject({ keep: 'failed', parallel: 4 })
  })

  it('reads the same plan as JSON and from an object', () => {
    const value = { keep: 'always', lanes: { a: { commands: ['x', { run: ['y', 'z'], intensity: { restarts: 2 } }] } } }
    expect(parsePlan(JSON.stringify(value, null, 2), 'plan.json')).toEqual(validatePlan(value))
    expect(validatePlan(value).lanes[0]?.commands[1]?.intensity).toEqual({ restarts: 2, withinMs: 5_000 })
  })

  it('keeps lanes in the order of the file, also when their names are numbers', () => {
    const names = parsePlan('lanes: { b: { commands: [x] }, 2: { commands: [x] }, 1: { commands: [x] } }', 'p').lanes.map(
      ({ name }) => name,
    )
    expect(names).toEqual(['b', '2', '1'])
  })

  it('takes numbers and booleans as the text that was written', () => {
    const [parsed] = parsePlan(
      'lanes: { a: { base: 1234567, env: { V: 1.10, T: true, N: no }, commands: [true, { run: [sleep, 0.50] }] } }',
      'p',
    ).lanes
    expect(parsed).toMatchObject({ base: '1234567', env: { V: '1.10', T: 'true', N: 'no' } })
    expect(parsed?.commands.map(({ run }) => run)).toEqual(['true', ['sleep', '0.50']])
    expect(validatePlan({ lanes: { a: { env: { V: 5 }, commands: [{ run: ['sleep', 5] }] } } }).lanes[0]).toMatchObject({
      env: { V: '5' },
      commands: [{ run: ['sleep', '5'] }],
    })
  })

  it('expands anchors', () => {
    const plan = parsePlan('lanes: { a: { env: &e { X: 1 }, commands: [x] }, b: { env: *e, commands: [y] } }', 'p')
    expect(plan.lanes[1]?.env).toEqual({ X: '1' })
  })

  it('names file, line, column and path, and suggests the nearest key', () => {
    const error = refused('lanes:\n  a:\n    comands: [x]\n')
    expect(error.code).toBe('ERR_PLAN_UNKNOWN_KEY')
    expect(error.message).toBe('plan.yaml:3:5: unknown key "comands"; did you mean "commands"?')
    expect(error.context).toMatchObject({ file: 'plan.yaml', line: 3, column: 5, path: 'lanes.a.comands' })
  })

  it('counts columns after non-ASCII letters and lines after CRLF', () => {
    expect(refused('# ä\r\nlanes:\r\n  a: { env: { Ä: 1 }, commands: [x] }\r\n').context).toMatchObject({ line: 3, column: 15 })
  })

  it('reports all problems of a file together, in their order', () => {
    const error = refused('parallel: 0\nlanes:\n  a:\n    commands: [x]\n    after: [b]\n  c: { commands: [] }\nkepp: never\n')
    expect(error.code).toBe('ERR_PLAN_INVALID')
    expect(error.message.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'plan.yaml:1:11:',
      'plan.yaml:5:13:',
      'plan.yaml:6:18:',
      'plan.yaml:7:1:',
    ])
    const problems = error.context.problems as { code: string }[]
    expect(problems.map(({ code }) => code)).toEqual([
      'ERR_PLAN_INVALID',
      'ERR_PLAN_UNKNOWN_LANE',
      'ERR_PLAN_INVALID',
      'ERR_PLAN_UNKNOWN_KEY',
    ])
  })

  it('lists at most 20 problems and counts the rest', () => {
    const error = refused(`lanes: { a: { commands: [x] } }\n${Array.from({ length: 30 }, (_, index) => `zzzz${index}: 1`).join('\n')}`)
    expect(error.message.split('\n')).toHaveLength(21)
    expect(error.message).toContain('… and 10 more problems')
    expect(error.context.problems).toHaveLength(30)
  })

  it.each([
    ['', 'ERR_PLAN_INVALID', 'the plan is empty'],
    ['- 1', 'ERR_PLAN_INVALID', 'the plan is a list'],
    ['lanes: {}', 'ERR_PLAN_INVALID', 'name at least one lane'],
    ['keep: never', 'ERR_PLAN_INVALID', 'lanes is missing'],
    [lane('{}'), 'ERR_PLAN_INVALID', 'lanes.a.commands is missing'],
    [lane('{ commands: }'), 'ERR_PLAN_INVALID', 'lanes.a.commands is empty'],
    [lane('{ commands: [] }'), 'ERR_PLAN_INVALID', 'at least one command'],
    [lane('{ commands: x }'), 'ERR_PLAN_INVALID', 'must be a list of commands'],
    [command(`''`), 'ERR_PLAN_INVALID', 'lanes.a.commands[0] is empty'],
    [command(`' \t'`), 'ERR_PLAN_INVALID', 'lanes.a.commands[0] is empty'],
    [command('null'), 'ERR_PLAN_INVALID', 'lanes.a.commands[0] is empty'],
    [command('[npm, ci]'), 'ERR_PLAN_INVALID', 'write { run: [program, argument] }'],
    [command('{ name: x }'), 'ERR_PLAN_INVALID', 'lanes.a.commands[0].run is missing'],
    [command('{ run: [] }'), 'ERR_PLAN_INVALID', 'lanes.a.commands[0].run is empty'],
    [command(`{ run: ['', x] }`), 'ERR_PLAN_INVALID', 'begins with an empty word'],
    [command(`{ run: {} }`), 'ERR_PLAN_INVALID', 'list of words'],
    [command('"a\\0b"'), 'ERR_PLAN_INVALID', 'NUL'],
    [command('{ run: [a, "\\0"] }'), 'ERR_PLAN_INVALID', 'NUL'],
    [command('{ run: x, restart: transent }'), 'ERR_PLAN_INVALID', 'did you mean "transient"?'],
    [command('{ run: x, graceMs: 1.5 }'), 'ERR_PLAN_INVALID', 'whole number of milliseconds'],
    [command('{ run: x, graceMs: "5" }'), 'ERR_PLAN_INVALID', 'whole number of milliseconds'],
    [command('{ run: x, intensity: { restarts: -1 } }'), 'ERR_PLAN_INVALID', 'whole number of restarts'],
    [command('{ run: x, intensity: { within: 5 } }'), 'ERR_PLAN_UNKNOWN_KEY', 'unknown key "within"'],
    [command('{ run: x, backoff: { jitter: 2 } }'), 'ERR_PLAN_INVALID', 'from 0 to 1'],
    [command('{ run: x, backoff: { minMs: 50000 } }'), 'ERR_PLAN_INVALID', 'minMs above its maxMs'],
    [command('{ run: x, name: a/b }'), 'ERR_PLAN_INVALID', 'is not a name'],
    [command('{ run: x, name: .. }'), 'ERR_PLAN_INVALID', 'is not a name'],
    ['lanes: { -a: { commands: [x] } }', 'ERR_PLAN_INVALID', '"-a" is not a name'],
    ['lanes: { a..b: { commands: [x] } }', 'ERR_PLAN_INVALID', '"a..b" is not a name'],
    ['lanes: { __proto__: { commands: [x] } }', 'ERR_PLAN_INVALID', '"__proto__"'],
    [lane('{ env: { 1A: x }, commands: [x] }'), 'ERR_PLAN_INVALID', 'environment variable'],
    [lane('{ env: { SIGNALBOX_MARK: x }, commands: [x] }'), 'ERR_PLAN_INVALID', 'SIGNALBOX_'],
    [lane('{ env: { A: }, commands: [x] }'), 'ERR_PLAN_INVALID', 'write "" for an empty value'],
    [lane('{ env: { A: [x] }, commands: [x] }'), 'ERR_PLAN_INVALID', 'is a list'],
    [lane('{ copy: [/etc/passwd], commands: [x] }'), 'ERR_PLAN_INVALID', 'not relative'],
    [lane('{ copy: [a/../../b], commands: [x] }'), 'ERR_PLAN_INVALID', 'out of the repository'],
    [lane('{ copy: [./.git/config], commands: [x] }'), 'ERR_PLAN_INVALID', '.git'],
    [lane('{ copy: [.], commands: [x] }'), 'ERR_PLAN_INVALID', 'names no file'],
    [lane('{ base: -f, commands: [x] }'), 'ERR_PLAN_INVALID', 'does not name a commit'],
    [lane('{ base: "", commands: [x] }'), 'ERR_PLAN_INVALID', 'is empty'],
    [lane('{ after: b, commands: [x] }'), 'ERR_PLAN_INVALID', 'must be a list of lanes'],
    [lane('{ <<: { base: x }, commands: [x] }'), 'ERR_PLAN_UNKNOWN_KEY', '"<<"'],
    [`${command('x')}\nkeep: faild`, 'ERR_PLAN_INVALID', 'did you mean "failed"?'],
    [`${command('x')}\nkeep: false`, 'ERR_PLAN_INVALID', 'never, failed or always'],
    [`${command('x')}\nparallel: 0`, 'ERR_PLAN_INVALID', 'from 1 to 1000'],
    ['lanes: [', 'ERR_PLAN_SYNTAX', 'correct the text here'],
    ['{"lanes": }}', 'ERR_PLAN_SYNTAX', 'correct the text here'],
    ['a: 1\n---\nb: 1', 'ERR_PLAN_SYNTAX', 'more than one document'],
    ['lanes: !!js/function x', 'ERR_PLAN_SYNTAX', 'tag'],
    ['%YAML 1.1\n---\nlanes: 1', 'ERR_PLAN_SYNTAX', 'YAML 1.1'],
    ['lanes: *x', 'ERR_PLAN_SYNTAX', 'no anchor'],
    ['lanes: &x { a: *x }', 'ERR_PLAN_SYNTAX', 'refers to itself'],
    ['lanes: \0', 'ERR_PLAN_SYNTAX', 'NUL'],
  ])('refuses %j', (text, code, words) => {
    const error = refused(text)
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
    expect(error.message).toMatch(/^plan\.yaml:\d+:\d+: [^;]+.*[;?:]/)
  })

  it('refuses a text that nests deeper than any stack', () => {
    for (const opening of ['[', '{a: ', '- ', '? ']) {
      const error = refused(opening.repeat(20_000))
      expect(error.code).toBe('ERR_PLAN_SYNTAX')
      expect(error.message).toMatch(/^plan\.yaml:\d+:\d+: the text nests too deeply/)
    }
  })

  it('refuses what is given twice: lanes, lanes that differ in case, commands, keys', () => {
    const twice = refused('lanes:\n  a: { commands: [x] }\n  a: { commands: [y] }\n')
    expect(twice.code).toBe('ERR_PLAN_DUPLICATE')
    expect(twice.message).toBe('plan.yaml:3:3: the lane "a" is there twice; rename or remove one')
    const differentCase = refused('lanes: { Docs: { commands: [x] }, docs: { commands: [x] } }')
    expect(differentCase.code).toBe('ERR_PLAN_DUPLICATE')
    expect(differentCase.message).toContain('"Docs" and "docs"')
    const commands = refused(command('{ name: t, run: a }, { name: T, run: b }'))
    expect(commands.code).toBe('ERR_PLAN_DUPLICATE')
    expect(commands.context.path).toBe('lanes.a.commands[1].name')
    expect(refused(lane('{ base: a, base: b, commands: [x] }')).code).toBe('ERR_PLAN_DUPLICATE')
  })

  it('names the circle in which lanes wait for each other', () => {
    const error = refused(
      'lanes: { a: { after: [b], commands: [x] }, b: { after: [c], commands: [x] }, c: { after: [a], commands: [x] }, d: { after: [a], commands: [x] } }',
    )
    expect(error.code).toBe('ERR_PLAN_CYCLE')
    expect(error.message).toContain('a → b → c → a')
    expect(error.message.split('\n')).toHaveLength(1)
    expect(refused(lane('{ after: [a], commands: [x] }')).message).toContain('a → a')
  })

  it('takes a chain of a thousand lanes and refuses one lane more', () => {
    const chain = (length: number): string =>
      JSON.stringify({
        lanes: Object.fromEntries(
          Array.from({ length }, (_, index) => [`l${index}`, { after: index + 1 < length ? [`l${index + 1}`] : [], commands: ['x'] }]),
        ),
      })
    expect(parsePlan(chain(1_000), 'p').lanes).toHaveLength(1_000)
    expect(refused(chain(1_001)).message).toContain('more than 1000 lanes')
  })

  it('suggests the lane that `after` probably means', () => {
    const error = refused('lanes: { parser: { commands: [x] }, docs: { after: [parsr], commands: [x] } }')
    expect(error.code).toBe('ERR_PLAN_UNKNOWN_LANE')
    expect(error.message).toContain('did you mean "parser"?')
  })

  it('refuses more than 1 MB and bombs of aliases in bounded time', () => {
    expect(refused(`#${'x'.repeat(1_000_000)}`).message).toContain('larger than')
    expect(refused(`#${'ä'.repeat(600_000)}`).message).toContain('larger than')
    const level = (name: string, of: string): string => `${name}: &${name} [${Array(9).fill(`*${of}`).join(',')}]`
    const bomb = ['a: &a [x]', ...'bcdefghijk'.split('').map((name, index) => level(name, 'abcdefghij'[index] ?? 'a'))].join('\n')
    expect(refused(bomb).message).toContain('aliases')
  })

  it('handles a file full of problems in time that grows with its size', () => {
    const started = performance.now()
    const error = refused(Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'))
    expect(error.context.problems).toHaveLength(100)
    // quadratic look-ups of positions took minutes for this; the limit is generous for a loaded machine
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

describe('validatePlan', () => {
  it('names the path where there is no line', () => {
    const error = errorOf(() => validatePlan({ lanes: { a: { commands: [{ run: 'x', restrat: 'permanent' }] } } }))
    expect(error.message).toBe('plan: unknown key "restrat"; did you mean "restart"?')
    expect(error.context).toMatchObject({ path: 'lanes.a.commands[0].restrat', line: null })
  })

  it.each([undefined, null, 5, 'x', [], () => {}, new Date(0), Symbol('x')])('refuses %s', (value) => {
    expect(errorOf(() => validatePlan(value)).code).toBe('ERR_PLAN_INVALID')
  })

  it('refuses a key that would be lost', () => {
    const value: unknown = JSON.parse('{"lanes":{"__proto__":{"commands":["x"]},"a":{"commands":["x"]}}}')
    expect(errorOf(() => validatePlan(value)).message).toContain('__proto__')
  })
})
