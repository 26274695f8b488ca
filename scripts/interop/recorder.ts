import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonValue } from '../../src/contracts/json.ts';
import { createTransports } from '../../src/transport/transports.ts';
import type { Door, Question, WrittenSkill } from './model-server.ts';
import { type RecordedCase, recordExchanges } from './recording.ts';
import { adapterOver, runCase } from './run-case.ts';

const folder = join(import.meta.dirname, '../../test/adapters/__fixtures__/recorded');
const timeouts = { connect_ms: 3000, tls_ms: 3000 };

/** Keeps what a server answers to the adapters. */
export interface Recorder {
  /** Calls a skill by its adapter, without the gateway around it, and keeps the answers under this name. */
  infer(name: string, question: Question): Promise<void>;
  /** Probes the model of a skill. */
  probe(name: string, skill: string): Promise<void>;
  /** Writes the recording to the fixtures. */
  keep(file: string, about: { readonly server: string; readonly source: string }): Promise<void>;
}

/** Makes the recorder of one door. */
export function createRecorder(door: Door): Recorder {
  const cases: RecordedCase[] = [];
  const skills = new Map<string, WrittenSkill>();

  async function record(given: Pick<RecordedCase, 'name' | 'does' | 'skill' | 'input'>): Promise<void> {
    const skill = door.skills.find(({ name }) => name === given.skill);
    if (skill === undefined) throw new Error(`there is no skill ${given.skill}`);
    const transports = createTransports();
    const { transport, exchanges } = recordExchanges(transports.for({ timeouts }));
    const adapter = adapterOver(transport, skill);
    try {
      const gave = await runCase(adapter, given);
      cases.push({ ...given, exchanges, gave });
      skills.set(given.skill, skill);
    } finally {
      await adapter.close();
      await transports.close();
    }
  }

  return {
    infer: (name, { skill, input }) => record({ name, does: 'infer', skill, input }),
    probe: (name, skill) => record({ name, does: 'probe', skill }),

    async keep(file, about) {
      const recording = {
        ...about,
        door: door.name,
        date: new Date().toISOString().slice(0, 10),
        skills: Object.fromEntries([...skills].map(([name, skill]) => [name, withoutAddress(skill)])),
        cases,
      };
      await writeFile(join(folder, `${file}.json`), `${JSON.stringify(recording, null, 2)}\n`);
    },
  };
}

/** The port is another one every time. */
function withoutAddress(skill: WrittenSkill): JsonValue {
  return JSON.parse(JSON.stringify(skill).replaceAll(/127\.0\.0\.1:\d+/g, 'model-server:8000'));
}
