/** Files that break one import rule, and no other. */
export interface Plant {
  /** The rule's name in `.dependency-cruiser.mjs`. */
  readonly rule: string;
  /** Path → source. */
  readonly files: Readonly<Record<string, string>>;
}

const leaf = 'export const leaf = 1;\n';
const leafType = 'export type Leaf = number;\n';

/** A violation of every import rule, by a value import or by `import type`, as somebody would slip it in. */
export const importPlants: readonly Plant[] = [
  {
    rule: 'contracts-and-lib-import-no-other-room',
    files: {
      'src/contracts/planted.ts':
        "import type { Leaf } from '../stores/planted.ts';\nexport type Planted = Leaf;\n",
      'src/stores/planted.ts': leafType,
    },
  },
  {
    rule: 'contracts-and-lib-import-no-other-room',
    files: {
      'src/lib/planted.ts': "export { leaf } from '../contracts/planted.ts';\n",
      'src/contracts/planted.ts': leaf,
    },
  },
  {
    rule: 'inner-rooms-import-contracts-and-lib-only',
    files: {
      'src/policies/planted.ts':
        "import type { Leaf } from '../stores/planted.ts';\nexport type Planted = Leaf;\n",
      'src/stores/planted.ts': leafType,
    },
  },
  {
    rule: 'inner-rooms-import-contracts-and-lib-only',
    files: {
      'src/transport/planted.ts':
        "export async function planted() {\n  await using room = await import('../credentials/planted.ts');\n}\n",
      'src/credentials/planted.ts': leaf,
    },
  },
  {
    rule: 'inner-rooms-import-contracts-and-lib-only',
    files: {
      'src/exports/planted.ts':
        "import { leaf } from '../skills/planted.ts';\nexport const planted = leaf;\n",
      'src/skills/planted.ts': leaf,
      'src/importers/planted.ts':
        "import { leaf } from '../skills/planted.ts';\nexport const planted = leaf;\n",
    },
  },
  {
    rule: 'a-policy-never-imports-another',
    files: {
      'src/policies/retry.ts':
        "import type { Leaf } from './retry-budget.ts';\nexport type Planted = Leaf;\n",
      'src/policies/retry-budget.ts': leafType,
    },
  },
  {
    rule: 'an-adapter-never-imports-another',
    files: {
      'src/adapters/http.ts': "import { leaf } from './openai/planted.ts';\nexport const planted = leaf;\n",
      'src/adapters/openai/planted.ts': leaf,
    },
  },
  {
    rule: 'entrypoints-import-contracts-only',
    files: {
      'src/entrypoints/planted.ts':
        "import { leaf } from '../adapters/planted.ts';\nexport const planted = leaf;\n",
      'src/adapters/planted.ts': leaf,
    },
  },
  {
    rule: 'fastify-and-mcp-stay-at-the-door',
    files: {
      'src/policies/planted.ts':
        "import type { FastifyRequest } from 'fastify';\nexport type P = FastifyRequest;\n",
    },
  },
  {
    rule: 'the-environment-is-read-at-the-edge',
    files: {
      'src/adapters/planted.ts': "import { env } from 'node:process';\nexport const planted = env;\n",
    },
  },
  {
    rule: 'nobody-imports-the-process',
    files: {
      'test/planted.ts': "import '../src/main.ts';\n",
      'src/main.ts': leaf,
    },
  },
  {
    rule: 'rooms-never-import-what-puts-them-together',
    files: {
      'src/plugins/planted.ts': "import { leaf } from '../app.ts';\nexport const planted = leaf;\n",
      'src/app.ts': leaf,
    },
  },
  {
    rule: 'src-imports-src-only',
    files: {
      'src/lib/planted.ts': "import { leaf } from '../../test/planted.ts';\nexport const planted = leaf;\n",
      'test/planted.ts': leaf,
    },
  },
  {
    rule: 'src-runs-on-dependencies-only',
    files: {
      'src/lib/planted.ts': "import fastCheck from 'fast-check';\nexport const planted = fastCheck;\n",
    },
  },
  {
    rule: 'no-circles',
    files: {
      'src/lib/left.ts': "import type { Right } from './right.ts';\nexport type Left = Right | 1;\n",
      'src/lib/right.ts': "import type { Left } from './left.ts';\nexport type Right = Left | 2;\n",
    },
  },
  {
    rule: 'every-import-leads-somewhere',
    files: {
      'src/lib/planted.ts': "import { leaf } from './absent.ts';\nexport const planted = leaf;\n",
    },
  },
];
