/** Values of the REST shapes for tests, each whole and plausible. */

import type {
  DraftShape,
  FormField,
  Me,
  MetricsShape,
  ModelConfig,
  ModelVersion,
  PersonShape,
  Plan,
  Problem,
  PromotionDetail,
  PromotionPlan,
  PromotionView,
  RecipeShape,
  ResultSeen,
  RunDetail,
  RunSpec,
  RunView,
  SweepDetail,
  TrialShape,
} from "@/api/generated";
import document from "../../openapi.json";
import { type Part, sample } from "./sample";

export const ALEX: PersonShape = { id: "a1", tenant: "t", name: "Alex", role: "researcher" };
export const MEGAN: PersonShape = { id: "a2", tenant: "t", name: "Megan", role: "approver" };

export function aMe(part: Part<Me> = {}): Me {
  return sample<Me>("Me", {
    person: ALEX,
    people: [ALEX, MEGAN],
    notice: "Anybody at this machine can act as anybody.",
    currency: "EUR",
    ...part,
  });
}

export function aPlan(part: Part<Plan> = {}): Plan {
  return sample<Plan>("Plan", {
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
    ...part,
  });
}

export function aSpec(part: Part<RunSpec> = {}): RunSpec {
  return sample<RunSpec>("RunSpec", {
    recipe: "tiny-sft",
    name: "tiny-sft",
    method: "sft",
    model: {
      config: sample<ModelConfig>("ModelConfig", { hidden_size: 128, layers: 4, heads: 4 }),
    },
    data: { train: { uri: "builtin:python-qa" } },
    budget: { steps: 70 },
    optim: { lr: 0.003, weight_decay: 0.01 },
    eval: { prompts: ["Why?"] },
    goal: { metric: "eval_loss", below: 4.5 },
    ...part,
  });
}

export function aRun(part: Part<RunView> = {}): RunView {
  return sample<RunView>("RunView", {
    id: "run-20261123-a2b3c4",
    name: "first-try",
    recipe: "tiny-sft",
    requester_id: ALEX.id,
    requester: ALEX.name,
    status: "training",
    headline: "Training, step 20 of 70.",
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
    ...part,
  });
}

export function aResult(part: Part<ResultSeen> = {}): ResultSeen {
  return sample<ResultSeen>("ResultSeen", {
    steps: 70,
    tokens: 286_720,
    train_s: 33,
    loss: 3.9,
    eval_loss: 4.1,
    first_eval_loss: 7.6,
    model: "m",
    ...part,
  });
}

const YES = { allowed: true, why: "" };

export function aPromotion(part: Part<PromotionView> = {}): PromotionDetail {
  const url = "http://127.0.0.1:3978/endpoints/tiny/v1";
  return sample<PromotionDetail>("PromotionDetail", {
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
      live_at: "2026-11-23T03:02:00Z",
      expires_at: "2026-11-24T03:02:00Z",
      plan: aPromotionPlan(),
      rail: [{ name: "live", state: "done", seconds: null }],
      ...part,
    },
    cost: 1.2,
    example: [`curl ${url}/chat/completions`],
    rights: { cancel: YES, approve: YES, reject: YES, undeploy: YES },
  });
}

export function aPromotionPlan(part: Part<PromotionPlan> = {}): PromotionPlan {
  return sample<PromotionPlan>("PromotionPlan", {
    machine: "local-cpu",
    instances: 1,
    instances_in_switch: 1,
    hours: 24,
    price_per_hour: 0.05,
    currency: "EUR",
    model_sha256: "ab",
    order_sha256: "cd",
    ...part,
  });
}

export function aModelVersion(part: Part<ModelVersion> = {}): ModelVersion {
  return sample<ModelVersion>("ModelVersion", {
    model: "tiny",
    version: "1",
    run_id: "run-20261123-a2b3c4",
    stage: "production",
    model_sha256: "ab",
    created_at: "2026-11-23T03:01:00Z",
    eval_loss: 4.1,
    ...part,
  });
}

export function detailOf(run: RunView, part: Part<RunDetail> = {}): RunDetail {
  return sample<RunDetail>("RunDetail", {
    run,
    spec: aSpec(),
    spec_sha256: "26b2d8db",
    recipe_spec: aSpec(),
    rights: { cancel: YES, approve: YES, reject: YES, rerun: YES, promote: YES },
    threads: ["channel"],
    version: 1,
    ...part,
  });
}

export function aTrial(part: Part<TrialShape> = {}): TrialShape {
  return sample<TrialShape>("TrialShape", { number: 1, total: 70, ...part });
}

/** Four runs: two have ended, the first is the best; one trains. */
export function aSweep(part: Part<SweepDetail> = {}): SweepDetail {
  const run = (number: number, run_id: string, part: Part<TrialShape>) =>
    aTrial({ number, run_id: `run-20261123-${run_id}`, ...part });
  return sample<SweepDetail>("SweepDetail", {
    id: "sweep-20261123-a2b3c4",
    name: "tiny-sft",
    recipe: "tiny-sft",
    requester: { ...ALEX, role: "researcher" },
    status: "running",
    started_at: "2026-11-23T03:00:00Z",
    best: "run-20261123-aaaaaa",
    trials: 4,
    varied: ["lr", "seed"],
    currency: "EUR",
    spec: {
      recipe: "tiny-sft",
      vary: { lr: ["1e-3", "2e-3"], seed: [0, 1] },
      changes: { steps: "30" },
      budget: { cost: 2 },
    },
    plan: { cost_low: 0.8, cost: 1.2, cost_high: 2, seconds: 90, currency: "EUR" },
    runs: [
      run(1, "aaaaaa", { status: "succeeded", figure: 1.5, values: { lr: "1e-3", seed: 0 } }),
      run(2, "bbbbbb", { status: "succeeded", figure: 1.8, values: { lr: "2e-3", seed: 0 } }),
      run(3, "cccccc", { status: "training", step: 4, values: { lr: "1e-3", seed: 1 } }),
      run(4, "dddddd", { values: { lr: "2e-3", seed: 1 } }),
    ],
    cost: 0.5,
    rights: { start: YES, cancel: YES, approve: YES, reject: YES },
    ...part,
  });
}

export function aRecipe(): RecipeShape {
  const field = (part: Part<FormField>) => sample<FormField>("FormField", part);
  return sample<RecipeShape>("RecipeShape", {
    name: "tiny-sft",
    title: "Question answering, tiny",
    description: "Under a minute on two cores.",
    spec: aSpec(),
    fields: [
      field({ id: "recipe", label: "Recipe", value: "tiny-sft", input: "choice" }),
      field({ id: "name", label: "Name", value: "tiny-sft", input: "text", required: true }),
      field({ id: "steps", label: "Steps", value: "70", input: "number" }),
      field({ id: "lr", label: "Learning rate", value: "0.003", input: "number" }),
    ],
  });
}

/** The real schema, with its parts where `$ref` looks for them. */
export function aSchema(): object {
  return { ...document.components.schemas.RunSpec, components: document.components };
}

export function aDraft(part: Part<DraftShape> = {}): DraftShape {
  return sample<DraftShape>("DraftShape", {
    id: "run-20261123-d5e6f7",
    recipe: "tiny-sft",
    name: "first-try",
    requester: ALEX,
    spec: aSpec(),
    plan: aPlan(),
    ...part,
  });
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
