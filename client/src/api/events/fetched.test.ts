import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { server } from "@/test/server";
import { openFetched } from "./fetched";

function listened() {
  const heard: string[] = [];
  const handlers = {
    onOpen: () => void heard.push("open"),
    onHint: (topic: string) => void heard.push(topic),
    onLost: () => void heard.push("lost"),
  };
  return { heard, handlers };
}

function stream(...topics: string[]) {
  const body = topics
    .map((topic) => `event: hint\ndata: ${JSON.stringify({ topic })}\n\n`)
    .join("");
  return new HttpResponse(body, { headers: { "Content-Type": "text/event-stream" } });
}

test("hints come over fetch as over an event source, and the end is told", async () => {
  let asked = "";
  server.use(
    http.get("*/api/v1/events", ({ request }) => {
      asked = new URL(request.url).search;
      return stream("runs", "run:run-1");
    }),
  );
  const { heard, handlers } = listened();
  openFetched(["runs", "run:run-1"], handlers);
  await expect.poll(() => heard).toEqual(["open", "runs", "run:run-1", "lost"]);
  expect(asked).toBe("?topics=runs&topics=run%3Arun-1");
});

test("a refused stream is lost, once", async () => {
  server.use(http.get("*/api/v1/events", () => new HttpResponse(null, { status: 401 })));
  const { heard, handlers } = listened();
  openFetched(["runs"], handlers);
  await expect.poll(() => heard).toEqual(["lost"]);
});

test("a stream that was closed tells nothing more", async () => {
  let wasAsked = false;
  server.use(
    http.get("*/api/v1/events", () => {
      wasAsked = true;
      return new Promise<never>(() => {});
    }),
  );
  const { heard, handlers } = listened();
  const opened = openFetched(["runs"], handlers);
  await expect.poll(() => wasAsked).toBe(true);
  opened.close();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(heard).toEqual([]);
});
