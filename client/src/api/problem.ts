/** What a failed request comes to: one error class that carries the server's problem details. */
import type { FieldProblem, Problem } from "./generated";

export class ApiError extends Error {
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly faults: readonly FieldProblem[];

  constructor(problem: Pick<Problem, "status" | "code" | "title" | "detail"> & Partial<Problem>) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.faults = problem.errors ?? [];
  }
}

const UNREACHABLE = {
  status: 0,
  code: "unreachable",
  title: "The server does not answer",
  detail: "The page could not reach the server. Check that it is running, then try again.",
};

type Answer<T> = { data?: T | undefined; error?: unknown; response?: Response | undefined };

/** Return the answer's data; throw an `ApiError` for everything else. */
export async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer;
  if (response?.ok && data !== undefined) return data;
  if (isAbort(error)) throw error;
  if (isProblem(error)) throw new ApiError(error);
  if (response === undefined) throw new ApiError(UNREACHABLE);
  throw new ApiError({
    status: response.status,
    code: "unexpected",
    title: `The server answered ${response.status}`,
    detail: `The server answered ${response.status} ${response.statusText} without saying why. Its log has the reason.`,
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

function isProblem(error: unknown): error is Problem {
  return (
    typeof error === "object" &&
    error !== null &&
    "code" in error &&
    "detail" in error &&
    typeof error.detail === "string"
  );
}
