/** A small server with a researcher, a recipe, a run and its curves; tests override what they test. */
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { aMe, aProblem, aRecipe, aRun, aSchema, detailOf, someMetrics } from "./fixtures";

const API = "*/api/v1";

export function get(path: string, body: unknown, status = 200) {
  return http.get(`${API}${path}`, () => HttpResponse.json(body as object, { status }));
}

export function post(path: string, body: unknown, status = 200) {
  return http.post(`${API}${path}`, () => HttpResponse.json(body as object, { status }));
}

export function fails(path: string, problem = aProblem()) {
  return get(path, problem, problem.status);
}

/** Answers nothing, so that the page stays loading. */
export function hangs(path: string) {
  return http.get(`${API}${path}`, () => new Promise<never>(() => {}));
}

export const server = setupServer(
  get("/me", aMe()),
  get("/recipes", { recipes: [aRecipe()] }),
  get("/run-spec.schema.json", aSchema()),
  get("/runs", { runs: [aRun()], total: 1, next: null }),
  get("/runs/:id", detailOf(aRun())),
  get("/runs/:id/metrics", someMetrics()),
  get("/runs/:id/results", { files: [] }),
  get("/runs/:id/activity", { events: [] }),
  get("/sweeps", { sweeps: [] }),
  get("/models", { versions: [], endpoints: [] }),
  get("/promotions", { promotions: [] }),
  http.get(`${API}/runs/:id/log/search`, () => HttpResponse.json({ numbers: [2], total: 1 })),
  http.get(`${API}/runs/:id/log`, ({ request }) => {
    const first = Number(new URL(request.url).searchParams.get("first"));
    const lines = ["== train", "step 1/70 loss 7.6", "step 2/70 loss 7.5"];
    return HttpResponse.json({
      lines: first < 0 ? lines.slice(first) : lines.slice(first - 1),
      first: Math.max(1, first),
      total: lines.length,
    });
  }),
);
