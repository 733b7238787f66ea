import { expect, test } from "vitest";
import document from "../../../openapi.json";
import { ACTIVE, isStatus, RAIL_WORDS, STATUS, STATUSES } from "./status";

test("every state that the server can send has words", () => {
  expect(new Set(STATUSES)).toEqual(new Set(document.components.schemas.RunStatus.enum));
});

test("no two states share a label", () => {
  expect(new Set(STATUSES.map((status) => STATUS[status].label)).size).toBe(STATUSES.length);
});

test("every state of the rail has words", () => {
  expect(Object.keys(RAIL_WORDS).sort()).toEqual(
    document.components.schemas.RailState.enum.toSorted(),
  );
});

test("a run that waits for approval has not ended", () => {
  expect(ACTIVE).toContain("awaiting_approval");
  expect(ACTIVE).not.toContain("expired");
});

test("words of Object's own are no state", () => {
  expect([isStatus("training"), isStatus("toString"), isStatus("")]).toEqual([true, false, false]);
});
