import { useQuery } from "@tanstack/react-query";
import { runQuery } from "@/api/queries";
import { PromotionsPanel } from "@/shared/promotion/promotions-panel";
import { ApprovalPanel } from "./approval-panel";
import { CurvePanel } from "./curve-panel";
import { EndingPanel } from "./ending-panel";
import { FailurePanel } from "./failure-panel";
import { Incidents } from "./incidents";
import { PlanPanel } from "./plan-panel";
import { ResultPanel } from "./result-panel";
import { Samples } from "./samples";
import { Undelivered, WherePanel } from "./where-panel";

/** Leads with what matters in the run's state. */
export function Overview({ id }: { id: string }) {
  const { data: detail } = useQuery(runQuery(id));
  if (detail === undefined) return null; // the frame around draws loading and failure
  const { run } = detail;
  return (
    <>
      {run.diagnosis && <FailurePanel id={run.id} diagnosis={run.diagnosis} />}
      <EndingPanel run={run} />
      {run.approval && <ApprovalPanel run={run} differences={detail.differences} />}
      {run.result && <ResultPanel run={run} result={run.result} />}
      {run.result && <PromotionsPanel run={run.id} />}
      <CurvePanel run={run} />
      <Incidents run={run} />
      <Samples samples={run.samples} />
      {!run.result && <PlanPanel plan={run.plan} />}
      <WherePanel detail={detail} />
      <Undelivered sentences={run.undelivered} />
    </>
  );
}
