/** Why checks of the suite fail that say nothing about this gateway. Anything else that fails is a fault. */
export interface NotApplicable {
  readonly reason: string;
  /** Scenarios of which nothing applies. */
  readonly scenarios?: readonly string[];
  /** Single checks, as `scenario: check`, of scenarios of which the rest applies. */
  readonly checks?: readonly string[];
}

const noResources: NotApplicable = {
  reason: 'A skill is a tool. The gateway declares neither resources nor prompts, and has none.',
  scenarios: [
    'prompts-get-embedded-resource',
    'prompts-get-simple',
    'prompts-get-with-args',
    'prompts-get-with-image',
    'prompts-list',
    'resources-list',
    'resources-read-binary',
    'resources-read-text',
    'resources-templates-read',
    'tools-call-embedded-resource',
  ],
};

const noCompletion: NotApplicable = {
  reason: 'Completion is for arguments of prompts and of resource templates, of which there are none.',
  scenarios: ['completion-complete'],
};

const noMixture: NotApplicable = {
  reason:
    'The answer of a model is one JSON value, with images in it where the schema says so: no audio, and no list of mixed content.',
  scenarios: ['tools-call-audio', 'tools-call-mixed-content'],
};

/** Revision → what does not apply, and why. */
export const notApplicable: Readonly<Record<'2025-11-25' | '2026-07-28', readonly NotApplicable[]>> = {
  '2025-11-25': [
    noResources,
    noCompletion,
    noMixture,
    {
      reason: 'There are no resources to subscribe to.',
      scenarios: ['resources-subscribe', 'resources-unsubscribe'],
    },
    {
      reason: "The gateway's log is its operator's: it declares no logging towards clients.",
      scenarios: ['logging-set-level', 'tools-call-with-logging'],
    },
    {
      reason: 'A model behind a skill never asks the client anything: no sampling, no elicitation.',
      scenarios: [
        'elicitation-sep1034-defaults',
        'elicitation-sep1330-enums',
        'tools-call-elicitation',
        'tools-call-sampling',
      ],
    },
  ],
  '2026-07-28': [
    noResources,
    noCompletion,
    noMixture,
    {
      reason: 'The lists of prompts and resources that should say how long they hold are not there.',
      checks: [
        'caching: sep-2549-prompts-list-caching-hints',
        'caching: sep-2549-resources-list-caching-hints',
        'caching: sep-2549-resources-templates-list-caching-hints',
      ],
    },
    {
      reason: 'A model behind a skill never asks the client anything, so no result is ever "input required".',
      scenarios: [
        'input-required-result-basic-elicitation',
        'input-required-result-basic-list-roots',
        'input-required-result-basic-sampling',
        'input-required-result-capability-check',
        'input-required-result-multi-round',
        'input-required-result-multiple-input-requests',
        'input-required-result-non-tool-request',
        'input-required-result-request-state',
        'input-required-result-result-type',
        'input-required-result-tampered-state',
      ],
    },
    {
      reason: 'These call fixture tools that sample, elicit or log, which no skill does.',
      checks: [
        'server-stateless: sep-2575-http-server-no-independent-requests-on-stream',
        'server-stateless: sep-2575-missing-capability-http-400',
        'server-stateless: sep-2575-server-no-log-without-loglevel',
        'server-stateless: sep-2575-server-rejects-undeclared-capability',
      ],
    },
    {
      reason: 'No tool of the gateway wants an argument repeated in a header of its own (x-mcp-header).',
      scenarios: ['http-custom-header-server-validation'],
    },
    {
      reason:
        'References are written out, since other surfaces of Claude refuse $ref: what served them is gone.',
      checks: [
        'json-schema-2020-12: json-schema-2020-12-$defs',
        'json-schema-2020-12: sep-2106-anchor-keyword-preserved',
      ],
    },
    {
      reason: 'A model behind a skill never asks the client anything, so no task waits for its input.',
      scenarios: ['tasks-mrtr-composition', 'tasks-mrtr-input'],
    },
    {
      reason: 'Every skill can be called without a task, so none needs a client that takes them.',
      scenarios: ['tasks-required-task-error'],
    },
    {
      reason:
        'What goes wrong with a model is an error of its tool, never of the protocol. A task fails when its tool is gone meanwhile, which no call of the suite can bring about.',
      checks: ['tasks-lifecycle: sep-2663-tasks-get-status-failed'],
    },
    {
      reason: 'A text that a model answers is a JSON value, and shown in quotes.',
      checks: ['tasks-request-headers: tasks-headers-tolerate-mcp-method-on-tools-call'],
    },
  ],
};
