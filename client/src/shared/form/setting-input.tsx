import { Field, Input, Select, Textarea } from "@fluentui/react-components";
import type { UseFormRegisterReturn } from "react-hook-form";
import { Prose } from "@/shared/ui/prose";
import { WORDS } from "../words";
import type { SchemaField } from "./schema";

type SettingInputProps = {
  field: SchemaField;
  input: UseFormRegisterReturn;
  /** What it holds at first. */
  start: string;
  fault: string | undefined;
};

/** One setting of the spec as a Fluent input with its help, unit and fault. */
export function SettingInput({ field, input, start, fault }: SettingInputProps) {
  const label = field.unit ? `${field.label} (${field.unit})` : field.label;
  return (
    <Field
      label={label}
      hint={field.help && <Prose>{field.help}</Prose>}
      required={!field.isOptional && field.kind === "text"}
      validationState={fault ? "error" : "none"}
      validationMessage={fault && <Prose>{fault}</Prose>}
    >
      <Control field={field} input={{ ...input, defaultValue: start }} />
    </Field>
  );
}

type Started = UseFormRegisterReturn & { defaultValue: string };

/** Fluent's inputs keep what they show themselves, so the start goes to them too. */
function Control({ field, input, ...fromField }: { field: SchemaField; input: Started }) {
  switch (field.kind) {
    case "lines":
      return <Textarea {...fromField} {...input} resize="vertical" />;
    case "flag":
      return <Choice {...fromField} input={input} options={["true", "false"]} isOptional={false} />;
    case "choice":
      return (
        <Choice
          {...fromField}
          input={input}
          options={field.choices}
          isOptional={field.isOptional}
        />
      );
    case "number": // as text: `2e-4` and `1_000` are the server's to judge
      return <Input {...fromField} {...input} inputMode="decimal" autoComplete="off" />;
    case "text":
      return <Input {...fromField} {...input} autoComplete="off" spellCheck={false} />;
  }
}

type ChoiceProps = { input: Started; options: string[]; isOptional: boolean };

function Choice({ input, options, isOptional, ...fromField }: ChoiceProps) {
  return (
    <Select {...fromField} {...input}>
      {isOptional && <option value="">{WORDS.asTheRecipe}</option>}
      {options.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </Select>
  );
}
