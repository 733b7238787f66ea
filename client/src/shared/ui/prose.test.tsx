import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Prose } from "./prose";

test("what stands between backticks is code, and no backtick is shown", () => {
  const { container } = render(<Prose>Say `promote last` in the chat, or `models`.</Prose>);
  expect(container).toHaveTextContent("Say promote last in the chat, or models.");
  expect([...container.querySelectorAll("code")].map((code) => code.textContent)).toEqual([
    "promote last",
    "models",
  ]);
});

test("a sentence without any is itself", () => {
  render(<Prose>Nothing to see.</Prose>);
  expect(screen.getByText("Nothing to see.")).toBeInTheDocument();
});
