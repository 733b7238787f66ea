/** Requests that say who asks, and what happens when the server does not know. */
import type { Host } from "./host";
import { textIn } from "./text-in";

/** Return a fetch for the host; a refusal is asked once more where that may help. */
export function identifiedFetch(host: Host, plain: typeof fetch): typeof fetch {
  let worked = false;
  async function send(request: Request): Promise<Response> {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(await host.identity(request.method))) {
      headers.set(name, value);
    }
    return plain(new Request(request, { headers }));
  }
  return async (input, init) => {
    const request = new Request(input, init);
    const spare = request.clone();
    const answer = await send(request).catch(told);
    if (answer.status !== 401) {
      worked ||= answer.ok;
      return answer;
    }
    const problem = answer.clone().json();
    const code = textIn(await problem.catch(() => null), "code") ?? "";
    return (await host.refused({ code, worked })) ? send(spare).catch(told) : answer;
  };
}

/** A host that gives no identity says why; that is an answer, and not silence of the server. */
function told(error: unknown): Response {
  if (error instanceof DOMException || error instanceof TypeError) throw error; // left, or silence
  const detail = error instanceof Error ? error.message : String(error);
  const problem = { status: 401, code: "no_identity", title: "Not signed in", detail };
  return Response.json(problem, { status: 401 });
}
