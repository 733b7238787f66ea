import { Button, Checkbox, Field, Input, Select } from "@fluentui/react-components";
import type { MetricsShape } from "@/api/generated";
import { whole } from "@/shared/format/format";
import type { View } from "./asked";
import styles from "./metrics.module.css";
import { WORDS } from "./words";

const SMOOTHINGS = [0, 0.5, 0.8, 0.9, 0.97, 0.99];

type ControlsProps = { metrics: MetricsShape; view: View; onView: (view: View) => void };

export function Controls({ metrics, view, onView }: ControlsProps) {
  const isZoomed = view.first !== undefined || view.last !== undefined;
  const options = [...new Set([...SMOOTHINGS, view.smooth ?? 0])].sort((a, b) => a - b);
  return (
    <div className={styles.controls}>
      <Step label={WORDS.first} value={view.first} onStep={(first) => onView({ ...view, first })} />
      <Step label={WORDS.last} value={view.last} onStep={(last) => onView({ ...view, last })} />
      <Field label={WORDS.smooth} size="small">
        <Select
          value={String(view.smooth ?? 0)}
          onChange={(_, { value }) => onView({ ...view, smooth: Number(value) })}
        >
          {options.map((weight) => (
            <option key={weight} value={String(weight)}>
              {weight === 0 ? "None" : weight}
            </option>
          ))}
        </Select>
      </Field>
      <Checkbox
        label={WORDS.log}
        checked={view.log === true}
        onChange={(_, { checked }) => onView({ ...view, log: checked === true ? true : undefined })}
      />
      {isZoomed && (
        <Button onClick={() => onView({ ...view, first: undefined, last: undefined })}>
          {WORDS.reset}
        </Button>
      )}
      <p className={styles.note}>{noteOf(metrics)}</p>
    </div>
  );
}

function noteOf({ series, steps, first_step, last_step }: MetricsShape): string {
  const points = Math.max(0, ...series.map((one) => one.points));
  const note =
    steps.length < points
      ? WORDS.showing(whole(steps.length), whole(points))
      : WORDS.showingAll(whole(points));
  return `${note} ${WORDS.steps(whole(first_step), whole(last_step))} ${WORDS.dragHint}`;
}

type StepProps = {
  label: string;
  value: number | undefined;
  onStep: (step: number | undefined) => void;
};

/** A step typed by hand: the keyboard's way to zoom. Taken on Enter or when the field is left. */
function Step({ label, value, onStep }: StepProps) {
  const take = (text: string) => {
    const step = text === "" ? undefined : Math.max(0, Math.round(Number(text)));
    if (step !== value) onStep(step);
  };
  return (
    <Field label={label} size="small">
      <Input
        key={value}
        type="number"
        min={0}
        defaultValue={value === undefined ? "" : String(value)}
        onBlur={(event) => take(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && take(event.currentTarget.value)}
      />
    </Field>
  );
}
