/** Writes schemas/skill.schema.json, by which editors complete definitions; with `--check`, only says whether it is in step. */
import { protocols } from '../src/protocols.ts';
import { fullDefinitionSchema } from '../src/skills/definition-schema.ts';
import { writeGenerated } from './generated-file.ts';

await writeGenerated(
  'schemas/skill.schema.json',
  `${JSON.stringify(fullDefinitionSchema(protocols), undefined, 2)}\n`,
);
