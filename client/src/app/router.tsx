/** Every address of the client, with its search parameters checked; pages load when first visited. */
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  type RouterHistory,
  redirect,
  retainSearchParams,
} from "@tanstack/react-router";
import { modelsQuery } from "@/api/promotions";
import { logLengthQuery, metricsQuery, resultsQuery, runQuery, runsQuery } from "@/api/queries";
import { sweepQuery, sweepsQuery } from "@/api/sweeps";
import { metricsAsked } from "@/features/metrics/asked";
import { askedFor } from "@/features/run-list/asked";
import { type ThemeName, themeNamed } from "@/host/host";
import {
  chartSearch,
  configSearch,
  newRunSearch,
  newSweepSearch,
  runsSearch,
  sweepSearch,
} from "@/routes/search";
import { NotFound } from "./not-found";
import { PageFault } from "./page-fault";
import { Root } from "./root";

type RootSearch = { theme?: ThemeName };
type Context = { client: QueryClient };

// Loaders only begin what a page will ask, so that it is on its way while the page's code loads.
const rootRoute = createRootRouteWithContext<Context>()({
  component: Root,
  notFoundComponent: NotFound,
  errorComponent: PageFault,
  validateSearch: (search: Record<string, unknown>): RootSearch => {
    const theme = themeNamed(search["theme"]);
    return theme === null ? {} : { theme };
  },
  search: { middlewares: [retainSearchParams(["theme"])] },
});

const home = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/runs" });
  },
});

const runs = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs",
  validateSearch: runsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context, deps }) => void context.client.prefetchQuery(runsQuery(askedFor(deps))),
  component: lazyRouteComponent(() => import("@/routes/runs"), "RunsPage"),
});

const newRun = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs/new",
  validateSearch: newRunSearch,
  component: lazyRouteComponent(() => import("@/routes/new-run"), "NewRunPage"),
});

const run = createRoute({
  getParentRoute: () => rootRoute,
  path: "/runs/$id",
  loader: ({ context, params }) => void context.client.prefetchQuery(runQuery(params.id)),
  component: lazyRouteComponent(() => import("@/routes/run"), "RunPage"),
});

const overview = createRoute({
  getParentRoute: () => run,
  path: "/",
  component: lazyRouteComponent(() => import("@/routes/run-overview"), "OverviewPage"),
});

const overviewByName = createRoute({
  getParentRoute: () => run,
  path: "/overview",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/runs/$id", params });
  },
});

const metrics = createRoute({
  getParentRoute: () => run,
  path: "/metrics",
  validateSearch: chartSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context, params, deps }) =>
    void context.client.prefetchQuery(metricsQuery(params.id, metricsAsked(deps))),
  component: lazyRouteComponent(() => import("@/routes/run-metrics"), "MetricsPage"),
});

const logs = createRoute({
  getParentRoute: () => run,
  path: "/logs",
  loader: ({ context, params }) => void context.client.prefetchQuery(logLengthQuery(params.id)),
  component: lazyRouteComponent(() => import("@/routes/run-logs"), "LogsPage"),
});

const results = createRoute({
  getParentRoute: () => run,
  path: "/results",
  loader: ({ context, params }) => void context.client.prefetchQuery(resultsQuery(params.id)),
  component: lazyRouteComponent(() => import("@/routes/run-results"), "ResultsPage"),
});

const config = createRoute({
  getParentRoute: () => run,
  path: "/config",
  validateSearch: configSearch,
  component: lazyRouteComponent(() => import("@/routes/run-config"), "ConfigPage"),
});

const activity = createRoute({
  getParentRoute: () => run,
  path: "/activity",
  component: lazyRouteComponent(() => import("@/routes/run-activity"), "ActivityPage"),
});

const sweeps = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sweeps",
  loader: ({ context }) => void context.client.prefetchQuery(sweepsQuery()),
  component: lazyRouteComponent(() => import("@/routes/sweeps"), "SweepsPage"),
});

const newSweep = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sweeps/new",
  validateSearch: newSweepSearch,
  component: lazyRouteComponent(() => import("@/routes/new-sweep"), "NewSweepPage"),
});

const sweep = createRoute({
  getParentRoute: () => rootRoute,
  path: "/sweeps/$id",
  validateSearch: sweepSearch,
  loader: ({ context, params }) => void context.client.prefetchQuery(sweepQuery(params.id)),
  component: lazyRouteComponent(() => import("@/routes/sweep"), "SweepPage"),
});

const models = createRoute({
  getParentRoute: () => rootRoute,
  path: "/models",
  loader: ({ context }) => void context.client.prefetchQuery(modelsQuery()),
  component: lazyRouteComponent(() => import("@/routes/models"), "ModelsPage"),
});

const teamsConfig = createRoute({
  getParentRoute: () => rootRoute,
  path: "/teams/config",
  component: lazyRouteComponent(() => import("@/routes/teams-config"), "TeamsConfigPage"),
});

const routeTree = rootRoute.addChildren([
  home,
  runs,
  newRun,
  sweeps,
  newSweep,
  sweep,
  models,
  teamsConfig,
  run.addChildren([overview, overviewByName, metrics, logs, results, config, activity]),
]);

export function makeRouter(client: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree,
    context: { client },
    defaultPreload: "intent",
    scrollRestoration: true,
    search: { strict: true }, // what no route understands is not handed on
    ...(history ? { history } : {}),
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
