// Who may import whom, as docs/decisions and CONTRIBUTING.md tell it. `npm run check` runs these rules over src/ and
// over scripts/import-plants.ts, which holds a violation of each: a rule without a plant fails the check.
//
// TypeScript 7 has no compiler API that dependency-cruiser could use, and without a parser for .ts it reads nothing
// and reports no faults. Hence `parser: 'swc'`, which also sees `import type`.

const innerRooms =
  'policies|adapters|stores|skills|credentials|readiness|pipeline|transport|jobs|exports|importers';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'contracts-and-lib-import-no-other-room',
      severity: 'error',
      comment: 'Everybody depends on these two; they depend on nobody.',
      from: { path: '^src/(contracts|lib)/' },
      to: { path: '^src/', pathNot: '^src/$1/' },
    },
    {
      name: 'inner-rooms-import-contracts-and-lib-only',
      severity: 'error',
      comment: 'The rooms meet in app.ts, through the interfaces of contracts/.',
      from: { path: `^src/(${innerRooms})/` },
      to: { path: '^src/', pathNot: ['^src/(contracts|lib)/', '^src/$1/'] },
    },
    {
      name: 'a-policy-never-imports-another',
      severity: 'error',
      comment: 'Their order is one list in app.ts; a policy that knows another fixes an order of its own.',
      from: { path: '^src/policies/([^/.]+)' },
      to: { path: '^src/policies/', pathNot: '^src/policies/$1[/.]' },
    },
    {
      name: 'an-adapter-never-imports-another',
      severity: 'error',
      comment: 'A protocol can be added or removed alone. What several share stands in adapters/shared/.',
      from: { path: '^src/adapters/([^/.]+)' },
      to: { path: '^src/adapters/', pathNot: ['^src/adapters/$1[/.]', '^src/adapters/shared/'] },
    },
    {
      name: 'entrypoints-import-contracts-only',
      severity: 'error',
      comment: 'An entrypoint knows its transport and the invoker, and nothing of models.',
      from: { path: '^src/entrypoints/' },
      to: { path: '^src/', pathNot: ['^src/contracts/', '^src/entrypoints/'] },
    },
    {
      name: 'fastify-and-mcp-stay-at-the-door',
      severity: 'error',
      comment: 'The web framework and the MCP SDK are known in entrypoints, plugins and app.ts.',
      from: { path: '^src/', pathNot: '^src/(entrypoints/|plugins/|app\\.ts$)' },
      to: { path: 'node_modules/(fastify|fastify-plugin|@fastify|@modelcontextprotocol)/' },
    },
    {
      name: 'the-environment-is-read-at-the-edge',
      severity: 'error',
      comment: 'Only config/, cli/ and main.ts read it. Biome forbids the global process.env elsewhere.',
      from: { path: '^src/', pathNot: '^src/(config/|cli/|main\\.ts$)' },
      to: { dependencyTypes: ['core'], path: '^(node:)?process$' },
    },
    {
      name: 'nobody-imports-the-process',
      severity: 'error',
      comment: 'main.ts is where the process begins: importing it would start one.',
      from: { path: '^(src|test|scripts|bench)/' },
      to: { path: '^src/main\\.ts$' },
    },
    {
      name: 'rooms-never-import-what-puts-them-together',
      severity: 'error',
      comment: 'The files that stand in src/ itself compose the rooms: whoever imports one sees everything.',
      from: { path: '^src/[^/]+/', pathNot: '^src/cli/' },
      to: { path: '^src/([^/]+\\.ts$|cli/)' },
    },
    {
      name: 'src-imports-src-only',
      severity: 'error',
      comment: 'Tests, scripts and benchmarks are not shipped.',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench)/' },
    },
    {
      name: 'src-runs-on-dependencies-only',
      severity: 'error',
      comment: 'devDependencies are not in the image. Their types are gone by then, and may be used.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'Also through `import type`.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'every-import-leads-somewhere',
      severity: 'error',
      comment: 'What cannot be resolved cannot be checked.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
