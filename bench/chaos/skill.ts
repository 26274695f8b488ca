import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The name of the skill whose model fails. */
export const skillName = 'unreliable';

/**
 * Writes the definition of a skill that leaves trying again to the jobs.
 *
 * @param folder where its folder is made
 * @returns the folder of the skills
 */
export async function writeSkill(folder: string, modelPort: number): Promise<string> {
  const skills = join(folder, 'skills');
  await mkdir(skills, { recursive: true });
  const definition = {
    name: skillName,
    description: 'Fails a fifth of the calls.',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    output_schema: { type: 'object' },
    endpoint: { url: `http://127.0.0.1:${modelPort}/predict` },
    retry: { max_attempts: 1 },
    breaker: { failures: 1000 },
  };
  await writeFile(join(skills, `${skillName}.json`), JSON.stringify(definition));
  return skills;
}
