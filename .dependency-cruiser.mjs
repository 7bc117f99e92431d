// The import rules of the layers: what a layer may import, besides itself. Anything not named here is refused.
const layers = {
  protocols: [],
  ports: ['protocols'],
  kernel: ['protocols', 'ports'],
  actors: ['protocols', 'ports', 'kernel'],
  supervisors: ['protocols', 'ports', 'kernel', 'actors'],
  adapters: ['protocols', 'ports'],
  'terminal-host': ['protocols', 'ports'],
  runtime: ['protocols', 'ports', 'kernel', 'actors', 'supervisors', 'adapters', 'terminal-host'],
  // Time comes from where everybody's comes.
  client: ['protocols', 'ports', 'adapters/system'],
  testing: ['protocols', 'ports', 'kernel', 'actors', 'supervisors', 'adapters', 'terminal-host', 'runtime', 'client'],
  cli: ['protocols', 'ports', 'kernel', 'actors', 'supervisors', 'adapters', 'terminal-host', 'runtime', 'client', 'testing', 'tui'],
  tui: ['protocols', 'client'],
  web: ['protocols', 'client'],
  mcp: ['protocols', 'client'],
}

/** What users import, besides the test kit. */
const ENTRY = '^src/(index|supervision)\\.ts$'

const anyOf = (names) => `^src/(${names.join('|')})/`

const layerRules = Object.entries(layers).map(([layer, allowed]) => ({
  name: `layer-${layer}`,
  comment: `${layer} may import ${allowed.length === 0 ? 'nothing of src but itself' : allowed.join(', ')}`,
  severity: 'error',
  from: { path: anyOf([layer]) },
  to: {
    path: '^src/',
    pathNot: anyOf([layer, ...allowed]),
  },
}))

export default {
  forbidden: [
    ...layerRules,
    {
      name: 'index-without-faces',
      comment: 'the public API loads no face and no test kit',
      severity: 'error',
      from: { path: ENTRY },
      to: { path: anyOf(['cli', 'tui', 'web', 'mcp', 'testing']) },
    },
    {
      name: 'unknown-layer',
      comment: 'a file under src belongs to a layer named in .dependency-cruiser.mjs',
      severity: 'error',
      from: { path: '^src/', pathNot: `${anyOf(Object.keys(layers))}|${ENTRY}` },
      to: {},
    },
    {
      name: 'index-is-for-users',
      comment: 'inside the package, import the file that has it',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: ENTRY },
    },
    {
      name: 'client-starts-fast',
      comment: 'the client path loads no package, directly or through others',
      severity: 'error',
      from: { path: anyOf(['client']) },
      to: { path: '^node_modules/', reachable: true },
    },
    {
      name: 'supervision-is-light',
      comment: 'who embeds the engine loads the engine and its schedulers only',
      severity: 'error',
      from: { path: '^src/supervision\\.ts$' },
      to: {
        path: '^src/|^node_modules/',
        pathNot: '^src/(supervision\\.ts|protocols/|ports/|kernel/|supervisors/|adapters/(schedulers|system)/)|^node_modules/nact/',
        reachable: true,
      },
    },
    {
      name: 'no-cycles',
      comment: 'no cycle of imports that run; types may refer to each other',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' }, to: {} },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      comment: 'what ships must be installed with the package',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'src-alone',
      comment: 'src needs nothing beside src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|property-tests|bench|script)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
}
