/** What jsdom lacks of a browser, and a server that answers every test's requests. */
import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterAll, afterEach, beforeAll } from "vitest";
import { client } from "@/api/generated/client.gen";
import { server } from "./server";

configure({ asyncUtilTimeout: 10_000 }); // a shared machine is slow; none of them waits for luck

class SizeNever implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

/** A canvas context that takes every call and draws nothing. */
function blankContext(canvas: HTMLCanvasElement): unknown {
  return new Proxy(
    { canvas },
    {
      get: (target, key) =>
        key in target ? Reflect.get(target, key) : () => ({ width: 10, addColorStop() {} }),
      set: () => true,
    },
  );
}

globalThis.ResizeObserver = SizeNever;
globalThis.Path2D ??= class {
  moveTo(): void {}
  lineTo(): void {}
  arc(): void {}
  rect(): void {}
  closePath(): void {}
  addPath(): void {}
} as unknown as typeof Path2D;
HTMLCanvasElement.prototype.getContext = function getContext(this: HTMLCanvasElement) {
  return blankContext(this);
} as typeof HTMLCanvasElement.prototype.getContext;
globalThis.matchMedia ??= (media: string) =>
  Object.assign(new EventTarget(), { media, matches: false }) as MediaQueryList;
window.scrollTo = () => {};
URL.createObjectURL ??= () => "blob:of-a-test";
URL.revokeObjectURL ??= () => {};

client.setConfig({ baseUrl: location.origin });
beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
});
afterAll(() => server.close());
