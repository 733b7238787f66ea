import { expect, test } from "vitest";
import { circleIn } from "./circles";

test("two files that import each other are a circle, however they are come upon", () => {
  const imports = { index: ["shared"], shared: ["packages"], packages: ["runtime", "shared"] };
  expect(circleIn(new Map(Object.entries(imports)))).toEqual(["shared", "packages", "shared"]);
});

test("a file that many import is no circle", () => {
  const imports = { index: ["packages", "shared"], shared: ["packages"], page: ["shared"] };
  expect(circleIn(new Map(Object.entries(imports)))).toBeNull();
});
