import { expect, test } from "vitest";
import { aProblem } from "@/test/fixtures";
import { ApiError, unwrap } from "./problem";
import { isWorthRetrying } from "./query-client";

const answer = (status: number, error: unknown) =>
  Promise.resolve({ error, response: new Response(null, { status }) });

test("problem details become an error with the server's sentence and faults", async () => {
  const errors = [{ loc: "optim.lr", msg: "too large" }];
  const failed = unwrap(answer(422, aProblem({ status: 422, errors })));
  await expect(failed).rejects.toMatchObject({
    status: 422,
    message: "The database does not answer; try again in a minute.",
    faults: errors,
  });
});

test("an answer that is no problem details is still told with its status", async () => {
  await expect(unwrap(answer(502, "<html>"))).rejects.toMatchObject({
    status: 502,
    code: "unexpected",
  });
});

test("no answer at all says what to check", async () => {
  const none = unwrap(Promise.resolve({ error: new TypeError("Failed to fetch") }));
  await expect(none).rejects.toThrow("Check that it is running");
});

test("a request that was given up is no failure to show", async () => {
  const given = new DOMException("aborted", "AbortError");
  await expect(unwrap(Promise.resolve({ error: given }))).rejects.toBe(given);
});

test("refusals are not asked again, silence and faults of the server are, twice", () => {
  const refused = new ApiError(aProblem({ status: 403 }));
  const broken = new ApiError(aProblem({ status: 503 }));
  expect([
    isWorthRetrying(0, refused),
    isWorthRetrying(1, broken),
    isWorthRetrying(2, broken),
  ]).toEqual([false, true, false]);
});
