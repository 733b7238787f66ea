import type { RunDetail } from "@/api/generated";
import type { Fact } from "@/shared/ui/facts";
import { Facts } from "@/shared/ui/facts";
import { Section } from "@/shared/ui/page";
import { WORDS } from "./words";

export function WherePanel({ detail }: { detail: RunDetail }) {
  const facts: Fact[] = [];
  if (detail.threads.length > 0) {
    facts.push({ name: WORDS.told, value: detail.threads.join(", ") });
  }
  if (detail.pipeline_url) {
    facts.push({
      name: WORDS.pipeline,
      value: <a href={detail.pipeline_url}>{detail.pipeline_url}</a>,
    });
  }
  if (facts.length === 0) return null;
  return (
    <Section title={WORDS.place}>
      <Facts facts={facts} />
    </Section>
  );
}

export function Undelivered({ sentences }: { sentences: readonly string[] }) {
  if (sentences.length === 0) return null;
  return (
    <Section title={WORDS.undelivered}>
      <ul>
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </Section>
  );
}
