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
  cli: ['protocols', 'ports', 'kernel', 'actors', 'supervisors', 'adapters', 'terminal-host', 'runtime', 'client', 'testing'],
  tui: ['protocols', 'client'],
  web: ['protocols', 'client'],
  mcp: ['protocols', 'client'],
}

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
      from: { path: '^src/index\\.ts$' },
      to: { path: anyOf(['cli', 'tui', 'web', 'mcp', 'testing']) },
    },
    {
      name: 'unknown-layer',
      comment: 'a file under src belongs to a layer named in .dependency-cruiser.mjs',
      severity: 'error',
      from: { path: '^src/', pathNot: `${anyOf(Object.keys(layers))}|^src/index\\.ts$` },
      to: {},
    },
    {
      name: 'index-is-for-users',
      comment: 'inside the package, import the file that has it',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/index\\.ts$' },
    },
    {
      name: 'client-starts-fast',
      comment: 'the client path loads no package, directly or through others',
      severity: 'error',
      from: { path: anyOf(['client']) },
      to: { path: '^node_modules/', reachable: true },
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
