/** Values of the REST shapes for tests, each whole and plausible. */

import type {
  DraftShape,
  FormField,
  Me,
  MetricsShape,
  ModelVersion,
  PersonShape,
  Plan,
  Problem,
  PromotionDetail,
  PromotionPlan,
  PromotionView,
  RecipeShape,
  RunDetail,
  RunSpec,
  RunView,
} from "@/api/generated";
import document from "../../openapi.json";

export const ALEX: PersonShape = { id: "a1", tenant: "t", name: "Alex", role: "researcher" };
export const MEGAN: PersonShape = { id: "a2", tenant: "t", name: "Megan", role: "approver" };

export function aMe(part: Partial<Me> = {}): Me {
  return {
    person: ALEX,
    rights: [],
    profile: "local",
    people: [ALEX, MEGAN],
    notice: "Anybody at this machine can act as anybody.",
    currency: "EUR",
    ...part,
  };
}

export function aPlan(part: Partial<Plan> = {}): Plan {
  return {
    parameters: 1_115_264,
    trained_parameters: 1_115_264,
    steps: 70,
    tokens: 286_720,
    memory_bytes: 952_725_248,
    seconds_low: 26,
    seconds: 39,
    seconds_high: 77,
    cost_low: 0.4,
    cost: 0.6,
    cost_high: 1.2,
    price_per_hour: 0.6,
    currency: "EUR",
    basis: "Speed from the shipped table for local-cpu.",
    warnings: [],
    differences: [],
    ...part,
  };
}

export function aSpec(): RunSpec {
  return {
    version: 1,
    recipe: "tiny-sft",
    name: "tiny-sft",
    method: "sft",
    model: {
      source: null,
      config: {
        hidden_size: 128,
        layers: 4,
        heads: 4,
        kv_heads: null,
        intermediate_size: 384,
        vocab_size: 2048,
        tie_embeddings: true,
      },
      tokenizer: null,
    },
    tuning: { kind: "full", r: 16, alpha: 32, dropout: 0, targets: "all-linear" },
    data: {
      train: { uri: "builtin:python-qa", format: "auto", sha256: null },
      mix: [],
      eval: null,
      eval_fraction: 0.05,
      max_length: 256,
      overlength: "drop",
      loss_on: "answers",
    },
    batch: { tokens_per_step: 4096, micro_tokens: "auto" },
    budget: { steps: 70, tokens: null, epochs: null, hours: null, cost: null },
    optim: {
      lr: 0.003,
      schedule: "cosine",
      warmup_fraction: 0.1,
      weight_decay: 0.01,
      grad_clip: 1,
      seed: 0,
    },
    guard: {
      nan: "stop",
      max_loss: 20,
      spike_z: 6,
      on_spike: "report",
      max_skips: 10,
      max_rollbacks: 3,
      rollback_lr_factor: 0.5,
      stall_s: 3600,
    },
    early_stop: null,
    eval: {
      every_steps: null,
      max_rows: 150,
      prompts: ["Why?"],
      sample_tokens: 32,
      tasks: [],
      compare_base: false,
    },
    compute: {
      sku: "local-cpu",
      nodes: 1,
      priority: "dedicated",
      sharding: "auto",
      activation_checkpointing: "auto",
    },
    checkpoint: { every_steps: null, keep: 2 },
    deterministic: false,
    goal: { metric: "eval_loss", below: 4.5 },
  };
}

export function aRun(part: Partial<RunView> = {}): RunView {
  return {
    id: "run-20261123-a2b3c4",
    name: "first-try",
    recipe: "tiny-sft",
    requester_id: ALEX.id,
    requester: ALEX.name,
    status: "training",
    headline: "Training, step 20 of 70.",
    created_at: "2026-11-23T03:00:00Z",
    ended_at: null,
    rail: [
      { name: "queued", state: "done", seconds: 2 },
      { name: "training", state: "now", seconds: 90 },
      { name: "evaluation", state: "ahead", seconds: null },
    ],
    plan: aPlan(),
    step: 20,
    total: 70,
    loss: 5.1234,
    first_loss: 7.6,
    eval_loss: null,
    tokens: 81_920,
    tokens_per_s: 1500,
    eta_s: 136,
    curve: [
      { step: 1, value: 7.6 },
      { step: 20, value: 5.1234 },
    ],
    cost: 0.02,
    cost_limit: 2,
    attempt: 1,
    queue_position: null,
    approval: null,
    decided_by: null,
    decision_reason: null,
    cancelled_by: null,
    result: null,
    verdict: null,
    diagnosis: null,
    samples: [],
    undelivered: [],
    is_stopping: false,
    note: "",
    links: [],
    trouble: "",
    why_waiting: "",
    ...part,
  };
}

