import { onTestFinished } from 'vitest';
import { definitionOf, type RunningApp, startApp } from '../app.ts';
import { json, startModelServer } from '../servers/model-server.ts';

/** Starts a gateway with one skill, `detect_language`, whose model takes every text for French. */
export async function startLanguageGateway(env: Readonly<Record<string, string>> = {}): Promise<RunningApp> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'fr', confidence: 0.99 }));
  return startApp(
    [
      definitionOf(model.url, {
        name: 'detect_language',
        title: 'Detect language',
        description: 'Identifies the language that a text is written in.',
        input_schema: {
          type: 'object',
          properties: { text: { type: 'string', minLength: 1, description: 'The text.' } },
          required: ['text'],
          additionalProperties: false,
        },
        output_schema: {
          type: 'object',
          properties: {
            prediction: { type: 'string', description: 'ISO 639-1 code.' },
            confidence: { type: 'number', description: 'From 0 to 1.' },
          },
          required: ['prediction', 'confidence'],
        },
        examples: [{ input: { text: 'Bonjour' }, output: { prediction: 'fr' } }],
      }),
    ],
    env,
  );
}
