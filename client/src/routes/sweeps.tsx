import { Sweeps } from "@/features/sweeps/sweeps";

export function SweepsPage() {
  return <Sweeps />;
}