export function aPromotion(part: Partial<PromotionView> = {}): PromotionDetail {
  const url = "http://127.0.0.1:3978/endpoints/tiny/v1";
  const allowed = { allowed: true, why: "" };
  return {
    promotion: {
      id: "promo-20261123-a2b3c4",
      run_id: "run-20261123-a2b3c4",
      run_name: "first-try",
      model: "tiny",
      version: "1",
      endpoint: "tiny",
      url,
      requester_id: ALEX.id,
      requester: ALEX.name,
      status: "live",
      headline: "The model is served.",
      created_at: "2026-11-23T03:00:00Z",
      live_at: "2026-11-23T03:02:00Z",
      expires_at: "2026-11-24T03:02:00Z",
      ended_at: null,
      plan: aPromotionPlan(),
      rail: [{ name: "live", state: "done", seconds: null }],
      pipeline_url: null,
      waits_for: [],
      fault: "",
      log_tail: [],
      approval: null,
      decided_by: null,
      decision_reason: null,
      is_stopping: false,
      note: "",
      ...part,
    },
    cost: 1.2,
    example: [`curl ${url}/chat/completions`],
    rights: { cancel: allowed, approve: allowed, reject: allowed, undeploy: allowed },
  };
}

export function aPromotionPlan(part: Partial<PromotionPlan> = {}): PromotionPlan {
  return {
    machine: "local-cpu",
    instances: 1,
    instances_in_switch: 1,
    hours: 24,
    price_per_hour: 0.05,
    currency: "EUR",
    model_sha256: "ab",
    order_sha256: "cd",
    replaces: null,
    warnings: [],
    ...part,
  };
}

export function aModelVersion(part: Partial<ModelVersion> = {}): ModelVersion {
  return {
    model: "tiny",
    version: "1",
    run_id: "run-20261123-a2b3c4",
    stage: "production",
    model_sha256: "ab",
    created_at: "2026-11-23T03:01:00Z",
    eval_loss: 4.1,
    lineage: [],
    ...part,
  };
}

export function detailOf(run: RunView, part: Partial<RunDetail> = {}): RunDetail {
  const yes = { allowed: true, why: "" };
  return {
    run,
    spec: aSpec(),
    spec_sha256: "26b2d8db",
    recipe_spec: aSpec(),
    differences: [],
    rights: { cancel: yes, approve: yes, reject: yes, rerun: yes, promote: yes },
    threads: ["channel"],
    pipeline_url: null,
    version: 1,
    ...part,
  };
}

export function aRecipe(): RecipeShape {
  const field: Omit<FormField, "id" | "label" | "value"> = {
    input: "text",
    help: "",
    choices: [],
    fault: null,
    required: false,
  };
  return {
    name: "tiny-sft",
    title: "Question answering, tiny",
    description: "Under a minute on two cores.",
    spec: aSpec(),
    fields: [
      { ...field, id: "recipe", label: "Recipe", value: "tiny-sft", input: "choice" },
      { ...field, id: "name", label: "Name", value: "tiny-sft", required: true },
      { ...field, id: "steps", label: "Steps", value: "70", input: "number" },
      { ...field, id: "lr", label: "Learning rate", value: "0.003", input: "number" },
    ],
  };
}

/** The real schema, with its parts where `$ref` looks for them. */
export function aSchema(): object {
  return { ...document.components.schemas.RunSpec, components: document.components };
}

export function aDraft(part: Partial<DraftShape> = {}): DraftShape {
  return {
    id: "run-20261123-d5e6f7",
    recipe: "tiny-sft",
    name: "first-try",
    requester: ALEX,
    spec: aSpec(),
    changes: {},
    plan: aPlan(),
    approval_why: null,
    created_at: "2026-11-23T03:00:00Z",
    started: false,
    ...part,
  };
}

export function someMetrics(part: Partial<MetricsShape> = {}): MetricsShape {
  const curve = { unit: "nats/token", points: 4 };
  return {
    steps: [1, 2, 3],
    series: [
      {
        ...curve,
        key: "loss",
        low: [7, 6, 5],
        high: [7.5, 9, 5],
        last: [7.2, 6, 5],
        smooth: [7.2, 6.5, 5.5],
      },
    ],
    marks: [{ step: 2, kind: "checkpoint", text: "Checkpoint" }],
    points: 4,
    first_step: 1,
    last_step: 3,
    ...part,
  };
}

export function aProblem(part: Partial<Problem> = {}): Problem {
  return {
    type: "about:blank",
    code: "unavailable",
    title: "Unavailable",
    status: 403,
    detail: "The database does not answer; try again in a minute.",
    instance: "/api/v1",
    errors: [],
    ...part,
  };
}
